"""Means of the weights of trained networks (Wortsman et al., "Model soups", ICML 2022).

Where one was trained on from the other, or both from a third, their mean often scores better than either, at the cost
of one. The statistics of its batch norms are not the mean of theirs, and are better measured anew (Izmailov et al.,
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

from jspnet_core.data.rooms import Room
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.dataset.grid_dataset import training_blocks
from jspnet_core.training.dataset.loader import DistributedBatchSampler, loader, to_device
from jspnet_core.training.distributed import World
from jspnet_core.training.recipe import Recipe

NORM_BATCH = 8
"""Blocks over which a batch norm's variance is taken when it is measured: of fewer it comes out smaller."""


def average_checkpoints(paths: Sequence[Path], shares: Sequence[float]) -> Checkpoint:
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


def recalibrate_batch_norms(
    checkpoint: Checkpoint,
    rooms: Sequence[Room],
    samples: int,
    *,
    views: float = 0.0,
    workers: int = 1,
    progress: Progress,
) -> Checkpoint:
    """The checkpoint with its batch norms' statistics measured on `samples` blocks, otherwise cut as its recipe says.

    rooms: with the classes of the checkpoint. views: share of the blocks that a depth camera sees.
    The weights stay as they are.
    """
    recipe, world, network = Recipe(**checkpoint.recipe), World(), checkpoint.build()
    cut = recipe.augmentation.model_copy(update={"views": views})
    blocks = training_blocks(rooms, network.configuration, cut, 0, None)
    batches = loader(blocks, DistributedBatchSampler(0, samples, NORM_BATCH, world), workers, world.device)
    shown = progress.track(batches, total=len(batches), description="batch norms")
    update_bn((to_device(batch, world.device) for batch in shown), _OfBatches(network.to(world.device)))
    measured = {name: tensor.cpu() for name, tensor in network.state_dict().items() if "running_" in name}
    return replace(checkpoint, network={**checkpoint.weights, **measured}, average=None, optimizer=None)


class _OfBatches(nn.Module):
    """A network that takes a batch as the loader gives it."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, batch: dict) -> tuple[Tensor, Tensor]:
        return self.network(batch["features"], batch["pyramid"])


def sum_of(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).sum(0)
