"""Ball query within one block, for a box of centres at a time: AABB pruning skips points far from the box.

In the worst case, where all points lie in one ball, that is every pair, or as many as are asked for. Squared distances
are those of `jspnet_core.spatial.knn`. All loops stay in this file, for the reason given there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from jspnet_core.spatial.kd_buckets import BoxedPoints, range_of

_AT_ONCE = 64  # points that a centre looks at before it asks whether it has found enough


class _Vicinity(NamedTuple):
    """Scratch memory for the points around a box; the ends of the arrays take points that are not kept.

    least: (n,) float32, squared distance of all points from the box; chosen: (n,) int32 and xyz: (3, n) float32, the
    points that were kept, in index order; looked: float32, squared distances of those that a centre looks at.
    """

    least: np.ndarray
    chosen: np.ndarray
    xyz: np.ndarray
    looked: np.ndarray


# Public interface


def ball_query(points: BoxedPoints, centers: BoxedPoints, radius: float, count: int) -> np.ndarray:
    """The first `count` points of each open ball in index order, padded with the first: (m, count) int32.

    centers: m, each one of the n points, so that no ball is empty. radius: metres.
    """
    return _ball_query(points.axes, *centers, np.float32(radius * radius), count)


def ball_density(points: BoxedPoints, radius: float, variance: float, count: int) -> np.ndarray:
    """Mean of a normal kernel over at most `count` neighbours of each point, first in index order: (n,) float32.

    radius: metres. variance: m^2, of the isotropic three-dimensional normal density.
    """
    return _ball_density(*points, np.float32(radius * radius), variance, count)


# Private


@njit(nogil=True, cache=True)
def _ball_query(
    axes: np.ndarray, centers: np.ndarray, order: np.ndarray, edges: np.ndarray, square: np.float32, count: int
) -> np.ndarray:
    near = np.empty((len(order), count), np.int32)
    vicinity = _make_vicinity(axes.shape[1])
    looked, index, inside = vicinity.looked, vicinity.chosen, np.empty(count + _AT_ONCE, np.int32)
    for g in range(len(edges) - 1):
        rows = order[edges[g] : edges[g + 1]]
        kept = _look_around(axes, centers, rows, square, vicinity)
        for i in rows:
            found, begin = 0, 0
            while begin < kept and found < count:
                for c in range(_look_at(vicinity, begin, kept, centers[0, i], centers[1, i], centers[2, i])):
                    inside[found] = index[begin + c]
                    found += looked[c] < square
                begin += _AT_ONCE
            for k in range(count):
                near[i, k] = inside[k] if k < found else inside[0]
    return near


@njit(nogil=True, cache=True)
def _ball_density(
    axes: np.ndarray, order: np.ndarray, edges: np.ndarray, square: np.float32, variance: float, count: int
) -> np.ndarray:
    density = np.empty(len(order), np.float32)
    vicinity = _make_vicinity(axes.shape[1])
    looked, inside = vicinity.looked, np.empty(count + _AT_ONCE, np.float32)
    kernel = np.empty(count, np.float64)
    peak = (2.0 * np.pi * variance) ** -1.5
    halvings = 0  # of the exponent, so that its series needs few terms
    while 0.5 * square / variance > 0.125 * 2.0**halvings:
        halvings += 1
    scale = -0.5 / variance / 2.0**halvings
    for g in range(len(edges) - 1):
        rows = order[edges[g] : edges[g + 1]]
        kept = _look_around(axes, axes, rows, square, vicinity)
        for i in rows:
            found, begin = 0, 0
            while begin < kept and found < count:
                for c in range(_look_at(vicinity, begin, kept, axes[0, i], axes[1, i], axes[2, i])):
                    inside[found] = looked[c]
                    found += looked[c] < square
                begin += _AT_ONCE
            found = min(found, count)
            density[i] = peak * _sum_of_exponentials(inside[:found], scale, halvings, kernel) / found
    return density


@njit(nogil=True, cache=True)
def _make_vicinity(n: int) -> _Vicinity:
    m = n + _AT_ONCE
    index, xyz = np.empty(m, np.int32), np.zeros((3, m), np.float32)
    return _Vicinity(np.empty(m, np.float32), index, xyz, np.empty(_AT_ONCE, np.float32))


@njit(nogil=True, cache=True)
def _look_around(
    axes: np.ndarray, queries: np.ndarray, rows: np.ndarray, square: np.float32, vicinity: _Vicinity
) -> int:
    """Keep in `vicinity` the points that can be in the ball of any of the queries `rows`. Returns how many."""
    least, index, kept = vicinity.least, vicinity.chosen, 0
    _distances_of_box(axes, range_of(queries[0], rows), range_of(queries[1], rows), range_of(queries[2], rows), least)
    for j in range(axes.shape[1]):
        index[kept] = j
        kept += least[j] < square
    for axis in range(3):
        source, target = axes[axis], vicinity.xyz[axis]
        for c in range(kept):
            target[c] = source[index[c]]
    return kept


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _distances_of_box(axes: np.ndarray, x: tuple, y: tuple, z: tuple, least: np.ndarray) -> None:
    """Squared distances of points from a box, given by its ranges: rounded down, a lower bound for its points."""
    px, py, pz, zero = axes[0], axes[1], axes[2], np.float32(0.0)
    for j in range(len(px)):
        dx = max(x[0] - px[j], px[j] - x[1], zero)
        dy = max(y[0] - py[j], py[j] - y[1], zero)
        dz = max(z[0] - pz[j], pz[j] - z[1], zero)
        least[j] = dx * dx + dy * dy + dz * dz


@njit(nogil=True, cache=True)
def _look_at(vicinity: _Vicinity, begin: int, kept: int, x: np.float32, y: np.float32, z: np.float32) -> int:
    """Squared distances of the kept points from place `begin` on. Returns how many those are, up to `_AT_ONCE`."""
    end = begin + _AT_ONCE
    px, py, pz = vicinity.xyz[0, begin:end], vicinity.xyz[1, begin:end], vicinity.xyz[2, begin:end]
    looked = vicinity.looked
    for c in range(_AT_ONCE):
        dx, dy, dz = px[c] - x, py[c] - y, pz[c] - z
        looked[c] = dx * dx + dy * dy + dz * dz
    return min(_AT_ONCE, kept - begin)


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz"})
def _sum_of_exponentials(values: np.ndarray, scale: float, halvings: int, scratch: np.ndarray) -> float:
    """Sum of exp(values * scale) ** (2 ** halvings), -0.125 <= values * scale <= 0: a vectorised (SIMD) series."""
    n = len(values)
    for k in range(n):
        x = values[k] * scale
        scratch[k] = 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7))))))
    for _ in range(halvings):
        for k in range(n):
            scratch[k] *= scratch[k]
    total = 0.0
    for k in range(n):
        total += scratch[k]
    return total
