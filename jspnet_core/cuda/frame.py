"""A frame on the device, up to what the network takes: uploaded once, voxels, blocks, features and pyramids made there.

Two small downloads on the way say how many voxels there are, where they lie, and how full each column is, because the
number of blocks decides which recorded network runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.device import INT_MAX, WARP, Device, DeviceArray, chunks, filled, uploaded, zeros
from jspnet_core.cuda.device_network import POINTS_PER_THREAD
from jspnet_core.errors import CloudError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import UPSAMPLINGS
from jspnet_core.pipeline.voxelize import MAX_COORDINATE
from jspnet_core.settings import SegmenterSettings

CHUNK = 1024  # threads that number voxels together: CHUNK in voxelize.cu
THREADS = 256
MAX_COLUMNS = 1 << 22  # places for a block, 20 bytes each


@dataclass(frozen=True)
class FoundVoxels:
    """count: V; representative: (>= V,) int32; of_point: (N,) int32, -1 for none; cloud: (N, 3) float32, as it came."""

    count: int
    count_on_device: DeviceArray
    representative: DeviceArray
    of_point: DeviceArray
    cloud: DeviceArray


@dataclass(frozen=True)
class DeviceVoxels:
    """representative: (V,) int32; of_point: (N,) int32, -1 for none; xyz: (V, 3) float32, gravity frame; V = count.

    low_high: (6,) float32, lowest and highest coordinates. The arrays are longer than V where points share voxels.
    """

    count: int
    count_on_device: DeviceArray
    representative: DeviceArray
    of_point: DeviceArray
    xyz: DeviceArray
    low_high: DeviceArray


@dataclass(frozen=True)
class DeviceBlocks:
    """index: (B, N) int32 into the voxels; count: (B,) int32, see `pipeline.blocks.Blocks`."""

    index: DeviceArray
    count: DeviceArray
    left_out: int

    def __len__(self) -> int:
        return self.index.shape[0]

    def rows(self, begin: int, end: int) -> DeviceBlocks:
        """Some of the blocks, in place."""
        return DeviceBlocks(self.index.rows(begin, end), self.count.rows(begin, end), self.left_out)


def voxelize(device: Device, points: np.ndarray, size: float, T_gravity_input: np.ndarray) -> DeviceVoxels:
    """As `pipeline.voxelize.voxelize` and `transform_points`: points (N, 3) float32 of the host; metres."""
    return in_gravity_frame(device, find_voxels(device, points, size), T_gravity_input)


def find_voxels(device: Device, points: np.ndarray, size: float) -> FoundVoxels:
    """As `pipeline.voxelize.voxelize`: points (N, 3) float32 of the host, edge in metres."""
    n = len(points)
    cloud = uploaded(device, points)
    slots = max(1 << (2 * n - 1).bit_length(), 16)
    keys, first = filled(device, (slots,), np.uint64, 0xFF), filled(device, (slots,), np.uint32, 0xFF)
    of_slot, slot = device.empty((slots,), np.int32), device.empty((n,), np.int32)
    parts = chunks(n, CHUNK)
    sums = device.empty((parts + 1,), np.int32)
    representative, of_point = device.empty((n,), np.int32), device.empty((n,), np.int32)
    grid, rate, limit = (chunks(n, THREADS), 1), np.float64(1.0 / size), np.float32(MAX_COORDINATE)
    device.launch("voxel_insert", grid, THREADS, cloud, n, rate, limit, keys, first, slots - 1, slot)
    device.launch("voxel_count", (parts, 1), CHUNK, slot, first, n, sums)
    device.launch("voxel_scan", (1, 1), 1, sums, parts)
    device.launch("voxel_number", (parts, 1), CHUNK, slot, first, n, sums, of_slot, representative)
    device.launch("voxel_of_point", grid, THREADS, slot, of_slot, n, of_point)
    total = sums.rows(parts, parts + 1)
    return FoundVoxels(int(device.download(total)[0]), total, representative, of_point, cloud)


def in_gravity_frame(device: Device, found: FoundVoxels, T_gravity_input: np.ndarray) -> DeviceVoxels:
    """The representatives' coordinates where z is up: (4, 4)."""
    grid, total = (chunks(found.count, THREADS), 1), found.count_on_device
    transform = uploaded(device, np.ascontiguousarray(T_gravity_input[:3], np.float32))
    xyz = device.empty((max(found.count, 1), 3), np.float32)
    device.launch("to_gravity", grid, THREADS, found.cloud, found.representative, total, transform, xyz)
    bounds = uploaded(device, np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32))
    low_high = device.empty((6,), np.float32)
    device.launch("extent", grid, THREADS, xyz, total, bounds)
    device.launch("extent_as_floats", (1, 1), WARP, bounds, low_high)
    return DeviceVoxels(found.count, total, found.representative, found.of_point, xyz, low_high)


