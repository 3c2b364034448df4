"""A frame on the device, up to what the network takes: uploaded once, voxels, blocks, features and pyramids made there.

Two small downloads on the way say how many voxels there are, where they lie, and how full each column is, because the
number of blocks decides which recorded network runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.gpu.device import INT_MAX, WARP, Device, DeviceArray, chunks
from jspnet_core.pyramid import UPSAMPLINGS
from jspnet_core.settings import SegmenterSettings
from jspnet_core.voxels import MAX_COORDINATE

CHUNK = 1024  # threads that number voxels together: CHUNK in voxels.cu
POINTS_PER_THREAD = 8  # of farthest point sampling: POINTS_PER_THREAD in pyramid.cu
THREADS = 256


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
    """index: (B, N) int32 into the voxels; count: (B,) int32, see `jspnet_core.blocks.Blocks`."""

    index: DeviceArray
    count: DeviceArray
    left_out: int

    def __len__(self) -> int:
        return self.index.shape[0]


def voxelise(device: Device, points: np.ndarray, size: float, T_gravity_input: np.ndarray) -> DeviceVoxels:
    """As `jspnet_core.voxels.voxelise` and `rigid`: points (N, 3) float32 of the host, edge in metres, (4, 4)."""
    n = len(points)
    cloud = device.empty(points.shape, np.float32)
    device.upload(cloud, points)
    return voxelise_on_device(device, cloud, n, size, T_gravity_input)


def voxelise_on_device(
    device: Device, cloud: DeviceArray, n: int, size: float, T_gravity_input: np.ndarray
) -> DeviceVoxels:
    """The same for a cloud that is there already."""
    slots = max(1 << (2 * n - 1).bit_length(), 16)
    keys, first = device.empty((slots,), np.uint64), device.empty((slots,), np.uint32)
    of_slot, slot = device.empty((slots,), np.int32), device.empty((n,), np.int32)
    parts = chunks(n, CHUNK)
    sums = device.empty((parts + 1,), np.int32)
    representative, of_point = device.empty((n,), np.int32), device.empty((n,), np.int32)
    device.fill(keys, 0xFF)
    device.fill(first, 0xFF)
    grid, rate, limit = (chunks(n, THREADS), 1), np.float64(1.0 / size), np.float32(MAX_COORDINATE)
    device.launch("voxel_insert", grid, THREADS, cloud, n, rate, limit, keys, first, slots - 1, slot)
    device.launch("voxel_count", (parts, 1), CHUNK, slot, first, n, sums)
    device.launch("voxel_scan", (1, 1), 1, sums, parts)
    device.launch("voxel_number", (parts, 1), CHUNK, slot, first, n, sums, of_slot, representative)
    device.launch("voxel_of_point", grid, THREADS, slot, of_slot, n, of_point)
    total = DeviceArray(sums.pointer + 4 * parts, (1,), sums.dtype, sums.owner)
    transform, xyz = device.empty((12,), np.float32), device.empty((n, 3), np.float32)
    device.upload(transform, np.ascontiguousarray(T_gravity_input[:3], np.float32))
    device.launch("to_gravity", grid, THREADS, cloud, representative, total, transform, xyz)
    bounds, low_high = device.empty((6,), np.int32), device.empty((6,), np.float32)
    device.upload(bounds, np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32))
    device.launch("extent", grid, THREADS, xyz, total, bounds)
    device.launch("extent_as_floats", (1, 1), WARP, bounds, low_high)
    count = int(device.download(sums)[parts])
    return DeviceVoxels(count, total, representative, of_point, xyz, low_high)


def cut_blocks(
    device: Device,
    voxels: DeviceVoxels,
    configuration: NetworkConfiguration,
    settings: SegmenterSettings,
    sensor: np.ndarray,
    seed: int = 0,
) -> DeviceBlocks:
    """As `jspnet_core.blocks.cut_blocks`, but for the random generator. sensor: (2,), gravity frame."""
    size = configuration.block_size
    stride = settings.stride * size
    low_high = device.download(voxels.low_high)
    span = np.maximum(low_high[3:5] - low_high[:2] - size, 0.0)
    columns_x, columns_y = (int(n) for n in np.ceil(span / stride).astype(int) + 1)
    members = device.empty((columns_x * columns_y,), np.int32)
    sums = device.empty((columns_x * columns_y, 2), np.int64)
    device.fill(members, 0)
    device.fill(sums, 0)
    edges = np.float64(size), np.float64(stride)
    device.launch(
        "count_columns", (chunks(voxels.count, THREADS), 1), THREADS, voxels.xyz, voxels.count_on_device,
        voxels.low_high, columns_x, columns_y, *edges, members, sums,
    )  # fmt: skip
    chosen, left_out = choose_columns(
        device.download(members), device.download(sums), settings.min_block_points, settings.max_blocks, sensor
    )
    index = device.empty((len(chosen), configuration.points), np.int32)
    count = device.empty((len(chosen),), np.int32)
    if len(chosen):
        columns = device.empty(chosen.shape, np.int32)
        device.upload(columns, chosen)
        device.launch(
            "cut_columns", (len(chosen), 1), 1024, voxels.xyz, voxels.count_on_device, voxels.low_high, columns,
            members, columns_y, *edges, configuration.points, seed, index, count,
        )  # fmt: skip
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
    """As `jspnet_core.blocks.block_features`, into features (>= B, N, channels). colors: (N, 3) uint8 of the input."""
    c = configuration
    device.launch(
        "block_features", (len(blocks), 1), 1024, voxels.xyz, colors, voxels.representative, voxels.low_high,
        blocks.index, c.points, c.channels, np.float32(0.5 * c.block_size), features,
    )  # fmt: skip


class DevicePyramids:
    """Makes the pyramids of a batch in memory of its own: `arrays` has one array per name, for `most` blocks.

    Raises ValueError for blocks of more points, or neighbourhoods larger, than the kernels are made for.
    """

    def __init__(self, device: Device, configuration: NetworkConfiguration, most: int):
        c = configuration
        if c.points > POINTS_PER_THREAD * 1024 or c.encoder_neighbors > WARP:
            raise ValueError(
                f"the kernels take blocks of up to {POINTS_PER_THREAD * 1024} points and {WARP} neighbours, found "
                f"{c.points} and {c.encoder_neighbors}"
            )
        self._device, self._configuration = device, c
        sizes, k = (c.points, *c.levels), c.encoder_neighbors
        shapes = {"sample": (sizes[1],), "ball": (sizes[1], k)}
        shapes |= {f"near{level}": (sizes[level], k) for level in (1, 2, 3)}
        shapes |= {f"density{level}": (sizes[level], k) for level in (2, 3, 4)}
        for fine, coarse in UPSAMPLINGS:
            shapes |= {f"up{fine}{coarse}_{part}": (sizes[fine], 3) for part in ("index", "weight")}
        self.arrays = {
            name: device.empty(
                (most, *shape), np.float32 if name.startswith("density") or "weight" in name else np.int32
            )
            for name, shape in shapes.items()
        }
        self._level1 = device.empty((most, sizes[1], 3), np.float32)
        self._density = device.empty((most, sizes[1]), np.float32)

    def build(self, features: DeviceArray, blocks: int) -> None:
        """As `build_pyramids` and `stack_pyramids`: features (>= blocks, N, channels), indices flat over the batch."""
        c, launch, a = self._configuration, self._device.launch, self.arrays
        n, n1, channels = c.points, c.levels[0], c.channels
        threads = min(1024, WARP * math.ceil(n / (POINTS_PER_THREAD * WARP)))
        launch(
            "farthest_points", (1, blocks), threads, features, channels, n, n1, a["sample"], self._level1, shared=12 * n
        )
        rows = THREADS // WARP
        launch(
            "ball_query", (chunks(n1, rows), blocks), THREADS, features, channels, n, self._level1, n1,
            np.float32(c.radii[0] ** 2), c.encoder_neighbors, a["ball"],
        )  # fmt: skip
        for level in (1, 2, 3):
            self._neighbours(level, blocks)
        for fine, coarse in UPSAMPLINGS:
            at_points = (features, channels, n, n) if fine == 0 else (self._level1, 3, n1, c.levels[fine - 1])
            launch(
                "three_nearest", (chunks(at_points[3], THREADS), blocks), THREADS, *at_points, self._level1, n1,
                c.levels[coarse - 1], a[f"up{fine}{coarse}_index"], a[f"up{fine}{coarse}_weight"],
            )  # fmt: skip

    def _neighbours(self, level: int, blocks: int) -> None:
        c, launch, a = self._configuration, self._device.launch, self.arrays
        n, n1, rows = c.levels[level - 1], c.levels[0], THREADS // WARP
        grid, k = (chunks(n, rows), blocks), c.encoder_neighbors
        launch("nearest_points", grid, THREADS, self._level1, n1, n, k, a[f"near{level}"])
        square, variance = np.float32(c.radii[level] ** 2), np.float32(c.density_variances[level - 1])
        launch("ball_density", grid, THREADS, self._level1, n1, n, square, variance, c.density_neighbors, self._density)
        below = c.levels[level]
        launch(
            "relative_inverse", (chunks(below, rows), blocks), THREADS, self._density, a[f"near{level}"], n, below, k,
            a[f"density{level + 1}"],
        )  # fmt: skip
