"""The losses of JSPNet (paper, equations 1-5)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from jspnet_core.classes import UNLABELLED

DELTA_V = 0.5  # a point nearer than this to its instance's mean is not pulled
DELTA_D = 1.5  # means farther apart than twice this are not pushed


def joint_loss(logits: Tensor, embeddings: Tensor, label: Tensor, instance: Tensor) -> dict[str, Tensor]:
    """Equation 1: the semantic and the instance loss, each a scalar, and their sum under `total`.

    logits (B, N, C), embeddings (B, N, K), label (B, N) int64 class ids, instance (B, N) int64, 0..M-1 in each block.
    """
    semantic = functional.cross_entropy(  # eq. 2, as a mean
        logits.flatten(0, 1), label.flatten(), ignore_index=UNLABELLED
    )
    pull, push = discriminative_loss(embeddings, instance)
    return {"total": semantic + pull + push, "semantic": semantic, "pull": pull, "push": push}


def discriminative_loss(embeddings: Tensor, instance: Tensor) -> tuple[Tensor, Tensor]:
    """Pull (eq. 4) and push (eq. 5) with L1 distances, averaged over the blocks of the batch.

    embeddings (B, N, K), instance (B, N) int64, consecutive from 0 in each block.
    """
    means, count = instance_means(embeddings, instance)  # (B, M, K), (B, M)
    present = (count > 0).float()  # (B, M)
    instances = present.sum(1)  # (B,)
    own = means.gather(1, instance.unsqueeze(-1).expand_as(embeddings))  # (B, N, K)
    excess = functional.relu((own - embeddings).abs().sum(-1) - DELTA_V).square()  # (B, N)
    per_instance = torch.zeros_like(present).scatter_add(1, instance, excess) / count.clamp(min=1)
    pull = per_instance.sum(1) / instances
    distance = (means.unsqueeze(2) - means.unsqueeze(1)).abs().sum(-1)  # (B, M, M)
    pair = present.unsqueeze(2) * present.unsqueeze(1)
    pair = pair - torch.diag_embed(present)  # i != j
    shortfall = functional.relu(2 * DELTA_D - distance).square() * pair
    push = shortfall.sum((1, 2)) / (instances * (instances - 1)).clamp(min=1)
    return pull.mean(), push.mean()


def instance_means(embeddings: Tensor, instance: Tensor) -> tuple[Tensor, Tensor]:
    """Mean embedding (B, M, K) and number of points (B, M) of each instance; M is the batch's largest number."""
    size = int(instance.max()) + 1
    count = torch.zeros(len(instance), size, device=embeddings.device)
    count.scatter_add_(1, instance, torch.ones_like(embeddings[..., 0]))
    total = embeddings.new_zeros(len(instance), size, embeddings.shape[-1])
    total = total.scatter_add(1, instance.unsqueeze(-1).expand_as(embeddings), embeddings)
    return total / count.clamp(min=1).unsqueeze(-1), count
