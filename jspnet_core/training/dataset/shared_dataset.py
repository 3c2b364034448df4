"""Blocks for several runs at once, cut once for all of them, in each run's own mixture of sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from torch.utils.data import Dataset

from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.packed_batch import PackedBatch, Packer

Mix = Mapping[str, float]
"""Share of the blocks by source."""


def counts_of(mix: Mix, batch: int) -> dict[str, int]:
    """Number of blocks of each source in a batch, by the largest-remainder method."""
    total = sum(mix.values())
    exact = {name: batch * share / total for name, share in mix.items()}
    counts = {name: int(value) for name, value in exact.items()}
    for name in sorted(exact, key=lambda n: counts[n] - exact[n])[: batch - sum(counts.values())]:
        counts[name] += 1
    return counts


class SharedBlockDataset(Dataset):
    """A step's blocks, cut once for all runs. Item i is slot i % slots of step i // slots.

    parts: blocks by source; all runs see the same points of a block. mixes: of each run; batch: blocks of each run.
    """

    def __init__(self, parts: Mapping[str, BlockDataset], mixes: Sequence[Mix], batch: int):
        self.parts = list(parts.values())
        self.packer = Packer(self.parts[0].configuration)
        counts = [counts_of(mix, batch) for mix in mixes]
        most = {name: max(count.get(name, 0) for count in counts) for name in parts}
        self.plan = [part for part, name in enumerate(parts) for _ in range(most[name])]
        begin = dict(zip(parts, np.cumsum([0, *most.values()]).tolist(), strict=False))
        self.slots = [[begin[name] + i for name, number in count.items() for i in range(number)] for count in counts]

    @property
    def blocks_per_step(self) -> int:
        return len(self.plan)

    def __getitem__(self, number: int) -> dict:
        return self.parts[self.plan[number % len(self.plan)]][number]

    def collate(self, blocks: list[dict]) -> PackedBatch:
        """The batches of all runs, by the run's number, as one piece of memory."""
        return self.packer.pack(blocks, {str(i): slots for i, slots in enumerate(self.slots)})
