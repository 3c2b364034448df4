"""Batches: which process draws which block, and how blocks reach the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from jspnet_core.training.distributed import World


class Batchable(Protocol):
    """A data set that makes batches of its own items."""

    def __getitem__(self, number: int) -> dict:
        """One block."""

    def collate(self, blocks: list[dict]) -> dict:
        """Tensors of a batch."""


class DistributedBatchSampler(Sampler[list[int]]):
    """Block numbers of each step, from `start` on until at least `end`: this process's part of the batch.

    All processes together draw every number once, in steps that are those of one process; a resumed run goes on
    where it stopped, with any number of processes.
    """

    def __init__(self, start: int, end: int, batch: int, world: World):
        self.starts = range(start, end, batch)
        self.share = batch // world.size
        self.offset = world.rank * self.share

    def __iter__(self) -> Iterator[list[int]]:
        for start in self.starts:
            first = start + self.offset
            yield list(range(first, first + self.share))

    def __len__(self) -> int:
        return len(self.starts)


def loader(blocks: Batchable, numbers: DistributedBatchSampler, workers: int, device: torch.device) -> DataLoader:
    """Blocks with their pyramids, cut by worker processes ahead of the network; page-locked on the way to a GPU."""
    return DataLoader(
        cast(Any, blocks),
        batch_sampler=numbers,
        num_workers=workers,
        collate_fn=blocks.collate,
        prefetch_factor=4 if workers else None,
        worker_init_fn=single_threaded,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # of its own: PyTorch's is the dropout's
    )


def single_threaded(_: int) -> None:
    """A loader process leaves the other cores to the network."""
    threadpool_limits(1)


def to_device(batch: dict, device: torch.device) -> dict:
    """The batch on a device; a copy from page-locked memory overlaps with what runs there."""
    return with_tensors(batch, lambda x: x.to(device, non_blocking=True))


def with_tensors(batch: dict, change: Callable[[Tensor], Tensor]) -> dict:
    """The batch with its tensors changed, those of the pyramid too; all else stays."""
    return {
        name: with_tensors(x, change) if isinstance(x, dict) else change(x) if isinstance(x, Tensor) else x
        for name, x in batch.items()
    }
