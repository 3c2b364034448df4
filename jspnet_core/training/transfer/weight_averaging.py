"""Averaging the weights of trained networks (Wortsman et al., "Model soups", ICML 2022).

The average of networks that share a part of their training often scores better than each of them, at the cost of one.
Its batch norm statistics are not the average of theirs: recalibrate them on training blocks (Izmailov et al.,
"Averaging weights leads to wider optima", UAI 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from jspnet_core.data.provenance import merge_sources
from jspnet_core.data.rooms import Room
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.dataset.grid_dataset import training_blocks
from jspnet_core.training.dataset.loader import DistributedBatchSampler, make_loader, to_device
from jspnet_core.training.distributed import World
from jspnet_core.training.recipe import Recipe

NORM_BATCH = 8
"""Blocks per batch for recalibration. Smaller batches underestimate the variance."""


def average_checkpoints(paths: Sequence[Path], shares: Sequence[float]) -> Checkpoint:
    """Average the weights of checkpoints; everything else is copied from the first.

    shares: weight of each checkpoint, adding up to 1. Raises `CheckpointError` for other networks or classes than the
    first one's.
    """
    first, *others = checkpoints = [Checkpoint.load(path) for path in paths]
    for path, other in zip(paths[1:], others, strict=True):
        different = [name for name, a in first.configuration if a != getattr(other.configuration, name)]
        different += ["classes"] if other.classes.names != first.classes.names else []
        if different:
            raise CheckpointError(
                f"{path} differs from {paths[0]} in {', '.join(different)}: these must be equal to average weights"
            )
    mean = {
        name: _sum([share * c.weights[name].float() for share, c in zip(shares, checkpoints, strict=True)])
        if weight.is_floating_point()
        else weight
        for name, weight in first.weights.items()
    }
    sources = merge_sources(*(c.known_sources for c in checkpoints))
    return replace(first, network=mean, average=None, optimizer=None, sources=sources)


def recalibrate_batch_norms(
    checkpoint: Checkpoint,
    rooms: Sequence[Room],
    samples: int,
    *,
    views: float = 0.0,
    workers: int = 1,
    progress: Progress,
) -> Checkpoint:
    """Return the checkpoint with batch norm statistics computed from `samples` blocks; weights do not change.

    rooms: with the classes of the checkpoint. views: share of blocks cut from simulated camera views; all other
    settings of the blocks are those of the checkpoint's recipe.
    """
    recipe, world, network = Recipe(**checkpoint.recipe), World(), checkpoint.build()
    cut = recipe.augmentation.model_copy(update={"views": views})
    blocks = training_blocks(rooms, network.configuration, cut, 0, None)
    batches = make_loader(blocks, DistributedBatchSampler(0, samples, NORM_BATCH, world), workers, world.device)
    shown = progress.track(batches, total=len(batches), description="batch norms")
    update_bn((to_device(batch, world.device) for batch in shown), _BatchNetwork(network.to(world.device)))
    measured = {name: tensor.cpu() for name, tensor in network.state_dict().items() if "running_" in name}
    return replace(checkpoint, network={**checkpoint.weights, **measured}, average=None, optimizer=None)


class _BatchNetwork(nn.Module):
    """Network that takes a batch of the loader, as `update_bn` requires."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, batch: dict) -> tuple[Tensor, Tensor]:
        return self.network(batch["features"], batch["pyramid"])


def _sum(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).sum(0)
