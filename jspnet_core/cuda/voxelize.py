"""Voxels on the device, see `pipeline.voxelize`: one upload of the cloud, one number downloaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.cuda.device import INT_MAX, THREADS, WARP, Device, DeviceArray, chunks, filled, uploaded
from jspnet_core.pipeline.voxelize import MAX_COORDINATE

CHUNK = 1024
"""Points that one block of threads numbers."""


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


def voxelize(device: Device, points: np.ndarray, size: float, T_gravity_input: np.ndarray) -> DeviceVoxels:
    """Find voxels and move them to the gravity frame: points (N, 3) float32 of the host, metres; (4, 4)."""
    return to_gravity_frame(device, find_voxels(device, points, size), T_gravity_input)


def find_voxels(device: Device, points: np.ndarray, size: float) -> FoundVoxels:
    """Voxel grid as `pipeline.voxelize.voxelize` makes it: points (N, 3) float32 of the host, edge in metres."""
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


def to_gravity_frame(device: Device, found: FoundVoxels, T_gravity_input: np.ndarray) -> DeviceVoxels:
    """Transform the representatives to the gravity frame. T_gravity_input: (4, 4)."""
    grid, total = (chunks(found.count, THREADS), 1), found.count_on_device
    transform = uploaded(device, np.ascontiguousarray(T_gravity_input[:3], np.float32))
    xyz = device.empty((max(found.count, 1), 3), np.float32)
    device.launch("to_gravity", grid, THREADS, found.cloud, found.representative, total, transform, xyz)
    bounds = uploaded(device, np.array([INT_MAX] * 3 + [-INT_MAX - 1] * 3, np.int32))
    low_high = device.empty((6,), np.float32)
    device.launch("extent", grid, THREADS, xyz, total, bounds)
    device.launch("extent_as_floats", (1, 1), WARP, bounds, low_high)
    return DeviceVoxels(found.count, total, found.representative, found.of_point, xyz, low_high)
