"""Means of the weights of trained networks (Wortsman et al., "Model soups", ICML 2022).

Where one was trained on from the other, or both from a third, their mean often scores better than either, at the cost
of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from jspnet_core.training.checkpoint import Checkpoint, CheckpointError


def mean_checkpoint(paths: Sequence[Path], shares: Sequence[float]) -> Checkpoint:
    """A checkpoint whose weights are means by `shares`, which add up to 1; all else is the first one's.

    Raises `CheckpointError` where one has another network or other classes than the first.
    """
    first, *others = checkpoints = [Checkpoint.load(path) for path in paths]
    for path, other in zip(paths[1:], others, strict=True):
        different = [name for name, a in first.configuration if a != getattr(other.configuration, name)]
        different += ["classes"] if other.classes.names != first.classes.names else []
        if different:
            raise CheckpointError(f"{path} has another {', '.join(different)} than {paths[0]}: they have no mean")
    mean = {
        name: sum_of([share * c.weights[name].float() for share, c in zip(shares, checkpoints, strict=True)])
        if weight.is_floating_point()
        else weight
        for name, weight in first.weights.items()
    }
    return replace(first, network=mean, average=None, optimizer=None)


def sum_of(tensors: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(tensors).sum(0)
