"""Voxel grid downsampling: one representative point per voxel, and the voxel of every point."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.util.threads import parallel_parts

MAX_COORDINATE = 1e4
"""Metres; larger coordinates are treated as no return: they are errors of a sensor or driver."""

_FIRST_SLOTS = 1 << 13
_KEYS_AT_ONCE = 2048


@dataclass(frozen=True)
class Voxels:
    """Occupied voxels of a cloud.

    representative: (V,) int32, for each voxel the index of the first input point in it.
    of_point: (N,) int32, voxel of each input point, -1 for points that are not finite.
    """

    representative: np.ndarray
    of_point: np.ndarray


def voxelize(points: np.ndarray, size: float, executor: Executor | None = None, threads: int = 1) -> Voxels:
    """Hash points into cubic voxels of edge `size` metres: points (N, 3) float32, rows may be NaN or infinite.

    executor, threads: parts of a large cloud that are hashed in parallel; the result is the same.
    """
    points = np.ascontiguousarray(points, np.float32)
    of_point = np.empty(len(points), np.int32)

    def hashed(part: slice) -> tuple[slice, tuple]:
        return part, _hash(points[part], 1.0 / size, of_point[part])

    (_, (first, keys, ids)), *others = parallel_parts(hashed, len(points), executor, threads)
    for part, (more, _, _) in others:
        number, first, keys, ids = _add(points, 1.0 / size, first, more + np.int32(part.start), keys, ids)
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
    wanted = np.empty(_KEYS_AT_ONCE, np.int64)
    last, voxel = np.int64(-1), np.int32(-1)
    for begin in range(0, len(points), _KEYS_AT_ONCE):
        size = min(_KEYS_AT_ONCE, len(points) - begin)
        for j in range(size):  # the compiler vectorises all of this loop but the table look-up
            wanted[j] = _key(points, begin + j, per_metre)
        for j in range(size):
            key = wanted[j]
            if key == last:  # neighbours in a picture are often neighbours in space: no look at the table
                of_point[begin + j] = voxel
                continue
            last = key
            if key == -1:  # setting it before, for both cases, would cost LLVM half of the speed
                voxel = np.int32(-1)
            else:
                slot = _slot(keys, key)
                if keys[slot] == -1:
                    keys[slot], ids[slot], representative[count] = key, count, begin + j
                    count += 1
                    voxel = ids[slot]
                    if 2 * count == len(keys):  # the table grows with the voxels: of dense clouds they are few
                        keys, ids = _grown(keys, ids)
                        representative = np.concatenate((representative, np.empty(3 * len(representative), np.int32)))
                else:
                    voxel = ids[slot]
            of_point[begin + j] = voxel
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
    """Slot of a key, or the free one that it would take."""
    last = len(keys) - 1
    slot = ((key ^ (key >> 29)) * np.int64(-7046029254386353131) >> 20) & last
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + 1) & last
    return slot


@njit(nogil=True, cache=True)
def _grown(keys: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rehash the table into four times the slots."""
    more_keys, more_ids = np.full(4 * len(keys), np.int64(-1)), np.empty(4 * len(ids), np.int32)
    for slot in range(len(keys)):
        if keys[slot] != -1:
            to = _slot(more_keys, keys[slot])
            more_keys[to], more_ids[to] = keys[slot], ids[slot]
    return more_keys, more_ids
