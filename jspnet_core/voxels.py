"""One representative point per voxel, and the way back from voxels to points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

MAX_COORDINATE = 1e4
"""Metres; a coordinate beyond it is treated as no return, for it can only be a sensor's or a driver's error."""

_FIRST_SLOTS = 1 << 16


@dataclass(frozen=True)
class Voxels:
    """Occupied voxels of a cloud.

    representative: (V,) int32, for each voxel the index of the first input point in it.
    of_point: (N,) int32, voxel of each input point, -1 for points that are not finite.
    """

    representative: np.ndarray
    of_point: np.ndarray


def voxelise(points: np.ndarray, size: float) -> Voxels:
    """Hash points into cubes of edge `size` metres: points (N, 3) float32, rows may be NaN or infinite."""
    representative, of_point = _hash(np.ascontiguousarray(points, np.float32), 1.0 / size)
    return Voxels(representative, of_point)


@njit(nogil=True, cache=True)
def _hash(points: np.ndarray, per_metre: float) -> tuple[np.ndarray, np.ndarray]:
    """Open addressing over packed cell coordinates, 21 bits an axis: 1e4 m at 5 mm fits."""
    n = len(points)
    keys, ids = np.full(_FIRST_SLOTS, np.int64(-1)), np.empty(_FIRST_SLOTS, np.int32)
    of_point = np.empty(n, np.int32)
    representative = np.empty(_FIRST_SLOTS, np.int32)
    count = 0
    for i in range(n):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if not (abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE and abs(z) <= MAX_COORDINATE):
            of_point[i] = -1  # NaN compares false, too
            continue
        a = np.int64(np.floor(x * per_metre)) & 0x1FFFFF
        b = np.int64(np.floor(y * per_metre)) & 0x1FFFFF
        c = np.int64(np.floor(z * per_metre)) & 0x1FFFFF
        key = (a << 42) | (b << 21) | c
        slot = _slot(keys, key)
        if keys[slot] == -1:
            keys[slot], ids[slot], representative[count] = key, count, i
            count += 1
            of_point[i] = ids[slot]
            if 2 * count == len(keys):  # the table grows with the voxels: of dense clouds they are few
                keys, ids = _grown(keys, ids)
                representative = np.concatenate((representative, np.empty(3 * len(representative), np.int32)))
        else:
            of_point[i] = ids[slot]
    return representative[:count].copy(), of_point


@njit(nogil=True, cache=True)
def _slot(keys: np.ndarray, key: int) -> int:
    """Where a key is, or would go."""
    last = len(keys) - 1
    slot = ((key ^ (key >> 29)) * np.int64(-7046029254386353131) >> 20) & last
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + 1) & last
    return slot


@njit(nogil=True, cache=True)
def _grown(keys: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same table with four times the slots."""
    more_keys, more_ids = np.full(4 * len(keys), np.int64(-1)), np.empty(4 * len(ids), np.int32)
    for slot in range(len(keys)):
        if keys[slot] != -1:
            to = _slot(more_keys, keys[slot])
            more_keys[to], more_ids[to] = keys[slot], ids[slot]
    return more_keys, more_ids
