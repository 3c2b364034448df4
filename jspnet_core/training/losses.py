"""Losses of JSPNet (paper, equations 1-5)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from jspnet_core.classes import UNLABELLED

DELTA_V = 0.5
"""Margin of the pull loss: points nearer than this to the mean of their instance are not pulled."""

DELTA_D = 1.5
"""Margin of the push loss: means farther apart than twice this are not pushed."""


def joint_loss(
    logits: Tensor,
    embeddings: Tensor,
    label: Tensor,
    instance: Tensor,
    *,
    instances: int | None = None,
    weights: Tensor | None = None,
    groups: Tensor | None = None,
    smoothing: float = 0.0,
    average: Callable[[Tensor], Tensor] = lambda mass: mass,
) -> dict[str, Tensor]:
    """Compute the losses of equation 1, scalars by name: `semantic`, `pull`, `push`, and their sum `total`.

    logits (B, N, C), embeddings (B, N, K), label (B, N) int64 class ids, instance (B, N) int64, 0..M-1 in each block.
    instances: the largest M, if known; reading it from a GPU would synchronise.
    groups: (G, C) bool, the classes that each of the labels C to C + G - 1 stands for. weights: (C + G,) of the labels.
    smoothing: label smoothing, 0 to 1. average: mean over the processes of the summed weight of labelled points.
    """
    semantic = semantic_loss(logits, label, weights, smoothing, average, groups)
    pull, push = discriminative_loss(embeddings, instance, instances)
    return {"total": semantic + pull + push, "semantic": semantic, "pull": pull, "push": push}


def semantic_loss(
    logits: Tensor,
    label: Tensor,
    weights: Tensor | None,
    smoothing: float,
    average: Callable[[Tensor], Tensor],
    groups: Tensor | None = None,
) -> Tensor:
    """Compute the cross entropy (eq. 2), averaged over the labelled points by class weight; 0 without any.

    The probability of a label that stands for a group of classes is the sum of theirs.

    With several processes each divides by the average weight of all, so that the mean of their losses, and of their
    gradients, is that of one process with all blocks, however unevenly the labelled points are spread.
    """
    if groups is None or not len(groups):
        total = functional.cross_entropy(
            logits.flatten(0, 1),
            label.flatten(),
            weights,
            ignore_index=UNLABELLED,
            reduction="sum",
            label_smoothing=smoothing,
        )
    else:
        total = _group_cross_entropy(logits.flatten(0, 1), label.flatten(), weights, smoothing, groups)
    known = label != UNLABELLED
    mass = known.sum().float() if weights is None else (weights[label.where(known, 0)] * known).sum()
    return total / average(mass).clamp(min=1e-6)


def _group_cross_entropy(
    logits: Tensor, label: Tensor, weights: Tensor | None, smoothing: float, groups: Tensor
) -> Tensor:
    """`functional.cross_entropy`, summed, with labels of groups: logits (P, C), label (P,), groups (G, C) bool.

    Smoothing spreads its share of the truth over the C classes, as there.
    """
    classes = logits.shape[1]
    log_class = functional.log_softmax(logits, dim=1)
    of_group = log_class.unsqueeze(1).masked_fill(~groups, -torch.inf).logsumexp(2)  # (P, G)
    log_label = torch.cat([log_class, of_group], dim=1)
    total = functional.nll_loss(log_label, label, weights, ignore_index=UNLABELLED, reduction="sum")
    if not smoothing:
        return total
    by_class = log_class if weights is None else log_class * weights[:classes]
    spread = -(by_class.sum(1) * (label != UNLABELLED)).sum()
    return (1.0 - smoothing) * total + smoothing / classes * spread


def discriminative_loss(embeddings: Tensor, instance: Tensor, instances: int | None = None) -> tuple[Tensor, Tensor]:
    """Compute pull (eq. 4) and push (eq. 5) losses with L1 distances, averaged over the blocks of the batch.

    embeddings (B, N, K), instance (B, N) int64, consecutive from 0 in each block.
    """
    size = int(instance.max()) + 1 if instances is None else instances
    means, count = instance_means(embeddings, instance, size)  # (B, M, K), (B, M)
    present = (count > 0).to(count)  # (B, M)
    found = present.sum(1)  # (B,)
    own = means.gather(1, instance.unsqueeze(-1).expand_as(embeddings))  # (B, N, K)
    excess = functional.relu((own - embeddings).abs().sum(-1) - DELTA_V).square()  # (B, N)
    per_instance = torch.zeros_like(present).scatter_add(1, instance, excess) / count.clamp(min=1)
    pull = per_instance.sum(1) / found
    distance = (means.unsqueeze(2) - means.unsqueeze(1)).abs().sum(-1)  # (B, M, M)
    pair = present.unsqueeze(2) * present.unsqueeze(1)
    pair = pair - torch.diag_embed(present)  # i != j
    shortfall = functional.relu(2 * DELTA_D - distance).square() * pair
    push = shortfall.sum((1, 2)) / (found * (found - 1)).clamp(min=1)
    return pull.mean(), push.mean()


def instance_means(embeddings: Tensor, instance: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Compute the mean embedding (B, M, K) and number of points (B, M) of each instance. size: M."""
    count = embeddings.new_zeros(len(instance), size)
    count.scatter_add_(1, instance, torch.ones_like(embeddings[..., 0]))
    total = embeddings.new_zeros(len(instance), size, embeddings.shape[-1])
    total = total.scatter_add(1, instance.unsqueeze(-1).expand_as(embeddings), embeddings)
    return total / count.clamp(min=1).unsqueeze(-1), count
