"""One representative point per voxel, and the way back from voxels to points."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

MAX_COORDINATE = 1e4
"""Metres; a coordinate beyond it is treated as no return, for it can only be a sensor's or a driver's error."""

PART_POINTS = 50_000
"""Points from which one more thread is worth its while."""

_FIRST_SLOTS = 1 << 16


@dataclass(frozen=True)
class Voxels:
    """Occupied voxels of a cloud.

    representative: (V,) int32, for each voxel the index of the first input point in it.
    of_point: (N,) int32, voxel of each input point, -1 for points that are not finite.
    """

    representative: np.ndarray
    of_point: np.ndarray


def voxelise(points: np.ndarray, size: float, executor: Executor | None = None, threads: int = 1) -> Voxels:
    """Hash points into cubes of edge `size` metres: points (N, 3) float32, rows may be NaN or infinite.

    executor, threads: so many parts of a large cloud are hashed side by side; the result is the same.
    """
    points = np.ascontiguousarray(points, np.float32)
    of_point = np.empty(len(points), np.int32)
    parts = min(threads, len(points) // PART_POINTS) if executor is not None else 1
    if executor is None or parts < 2:
        return Voxels(_hash(points, 1.0 / size, of_point)[0], of_point)
    bounds = np.linspace(0, len(points), parts + 1).astype(int)
    own, *others = [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
    hashed = [executor.submit(_hash, points[part], 1.0 / size, of_point[part]) for part in others]
    first, keys, ids = _hash(points[own], 1.0 / size, of_point[own])
    for part, other in zip(others, hashed, strict=True):
        more = other.result()[0] + np.int32(part.start)
        number, first, keys, ids = _add(points, 1.0 / size, first, more, keys, ids)
        _renumber(of_point[part], number)
    return Voxels(first, of_point)


@njit(nogil=True, cache=True)
def _hash(points: np.ndarray, per_metre: float, of_point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Open addressing over packed cell coordinates, 21 bits an axis: 1e4 m at 5 mm fits. Writes to of_point (N,).

    Returns representatives (V,), and the table: keys, -1 where a slot is free, and voxels.
    """
    keys, ids = np.full(_FIRST_SLOTS, np.int64(-1)), np.empty(_FIRST_SLOTS, np.int32)
    representative = np.empty(_FIRST_SLOTS, np.int32)
    count = 0
    for i in range(len(points)):
        key = _key(points, i, per_metre)
        if key == -1:
            of_point[i] = -1
            continue
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
    return representative[:count].copy(), keys, ids


@njit(nogil=True, cache=True)
def _add(points, per_metre, first, more, keys, ids):  # type: ignore[no-untyped-def]
    """Add voxels by their representatives, `more`, to those of the representatives `first` (V,) and their table.

    Returns the number (len(more),) that each has now, and the grown representatives and table.
    """
    number = np.empty(len(more), np.int32)
    joined = np.concatenate((first, more))
    count = len(first)
    for j in range(len(more)):
        key = _key(points, more[j], per_metre)
        slot = _slot(keys, key)
        if keys[slot] == -1:
            keys[slot], ids[slot], joined[count] = key, count, more[j]
            number[j] = count
            count += 1
            if 2 * count == len(keys):
                keys, ids = _grown(keys, ids)
        else:
            number[j] = ids[slot]
    return number, joined[:count].copy(), keys, ids


@njit(nogil=True, cache=True)
def _renumber(of_point: np.ndarray, number: np.ndarray) -> None:
    for i in range(len(of_point)):
        if of_point[i] >= 0:
            of_point[i] = number[of_point[i]]


@njit(nogil=True, cache=True)
def _key(points: np.ndarray, i: int, per_metre: float) -> int:
    """Packed cell coordinates of a point, -1 for one that is no return."""
    x, y, z = points[i, 0], points[i, 1], points[i, 2]
    if not (abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE and abs(z) <= MAX_COORDINATE):
        return np.int64(-1)  # NaN compares false, too
    a = np.int64(np.floor(x * per_metre)) & 0x1FFFFF
    b = np.int64(np.floor(y * per_metre)) & 0x1FFFFF
    c = np.int64(np.floor(z * per_metre)) & 0x1FFFFF
    return (a << 42) | (b << 21) | c


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
