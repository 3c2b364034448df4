"""Batches in one contiguous buffer: one transfer between processes and one to the device, instead of dozens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import get_worker_info

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import index_sources, pyramid_names

ALIGNMENT = 64


@dataclass(frozen=True)
class Place:
    """Position of a tensor in a packed batch. offset: in bytes. parent: `pyramid`, or empty."""

    batch: str
    parent: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @property
    def end(self) -> int:
        return self.offset + int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


@dataclass
class PackedBatch:
    """Several batches. memory: (bytes,) uint8, all tensors. instances: of each batch, the most of a block."""

    memory: Tensor
    places: tuple[Place, ...]
    instances: dict[str, int]

    def pin_memory(self) -> PackedBatch:
        """Copy to page-locked memory; called by the loader."""
        return PackedBatch(self.memory.pin_memory(), self.places, self.instances)

    def unpack(self, memory: Tensor | None = None) -> dict[str, dict]:
        """The batches by name; their tensors are views of `memory`, by default the own, or a copy on another device."""
        memory = self.memory if memory is None else memory
        batches: dict[str, dict] = {name: {"pyramid": {}, "instances": n} for name, n in self.instances.items()}
        for place in self.places:
            batch = batches[place.batch]
            dtype = getattr(torch, place.dtype)
            tensor = memory[place.offset : place.end].view(dtype).view(place.shape)
            (batch[place.parent] if place.parent else batch)[place.name] = tensor
        return batches


class Packer:
    """Packs blocks of one kind of network: features, label, instance, pyramid, as `BlockDataset.collate` does."""

    def __init__(self, configuration: NetworkConfiguration):
        self.levels = (configuration.points, *configuration.levels)
        self.sources = index_sources()
        self._places: tuple[Place, ...] = ()

    def pack(self, blocks: Sequence[Mapping], rows: Mapping[str, Sequence[int]]) -> PackedBatch:
        """Batches of some of the blocks each. rows: numbers of the blocks of each batch, the same at every call."""
        if not self._places:
            self._places = tuple(_places(blocks[0], rows))
        memory = _memory(self._places[-1].end)
        whole = memory.numpy()
        for place in self._places:
            array = whole[place.offset : place.end].view(place.dtype).reshape(place.shape)
            step = self.levels[self.sources[place.name]] if place.parent and place.name in self.sources else 0
            for b, row in enumerate(rows[place.batch]):
                given = blocks[row][place.parent][place.name] if place.parent else blocks[row][place.name]
                np.add(given, b * step, out=array[b]) if step else np.copyto(array[b], given)
        instances = {name: 1 + max(int(blocks[row]["instance"].max()) for row in of) for name, of in rows.items()}
        return PackedBatch(memory, self._places, instances)


def _places(block: Mapping, rows: Mapping[str, Sequence[int]]) -> list[Place]:
    ways = [("", name) for name in ("features", "label", "instance")] + [("pyramid", name) for name in pyramid_names()]
    places: list[Place] = []
    end = 0
    for batch, of in rows.items():
        for parent, name in ways:
            array = block[parent][name] if parent else block[name]
            begin = -(-end // ALIGNMENT) * ALIGNMENT
            places.append(Place(batch, parent, name, array.dtype.name, (len(of), *array.shape), begin))
            end = places[-1].end
    return places


def _memory(size: int) -> Tensor:
    """Allocate bytes; in a loader process in shared memory, which other processes read without a copy."""
    if get_worker_info() is None:
        return torch.empty(size, dtype=torch.uint8)
    storage = torch.UntypedStorage._new_shared(size, device="cpu")
    return torch.empty(0, dtype=torch.uint8).set_(storage)