def cut_blocks(
    device: Device,
    voxels: DeviceVoxels,
    configuration: NetworkConfiguration,
    settings: SegmenterSettings,
    sensor: np.ndarray,
) -> DeviceBlocks:
    """As `pipeline.blocks.cut_blocks`, but for the random generator. sensor: (2,), gravity frame.

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
            1024,
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
    middles = 1e-6 * sums[candidates] / members[candidates, None]
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
    """As `pipeline.blocks.block_features`, into features (>= B, N, channels). colors: (N, 3) uint8 of the input."""
    c = configuration
    device.launch(
        "block_features",
        (len(blocks), 1),
        1024,
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


class DevicePyramids:
    """Makes the pyramids of a batch, into arrays of the network's.

    arrays: see `cuda.device_network.DeviceNetwork.inputs`.
    """

    def __init__(self, device: Device, configuration: NetworkConfiguration, arrays: Mapping[str, DeviceArray]):
        c = configuration
        self._device, self._configuration, self.arrays = device, c, arrays
        most = arrays["features"].shape[0]
        self._level1 = device.empty((most, c.levels[0], 3), np.float32)
        self._density = device.empty((most, c.levels[0]), np.float32)

    def build(self, blocks: int) -> None:
        """As `build_pyramids` and `stack_pyramids` of the first blocks' `features`: indices are flat over the batch."""
        c, launch, a = self._configuration, self._device.launch, self.arrays
        features = a["features"]
        n, n1, channels = c.points, c.levels[0], c.channels
        threads = min(1024, WARP * math.ceil(n / (POINTS_PER_THREAD * WARP)))
        launch(
            "farthest_points", (1, blocks), threads, features, channels, n, n1, a["sample"], self._level1, shared=12 * n
        )
        rows = THREADS // WARP
        launch(
            "ball_query",
            (chunks(n1, rows), blocks),
            THREADS,
            features,
            channels,
            n,
            self._level1,
            n1,
            np.float32(c.radii[0] ** 2),
            c.encoder_neighbors,
            a["ball"],
        )
        for level in (1, 2, 3):
            self._neighbours(level, blocks)
        for fine, coarse in UPSAMPLINGS:
            at_points = (features, channels, n, n) if fine == 0 else (self._level1, 3, n1, c.levels[fine - 1])
            launch(
                "three_nearest",
                (chunks(at_points[3], THREADS), blocks),
                THREADS,
                *at_points,
                self._level1,
                n1,
                c.levels[coarse - 1],
                a[f"up{fine}{coarse}_index"],
                a[f"up{fine}{coarse}_weight"],
            )

    def _neighbours(self, level: int, blocks: int) -> None:
        c, launch, a = self._configuration, self._device.launch, self.arrays
        n, n1, rows = c.levels[level - 1], c.levels[0], THREADS // WARP
        grid, k = (chunks(n, rows), blocks), c.encoder_neighbors
        launch("nearest_points", grid, THREADS, self._level1, n1, n, k, a[f"near{level}"])
        square, variance = np.float32(c.radii[level] ** 2), np.float32(c.density_variances[level - 1])
        launch("ball_density", grid, THREADS, self._level1, n1, n, square, variance, c.density_neighbors, self._density)
        below = c.levels[level]
        launch(
            "relative_inverse",
            (chunks(below, rows), blocks),
            THREADS,
            self._density,
            a[f"near{level}"],
            n,
            below,
            k,
            a[f"density{level + 1}"],
        )
