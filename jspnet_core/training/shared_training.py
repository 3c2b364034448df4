"""Train several networks at once on one device, on the same blocks: cutting blocks is mostly the bottleneck.

Each network has its own mixture of the sources and its own recipe; the schedule follows the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from jspnet_core.training.cuda_graph_step import CudaGraphStep, can_capture
from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.loader import DistributedBatchSampler, limit_threads
from jspnet_core.training.dataset.mixed_dataset import target_shares
from jspnet_core.training.dataset.packed_batch import PackedBatch
from jspnet_core.training.dataset.shared_dataset import Mix
from jspnet_core.training.distributed import World
from jspnet_core.training.optimizer import target_weights
from jspnet_core.training.run import TrainingRun
from jspnet_core.training.schedule import ENDLESS
from jspnet_core.training.step import train_step
from jspnet_core.training.targets import Targets

Step = Callable[[dict], dict[str, Tensor]]


class Shareable(Protocol):
    """A data set as `SharedBlockDataset`."""

    @property
    def blocks_per_step(self) -> int:
        """Blocks that a step of all runs needs."""

    def __getitem__(self, number: int) -> dict:
        """One block."""

    def collate(self, blocks: list[dict]) -> PackedBatch:
        """A step's batches."""


@dataclass(frozen=True)
class Member:
    """A run, its share of each source, and its callback for reports: blocks so far and mean losses."""

    name: str
    run: TrainingRun
    mix: Mix


class SharedTraining:
    """Trains the members on batches of a `SharedBlockDataset` over the sources in `parts`, on the runs' device.

    side_by_side: on a GPU the members' steps run at the same time, or else one after the other.
    """

    def __init__(
        self,
        members: Sequence[Member],
        parts: Mapping[str, BlockDataset],
        targets: Targets,
        *,
        side_by_side: bool = True,
    ):
        self.members = members
        self.device = members[0].run.world.device
        self.steps = [self._step_of(member, parts, targets) for member in members]
        cuda = self.device.type == "cuda"
        streams = [torch.cuda.Stream(self.device) for _ in members] if cuda else []
        self.streams = streams if side_by_side else streams[:1] * len(members)
        self.copies = torch.cuda.Stream(self.device) if cuda else None
        self.sums: list[dict[str, Tensor]] = [{} for _ in members]
        self.counted = 0
        self.wait()  # weights that were just made are used on other streams

    def _step_of(self, member: Member, parts: Mapping[str, BlockDataset], targets: Targets) -> Step:
        run = member.run
        run.groups = targets.groups_on(self.device)
        total = sum(member.mix.values())
        points = np.zeros(len(targets.members))
        for name, share in member.mix.items():
            points += share / total * target_shares(parts[name], targets)
        weights = target_weights(points, targets, run.recipe, self.device)
        if can_capture(run):
            return CudaGraphStep(run, weights)
        return partial(train_step, run, run.network, weights=weights)

    def train_step(self, packed: PackedBatch, progress: float) -> None:
        """Run one step of each member, on separate streams, so that they share the GPU."""
        batches = self._on_device(packed)
        for i, member in enumerate(self.members):
            member.run.progress = progress
            with torch.cuda.stream(self.streams[i]) if self.streams else nullcontext():
                losses = self.steps[i](batches[str(i)])
                sums = self.sums[i]
                self.sums[i] = {name: sums.get(name, 0.0) + value for name, value in losses.items()}
            member.run.samples += member.run.recipe.batch
        self.counted += 1

    def _on_device(self, packed: PackedBatch) -> dict:
        if self.copies is None:
            return packed.unpack()
        with torch.cuda.stream(self.copies):
            memory = packed.memory.to(self.device, non_blocking=True)
        for stream in self.streams:
            stream.wait_stream(self.copies)
            memory.record_stream(stream)
        return packed.unpack(memory)

    def take_losses(self) -> list[dict[str, float]]:
        """Return the mean losses of each member since the last call; waits for the GPU."""
        self.wait()
        means = [{name: float(value) / self.counted for name, value in sums.items()} for sums in self.sums]
        self.sums, self.counted = [{} for _ in self.members], 0
        return means

    def wait(self) -> None:
        """Wait until all steps are done; before weights are read on another stream."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def shared_batches(
    blocks: Shareable, first: int, workers: int, device: torch.device, timeout: float = 0.0
) -> Iterator[PackedBatch]:
    """Batches of the steps from `first` on, without end, cut by worker processes.

    timeout: seconds after which a batch that does not come is an error; 0: never.
    """
    size = blocks.blocks_per_step
    numbers = DistributedBatchSampler(first * size, ENDLESS, size, World(device=device))
    more: dict[str, Any] = {"prefetch_factor": 4, "timeout": timeout} if workers else {}
    loader = DataLoader(
        cast(Any, blocks),
        batch_sampler=numbers,
        num_workers=workers,
        collate_fn=blocks.collate,
        worker_init_fn=limit_threads,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),
        **more,
    )
    return iter(loader)
