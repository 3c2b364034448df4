"""The losses against the paper's equations written as loops."""

import numpy as np
import pytest
import torch

from jspnet_core.training.losses import joint_loss


def pull_and_push(embeddings, instance):
    """Equations 4 and 5 for one block, by hand."""
    ids = sorted(set(instance))
    means = {m: np.mean([e for e, i in zip(embeddings, instance, strict=True) if i == m], axis=0) for m in ids}
    pulls = []
    for m in ids:
        points = [e for e, i in zip(embeddings, instance, strict=True) if i == m]
        pulls.append(np.mean([max(0.0, np.abs(means[m] - e).sum() - 0.5) ** 2 for e in points]))
    pairs = [max(0.0, 3.0 - np.abs(means[a] - means[b]).sum()) ** 2 for a in ids for b in ids if a != b]
    return np.mean(pulls), np.mean(pairs) if pairs else 0.0


def test_losses_are_those_of_the_equations():
    rng = np.random.default_rng(0)
    logits, embeddings = rng.normal(size=(3, 50, 4)), rng.normal(size=(3, 50, 5))
    label = rng.integers(0, 4, (3, 50))
    instance = np.stack([rng.permutation(np.arange(50) % m) for m in (7, 3, 1)])
    got = joint_loss(
        *(torch.from_numpy(x) for x in (logits.astype(np.float32), embeddings.astype(np.float32), label, instance))
    )
    semantic = -np.mean(
        [logits[b, i, label[b, i]] - np.log(np.exp(logits[b, i]).sum()) for b in range(3) for i in range(50)]
    )
    each = [pull_and_push(embeddings[b], instance[b]) for b in range(3)]
    pull, push = np.mean(each, axis=0)
    assert got["semantic"].item() == pytest.approx(semantic, rel=1e-4)
    assert got["pull"].item() == pytest.approx(pull, rel=1e-4)
    assert got["push"].item() == pytest.approx(push, rel=1e-4)
    assert got["total"].item() == pytest.approx(semantic + pull + push, rel=1e-4)


def test_tight_and_distant_instances_cost_nothing():
    instance = torch.tensor([[0, 0, 1, 1]])
    embeddings = torch.tensor([[[0.0, 0.0], [0.1, 0.1], [3.0, 3.0], [3.1, 3.1]]])
    losses = joint_loss(torch.zeros(1, 4, 2), embeddings, torch.zeros(1, 4, dtype=torch.long), instance)
    assert losses["pull"].item() == 0.0
    assert losses["push"].item() == 0.0


def test_points_of_unknown_class_do_not_count():
    logits = torch.tensor([[[5.0, 0.0], [0.0, 9.0]]])
    embeddings, instance = torch.zeros(1, 2, 5), torch.zeros(1, 2, dtype=torch.long)
    known = joint_loss(logits[:, :1], embeddings[:, :1], torch.tensor([[0]]), instance[:, :1])
    both = joint_loss(logits, embeddings, torch.tensor([[0, 255]]), instance)
    assert both["semantic"].item() == pytest.approx(known["semantic"].item())
