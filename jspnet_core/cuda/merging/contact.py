"""Instances by contact of clusters on the device, see `pipeline.merging.contact`."""

from __future__ import annotations

import numpy as np

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import INT_MAX, THREADS, Device, DeviceArray, chunks, filled, uploaded, zeros
from jspnet_core.cuda.mean_shift import Clusters
from jspnet_core.cuda.merging.block_merging import Merged
from jspnet_core.cuda.voxelize import DeviceVoxels
from jspnet_core.pipeline.merging.contact import CONTACT_REACH


def join_clusters(
    device: Device,
    blocks: DeviceBlocks,
    voxels: DeviceVoxels,
    clusters: Clusters,
    block_label: DeviceArray,
    classes: int,
    reach: float = CONTACT_REACH,
) -> Merged:
    """Merge clusters as `pipeline.merging.contact.join_clusters` does, for one block or more.

    block_label: (B, N) uint8. reach: metres.
    """
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
    """Block points sorted into cells as wide as the reach, see contact.cu."""

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
