"""Blocks on the device, see `pipeline.blocks`: counted per column of the ground plane, chosen on the CPU, drawn here.

The definition of a block is the one of `pipeline.blocks`; the random order of its points is another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.device import MAX_THREADS, THREADS, Device, DeviceArray, chunks, uploaded, zeros
from jspnet_core.cuda.voxelize import DeviceVoxels
from jspnet_core.errors import CloudError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.settings import SegmenterSettings

MAX_COLUMNS = 1 << 22
"""Most columns of the ground plane, of 20 bytes each."""

MICROMETRES = 1e6
"""Unit of sums of coordinates per metre: sums of integers do not depend on the order of the threads."""


@dataclass(frozen=True)
class DeviceBlocks:
    """index: (B, N) int32 into the voxels; count: (B,) int32, see `pipeline.blocks.Blocks`."""

    index: DeviceArray
    count: DeviceArray
    left_out: int

    def __len__(self) -> int:
        return self.index.shape[0]

    def rows(self, begin: int, end: int) -> DeviceBlocks:
        """A range of the blocks, in place."""
        return DeviceBlocks(self.index.rows(begin, end), self.count.rows(begin, end), self.left_out)


def cut_blocks(
    device: Device,
    voxels: DeviceVoxels,
    configuration: NetworkConfiguration,
    settings: SegmenterSettings,
    sensor: np.ndarray,
) -> DeviceBlocks:
    """Cut blocks as `pipeline.blocks.cut_blocks` does, in another random order. sensor: (2,), gravity frame.

    Raises `CloudError` for a cloud so wide that counting its columns would fill the memory.
    """
    size = configuration.block_size
    stride = settings.stride * size
    low_high = device.download(voxels.low_high)
    span = np.maximum(low_high[3:5] - low_high[:2] - size, 0.0)
    columns_x, columns_y = (int(n) for n in np.ceil(span / stride).astype(int) + 1)
    if columns_x * columns_y > MAX_COLUMNS:
        raise CloudError(
            "extent",
            f"the cloud covers {span[0] + size:.0f} x {span[1] + size:.0f} m, {columns_x} x {columns_y} places for a "
            f"block; {MAX_COLUMNS} are accepted on a GPU: leave out stray points far away",
        )
    members = zeros(device, (columns_x * columns_y,), np.int32)
    sums = zeros(device, (columns_x * columns_y, 2), np.int64)
    edges = np.float64(size), np.float64(stride)
    device.launch(
        "count_columns",
        (chunks(voxels.count, THREADS), 1),
        THREADS,
        voxels.xyz,
        voxels.count_on_device,
        voxels.low_high,
        columns_x,
        columns_y,
        *edges,
        members,
        sums,
    )
    chosen, left_out = choose_columns(
        device.download(members), device.download(sums), settings.min_block_points, settings.max_blocks, sensor
    )
    index = device.empty((len(chosen), configuration.points), np.int32)
    count = device.empty((len(chosen),), np.int32)
    if len(chosen):
        device.launch(
            "cut_columns",
            (len(chosen), 1),
            MAX_THREADS,
            voxels.xyz,
            voxels.count_on_device,
            voxels.low_high,
            uploaded(device, chosen),
            members,
            columns_y,
            *edges,
            configuration.points,
            settings.seed,
            index,
            count,
        )
    return DeviceBlocks(index, count, left_out)


def choose_columns(
    members: np.ndarray, sums: np.ndarray, fewest: int, most: int, sensor: np.ndarray
) -> tuple[np.ndarray, int]:
    """Columns with enough members, (B,) int32 ascending, the nearest to the sensor where `most` bounds them (0: not).

    members: (columns,); sums: (columns, 2), of the members' x and y in micrometres. Also: how many were left out.
    """
    candidates = np.flatnonzero(members >= fewest)
    if not most or len(candidates) <= most:
        return candidates.astype(np.int32), 0
    middles = sums[candidates] / MICROMETRES / members[candidates, None]
    nearest = np.argsort(np.square(middles - sensor).sum(axis=1), kind="stable")[:most]
    return candidates[np.sort(nearest)].astype(np.int32), len(candidates) - most


def block_features(
    device: Device,
    voxels: DeviceVoxels,
    blocks: DeviceBlocks,
    colors: DeviceArray | None,
    configuration: NetworkConfiguration,
    features: DeviceArray,
) -> None:
    """Write the input features of blocks to features (>= B, N, channels). colors: (N, 3) uint8 of the input."""
    c = configuration
    device.launch(
        "block_features",
        (len(blocks), 1),
        MAX_THREADS,
        voxels.xyz,
        colors,
        voxels.representative,
        voxels.low_high,
        blocks.index,
        c.points,
        c.channels,
        np.float32(0.5 * c.block_size),
        features,
    )
