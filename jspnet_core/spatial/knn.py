"""k nearest neighbours within one block, for a box of queries at a time, with AABB pruning.

The k points whose farthest corner of the box is nearest bound how far a neighbour of any query in it can be. Points
beyond are left out, and a query looks at the others one after the other, which vector units are fast at. In the worst
case, where all points lie as near as the nearest, that is every pair.

Squared distances are float32, (dx * dx + dy * dy) + dz * dz without fused operations, and rounding is monotonic: a box
is never farther than what lies in it, so that results are those of comparing all pairs, to the last bit. Of equally
near points the lower index comes first.

All loops stay in this file: numba's cache on disk does not notice that a function it has inlined from another changed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from jspnet_core.spatial.kd_buckets import BoxedPoints, range_of

_TILE = 64  # queries of `three_nearest` that are looked at together
_INFINITY = np.float32(np.inf)
_ABOVE_ALL = np.int32(2**31 - 1)


class _Vicinity(NamedTuple):
    """Scratch memory for the points around a box; arrays are padded to whole SIMD vectors.

    least, most: (n,) float32, squared distances of all points from the box and from its farthest corner;
    chosen: (n,) int32 and xyz: (3, n) float32, the points that were kept, in index order, then infinity.
    """

    least: np.ndarray
    most: np.ndarray
    chosen: np.ndarray
    xyz: np.ndarray


# Public interface


def self_nearest(points: BoxedPoints, k: int) -> np.ndarray:
    """The k nearest of the points for each of them, nearest first, itself included: (n, k) int32."""
    _check_enough(points, k)
    return _self_nearest(points.axes, points.order, points.edges, k)


def three_nearest(points: BoxedPoints, queries: BoxedPoints) -> tuple[np.ndarray, np.ndarray]:
    """Three nearest points of each query and their weights 1/d^2, normalised: (n, 3) int32 and (n, 3) float32."""
    _check_enough(points, 3)
    return _three_nearest(points.axes, queries.axes, queries.order, queries.edges)


# Private


def _check_enough(points: BoxedPoints, k: int) -> None:
    if points.axes.shape[1] < k:
        raise ValueError(f"points must be at least the {k} nearest that are asked for, found {points.axes.shape[1]}")


@njit(nogil=True, cache=True)
def _self_nearest(axes: np.ndarray, order: np.ndarray, edges: np.ndarray, k: int) -> np.ndarray:
    near = np.empty((axes.shape[1], k), np.int32)
    vicinity = _make_vicinity(axes.shape[1])
    distance = np.empty(len(vicinity.chosen), np.float32)
    picked, place = np.empty(_padded(_room(k) + 1), np.int32), np.empty(_room(k) + 1, np.int32)
    rank, line = np.empty(_room(k), np.int64), np.empty(_room(k), np.int32)
    for g in range(len(edges) - 1):
        count = _look_around(axes, axes, order[edges[g] : edges[g + 1]], k, vicinity)
        for i in order[edges[g] : edges[g + 1]]:
            _distances(vicinity.xyz, count, axes[0, i], axes[1, i], axes[2, i], distance)
            found = _pick(distance, count, k, picked, place)
            _sort(picked, place, found, vicinity.chosen, rank, line)
            for r in range(k):  # a slice would cost seconds of compilation
                near[i, r] = line[r]
    return near


@njit(nogil=True, cache=True)
def _three_nearest(
    axes: np.ndarray, queries: np.ndarray, order: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    index, weight = np.empty((len(order), 3), np.int32), np.empty((len(order), 3), np.float32)
    vicinity = _make_vicinity(axes.shape[1])
    tile, best = np.empty(6 * _TILE, np.float32), np.empty(3 * _TILE, np.int32)
    for g in range(len(edges) - 1):
        count = _look_around(axes, queries, order[edges[g] : edges[g + 1]], 3, vicinity)
        for begin in range(edges[g], edges[g + 1], _TILE):
            rows = order[begin : min(begin + _TILE, edges[g + 1])]
            _compare_tile(queries, rows, vicinity, count, tile, best)
            for t in range(len(rows)):
                index[rows[t], 0], index[rows[t], 1], index[rows[t], 2] = best[t], best[_TILE + t], best[2 * _TILE + t]
                _weigh(tile[3 * _TILE + t], tile[4 * _TILE + t], tile[5 * _TILE + t], weight[rows[t]])
    return index, weight


@njit(nogil=True, cache=True)
def _padded(n: int) -> int:
    """Round up to a multiple of 16, so that SIMD loops have no remainder."""
    return (n + 15) & -16


@njit(nogil=True, cache=True)
def _room(k: int) -> int:
    """Number of candidates from which k are sorted: small, yet with a tolerance for the threshold."""
    return k + k // 8 + 1


@njit(nogil=True, cache=True)
def _make_vicinity(n: int) -> _Vicinity:
    m = _padded(n + 1)
    most = np.full(m, _INFINITY, np.float32)
    return _Vicinity(np.empty(m, np.float32), most, np.empty(m, np.int32), np.empty((3, m), np.float32))


@njit(nogil=True, cache=True)
def _look_around(axes: np.ndarray, queries: np.ndarray, rows: np.ndarray, k: int, vicinity: _Vicinity) -> int:
    """Keep in `vicinity` the points that can be among the k nearest of any of the queries `rows`. Returns how many."""
    n = axes.shape[1]
    least, most, index = vicinity.least, vicinity.most, vicinity.chosen
    x, y, z = range_of(queries[0], rows), range_of(queries[1], rows), range_of(queries[2], rows)
    _distances_of_box(axes, x, y, z, least, most)
    bound = np.int32(_threshold(most, n, k)[0]).view(np.float32)
    count = 0
    for j in range(n):
        index[count] = j
        count += least[j] <= bound
    for axis in range(3):
        source, target = axes[axis], vicinity.xyz[axis]
        for c in range(count):
            target[c] = source[index[c]]
        for c in range(count, _padded(count)):
            target[c] = _INFINITY
    return count


@njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _distances_of_box(axes: np.ndarray, x: tuple, y: tuple, z: tuple, least: np.ndarray, most: np.ndarray) -> None:
    """Squared distances of points from a box, given by its ranges, and from its farthest corner."""
    px, py, pz, zero = axes[0], axes[1], axes[2], np.float32(0.0)
    for j in range(len(px)):
        below_x, above_x = x[0] - px[j], px[j] - x[1]
        below_y, above_y = y[0] - py[j], py[j] - y[1]
        below_z, above_z = z[0] - pz[j], pz[j] - z[1]
        dx, dy, dz = max(below_x, above_x, zero), max(below_y, above_y, zero), max(below_z, above_z, zero)
        least[j] = dx * dx + dy * dy + dz * dz
        dx, dy, dz = max(-below_x, -above_x), max(-below_y, -above_y), max(-below_z, -above_z)
        most[j] = dx * dx + dy * dy + dz * dz


@njit(nogil=True, cache=True)
def _distances(xyz: np.ndarray, count: int, x: np.float32, y: np.float32, z: np.float32, distance: np.ndarray) -> None:
    px, py, pz = xyz[0], xyz[1], xyz[2]
    for c in range(_padded(count)):
        dx, dy, dz = px[c] - x, py[c] - y, pz[c] - z
        distance[c] = dx * dx + dy * dy + dz * dz


@njit(nogil=True, cache=True)
def _threshold(distance: np.ndarray, n: int, k: int) -> tuple[int, int, int, int]:
    """A distance that k to `_room(k)` of n distances, padded with infinity, do not exceed: its bits, how many.

    Bits of distances order as they do. Where too many are equal, it is the k-th smallest distance; then
    the largest distance below it, which fewer than k do not exceed, is returned as well: its bits, how many.
    """
    keys, room = distance.view(np.int32), _room(k)
    low, fewer, high, within = np.int32(-1), 0, keys[:n].max(), n
    steps = 0
    while within > room and high - low > 1:
        middle = low + (high - low) // 2
        if steps < 6:  # on a surface, the number of points within a distance grows with its square
            a, b = np.int32(max(low, 0)).view(np.float32), np.int32(high).view(np.float32)
            share = np.float32((0.5 * (k + room) - fewer) / (within - fewer))
            middle = min(max(np.int64(np.float32(a + (b - a) * share).view(np.int32)), low + 1), high - 1)
        steps += 1
        found = _count(keys, n, np.int32(middle))
        if found >= k:
            high, within = np.int32(middle), found
        else:
            low, fewer = np.int32(middle), found
    return high, within, low, fewer


@njit(nogil=True, cache=True)
def _count(keys: np.ndarray, n: int, most: np.int32) -> int:
    found = np.int32(0)
    for j in range(_padded(n)):
        found = np.int32(found + np.int32(keys[j] <= most))
    return found


@njit(nogil=True, cache=True)
def _pick(distance: np.ndarray, n: int, k: int, picked: np.ndarray, place: np.ndarray) -> int:
    """Pick the k smallest distances and few others: their bits, ties in index order, and places. Returns how many."""
    keys = distance.view(np.int32)
    high, within, low, _ = _threshold(distance, n, k)
    most = high if within <= _room(k) else low
    found = 0
    for c in range(n):
        picked[found], place[found] = keys[c], c
        found += keys[c] <= most
    c = 0
    while found < k:  # equal ones fill up
        if keys[c] == high:
            picked[found], place[found] = high, c
            found += 1
        c += 1
    return found


@njit(nogil=True, cache=True)
def _sort(
    picked: np.ndarray, place: np.ndarray, n: int, chosen: np.ndarray, rank: np.ndarray, line: np.ndarray
) -> None:
    """Write the n selected points nearest first. The rank of each is the number of nearer ones, ties in order."""
    picked[n : _padded(n)] = _ABOVE_ALL
    line[:n] = -1
    for c in range(n):
        own, nearer = picked[c], np.int32(0)
        for o in range(_padded(n)):
            nearer = np.int32(nearer + np.int32(picked[o] < own))
        rank[c] = nearer
    for c in range(n):
        r = rank[c]
        while line[r] >= 0:
            r += 1
        line[r] = chosen[place[c]]


@njit(nogil=True, cache=True)
def _compare_tile(
    queries: np.ndarray, rows: np.ndarray, vicinity: _Vicinity, count: int, tile: np.ndarray, best: np.ndarray
) -> None:
    """The three nearest of up to `_TILE` queries: tile holds x, y, z and three distances, best the three indices."""
    px, py, pz, index = vicinity.xyz[0], vicinity.xyz[1], vicinity.xyz[2], vicinity.chosen
    lanes = _padded(len(rows))
    for t in range(lanes):
        i = rows[min(t, len(rows) - 1)]
        tile[t], tile[_TILE + t], tile[2 * _TILE + t] = queries[0, i], queries[1, i], queries[2, i]
    tile[3 * _TILE :] = _INFINITY
    best[:] = 0
    for c in range(count):
        x, y, z, j = px[c], py[c], pz[c], index[c]
        for t in range(lanes):
            dx, dy, dz = x - tile[t], y - tile[_TILE + t], z - tile[2 * _TILE + t]
            d = dx * dx + dy * dy + dz * dz
            d0, d1, d2 = tile[3 * _TILE + t], tile[4 * _TILE + t], tile[5 * _TILE + t]
            i0, i1, i2 = best[t], best[_TILE + t], best[2 * _TILE + t]
            first, second, third = d < d0, d < d1, d < d2
            below1, below2 = (d if second else d1), (d if third else d2)
            j1, j2 = (j if second else i1), (j if third else i2)
            tile[3 * _TILE + t], best[t] = (d if first else d0), (j if first else i0)
            tile[4 * _TILE + t], best[_TILE + t] = (d0 if first else below1), (i0 if first else j1)
            tile[5 * _TILE + t], best[2 * _TILE + t] = (d1 if second else below2), (i1 if second else j2)


@njit(nogil=True, cache=True)
def _weigh(d0: np.float32, d1: np.float32, d2: np.float32, weight: np.ndarray) -> None:
    one, least = np.float32(1.0), np.float32(1e-10)
    w0, w1, w2 = one / max(d0, least), one / max(d1, least), one / max(d2, least)
    total = w0 + w1 + w2
    weight[0], weight[1], weight[2] = w0 / total, w1 / total, w2 / total
