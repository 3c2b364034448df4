"""Clusters of blocks become instances of the frame, on the device: where they touch, or by BlockMerging."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.device import INT_MAX, Device, DeviceArray, chunks, filled, uploaded, zeros
from jspnet_core.cuda.frame import THREADS, DeviceBlocks, DeviceVoxels
from jspnet_core.cuda.labels import Clusters
from jspnet_core.pipeline.merging.block_merging import MIN_OF_A_CLASS
from jspnet_core.pipeline.merging.contact import REACH


@dataclass(frozen=True)
class Merged:
    """of_voxel: (V,) int32, 0 to most - 1 with gaps, -1 for none. most: at least 1."""

    of_voxel: DeviceArray
    most: int


@dataclass(frozen=True)
class Instances:
    """of_voxel: as merged; names: ids from 1 on by merged instance, 0 for those dropped.

    category: (ids,) uint8; count: of the ids, on the host.
    """

    of_voxel: DeviceArray
    names: DeviceArray
    category: DeviceArray
    count: int


def split_by_class(
    device: Device,
    blocks: DeviceBlocks,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
    least: int = MIN_OF_A_CLASS,
) -> None:
    """As `pipeline.merging.block_merging.split_by_class`, in place: block_label (B, N) uint8."""
    count, n = blocks.index.shape
    votes, numbers = (device.empty((count, n, classes), np.int32) for _ in range(2))
    device.launch(
        "split_by_class",
        (1, count),
        1024,
        blocks.count,
        block_label,
        n,
        classes,
        least,
        votes,
        numbers,
        clusters.of_point,
        clusters.count,
    )


def merge_blocks(
    device: Device,
    blocks: DeviceBlocks,
    voxels: DeviceVoxels,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
) -> Merged:
    """As `pipeline.merging.block_merging.merge_blocks`, mode `fixed`: cells are voxels; block_label (B, N) uint8."""
    count, n = blocks.index.shape
    slots = 1 << (2 * n - 1).bit_length()
    of_voxel, cell_label = filled(device, (voxels.count,), np.int32, 0xFF), zeros(device, (voxels.count,), np.uint8)
    sizes, target = device.empty((n,), np.int32), device.empty((n,), np.int32)
    scratch = device.empty((n, classes), np.int32)
    best, keys = device.empty((n,), np.uint64), device.empty((slots,), np.uint64)
    overlaps, highest = device.empty((slots,), np.int32), device.empty((1,), np.int32)
    device.launch(
        "merge_blocks",
        (1, 1),
        1024,
        blocks.index,
        blocks.count,
        clusters.of_point,
        clusters.count,
        block_label,
        count,
        n,
        classes,
        of_voxel,
        cell_label,
        sizes,
        scratch,
        target,
        best,
        keys,
        overlaps,
        slots - 1,
        highest,
    )
    return Merged(of_voxel, max(int(device.download(highest)[0]) + 1, 1))


def join_clusters(
    device: Device,
    blocks: DeviceBlocks,
    voxels: DeviceVoxels,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
    reach: float = REACH,
) -> Merged:
    """As `pipeline.merging.contact.join_clusters`: block_label (B, N) uint8, reach in metres. Not for no blocks."""
    counts = device.download(clusters.count)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)  # of each block's segments, and their number
    segments, of_voxel = int(first[-1]), device.empty((voxels.count,), np.int32)
    joining = _Joining(device, blocks, voxels, clusters, uploaded(device, first), np.float32(reach))
    votes = zeros(device, (max(segments, 1), classes), np.int32)
    joining.sort_rows(block_label, votes, classes)
    label, parent = (device.empty((max(segments, 1),), np.int32) for _ in range(2))
    grid = (chunks(segments, THREADS), 1)
    device.launch("contact_segments", grid, THREADS, votes, segments, classes, label, parent)
    block_of = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    joining.join(uploaded(device, block_of) if segments else label, label, parent)
    device.launch(
        "contact_instances",
        (chunks(voxels.count, THREADS), 1),
        THREADS,
        joining.first_row,
        voxels.count_on_device,
        clusters.of_point,
        joining.first,
        blocks.index.shape[1],
        parent,
        of_voxel,
    )
    return Merged(of_voxel, max(segments, 1))


class _Joining:
    """The rows of all blocks, sorted into cells as wide as the reach: see contact.cu."""

    def __init__(
        self,
        device: Device,
        blocks: DeviceBlocks,
        voxels: DeviceVoxels,
        clusters: Clusters,
        first: DeviceArray,
        reach: np.float32,
    ):
        self.first, self._reach = first, reach
        self._device, self._blocks, self._voxels, self._clusters = device, blocks, voxels, clusters
        rows, (v,) = blocks.index.shape[0] * blocks.index.shape[1], (voxels.count,)
        self._slots = 1 << (2 * rows - 1).bit_length()
        self._cells = filled(device, (self._slots,), np.uint64, 0xFF)
        self._members, self._filled = (zeros(device, (self._slots,), np.int32) for _ in range(2))
        self._lowest = uploaded(device, np.full(self._slots, INT_MAX, np.int32))
        self._highest = filled(device, (self._slots,), np.int32, 0xFF)
        self._starts, self._slot = device.empty((self._slots,), np.int32), device.empty((rows,), np.int32)
        self._rows = device.empty((rows,), np.int32)
        self.first_row = uploaded(device, np.full(v, INT_MAX, np.int32))

    def sort_rows(self, block_label: DeviceArray, votes: DeviceArray, classes: int) -> None:
        launch, (blocks, n) = self._device.launch, self._blocks.index.shape
        cursor, rows = zeros(self._device, (1,), np.int32), blocks * n
        launch(
            "contact_cells",
            (chunks(n, THREADS), blocks),
            THREADS,
            self._voxels.xyz,
            self._blocks.index,
            self._blocks.count,
            self._clusters.of_point,
            block_label,
            self.first,
            n,
            classes,
            self._voxels.low_high,
            self._reach,
            self._cells,
            self._slots - 1,
            self._members,
            self._lowest,
            self._highest,
            self._slot,
            self.first_row,
            votes,
        )
        grid = (chunks(self._slots, THREADS), 1)
        launch("contact_starts", grid, THREADS, self._members, self._slots, self._starts, cursor)
        grid = (chunks(rows, THREADS), 1)
        launch("contact_rows", grid, THREADS, self._slot, rows, self._starts, self._filled, self._rows)

    def join(self, block_of: DeviceArray, label: DeviceArray, parent: DeviceArray) -> None:
        """Joins segments in `parent`, by the pairs that touch; their number is counted first, for the tables' sizes."""
        device, total = self._device, zeros(self._device, (1,), np.int32)
        self._touches(total, None, None, None, None, 0)
        slots = 1 << max(2 * int(device.download(total)[0]) - 1, 1).bit_length()
        pairs, borders = (filled(device, (slots,), np.uint64, 0xFF) for _ in range(2))
        points, border_points = (zeros(device, (slots,), np.int32) for _ in range(2))
        self._touches(total, pairs, points, borders, border_points, slots - 1)
        device.launch(
            "contact_join",
            (chunks(slots, THREADS), 1),
            THREADS,
            pairs,
            points,
            borders,
            border_points,
            slots - 1,
            block_of,
            label,
            parent,
        )

    def _touches(self, total: DeviceArray, *tables: DeviceArray | int | None) -> None:
        blocks, n = self._blocks.index.shape
        square = np.float32(float(self._reach) * float(self._reach))
        self._device.launch(
            "contact_touches",
            (chunks(n, 64), blocks),
            64,
            self._voxels.xyz,
            self._blocks.index,
            self._clusters.of_point,
            self.first,
            n,
            self._voxels.low_high,
            self._reach,
            square,
            self._cells,
            self._slots - 1,
            self._members,
            self._lowest,
            self._highest,
            self._starts,
            self._rows,
            self._slot,
            total,
            *tables,
        )


