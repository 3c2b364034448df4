"""Data loader: batches of training blocks, distributed over processes and copied to the device."""

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
    """Block numbers of this process in each step, from `start` until at least `end`.

    All processes together draw every number once, in the steps that one process would take. So a resumed run continues
    where it stopped, with any number of processes. batch: blocks of a step, over all processes.
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


def make_loader(blocks: Batchable, sampler: DistributedBatchSampler, workers: int, device: torch.device) -> DataLoader:
    """Create a loader whose worker processes prepare batches in advance; in page-locked memory for a GPU."""
    return DataLoader(
        cast(Any, blocks),
        batch_sampler=sampler,
        num_workers=workers,
        collate_fn=blocks.collate,
        prefetch_factor=4 if workers else None,
        worker_init_fn=limit_threads,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # not the global one, which dropout uses
    )


def limit_threads(_: int) -> None:
    """Restrict a loader process to one thread, which leaves the other cores to the network."""
    threadpool_limits(1)


def to_device(batch: dict, device: torch.device) -> dict:
    """Copy a batch to a device; from page-locked memory the copy is asynchronous."""
    return map_tensors(batch, lambda x: x.to(device, non_blocking=True))


def map_tensors(batch: dict, change: Callable[[Tensor], Tensor]) -> dict:
    """Apply a function to all tensors of a batch, nested dictionaries included; other values are kept."""
    return {
        name: map_tensors(x, change) if isinstance(x, dict) else change(x) if isinstance(x, Tensor) else x
        for name, x in batch.items()
    }