def name_instances(
    device: Device, voxels: DeviceVoxels, merged: Merged, label: DeviceArray, mean_size: np.ndarray, ratio: float
) -> Instances:
    """As `pipeline.merging.block_merging.finish_instances`: label (V,) uint8, mean_size (C,) float64."""
    classes, most = len(mean_size), merged.most
    tally = zeros(device, (most, classes), np.int32)
    names, category = device.empty((most,), np.int32), device.empty((most,), np.uint8)
    number, means = device.empty((1,), np.int32), uploaded(device, np.asarray(mean_size, np.float64))
    highest = uploaded(device, np.array([most - 1], np.int32))
    grid, here = (chunks(voxels.count, THREADS), 1), voxels.count_on_device
    device.launch("instance_votes", grid, THREADS, merged.of_voxel, label, here, classes, tally)
    device.launch(
        "name_instances", (1, 1), 1024, tally, highest, classes, means, np.float64(ratio), names, category, number
    )
    return Instances(merged.of_voxel, names, category, int(device.download(number)[0]))


def no_instances(device: Device, voxels: DeviceVoxels) -> Instances:
    """Of a frame in which none are looked for."""
    of_voxel = filled(device, (voxels.count,), np.int32, 0xFF)
    return Instances(of_voxel, zeros(device, (1,), np.int32), zeros(device, (1,), np.uint8), 0)
