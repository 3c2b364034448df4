"""Farthest point sampling with AABB pruning: only boxes that a new sample can be nearest to are updated."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.spatial.kd_buckets import BoxedPoints

BOX_POINTS = 64
"""Most points of a box, where this is fastest."""


def farthest_points(points: BoxedPoints, count: int) -> np.ndarray:
    """Farthest point sampling from point 0; of several farthest points the first is taken.

    points: N, count: 1 to N. Returns (count,) int32 in order of sampling.
    """
    return sample_and_work(points, count)[0]


def sample_and_work(points: BoxedPoints, count: int) -> tuple[np.ndarray, int]:
    """Sample as `farthest_points` does. Also returns the number of distances computed, up to N * count."""
    axes, order, edges = points
    return _sample(axes.take(order, axis=1), order, edges, int(np.flatnonzero(order == 0)[0]), count)


@njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def _sample(axes: np.ndarray, order: np.ndarray, edges: np.ndarray, first: int, count: int) -> tuple[np.ndarray, int]:
    """axes: (3, N), box after box; order: (N,), where each point stood before, ascending within a box; first: place
    of the first sample.
    """
    boxes = len(edges) - 1
    low, high = np.empty((3, boxes), np.float32), np.empty((3, boxes), np.float32)
    for m in range(boxes):
        for axis in range(3):
            low[axis, m] = axes[axis, edges[m] : edges[m + 1]].min()
            high[axis, m] = axes[axis, edges[m] : edges[m + 1]].max()
    distance = np.full(axes.shape[1], np.float32(np.inf))
    largest, place = np.full(boxes, np.float32(np.inf)), edges[:-1].copy()  # of each box: its farthest point
    away, reached = np.empty(boxes, np.float32), np.empty(boxes + 1, np.int64)
    sample = np.empty(count, np.int32)
    last, looked = first, 0
    for i in range(count):
        sample[i] = order[last]
        x, y, z = axes[0, last], axes[1, last], axes[2, last]
        _distances_of_boxes(low, high, x, y, z, away)
        found = 0
        for m in range(boxes):
            reached[found] = m
            found += np.float32(0.9999) * away[m] < largest[m]
        for m in reached[:found]:
            a, b = edges[m], edges[m + 1]
            looked += b - a
            largest[m], place[m] = _update(axes[:, a:b], distance[a:b], x, y, z)
            place[m] += a
        last = _first_of_farthest(largest, place, order)
    return sample, looked


@njit(nogil=True, cache=True, fastmath={"contract", "nsz", "nnan"})
def _distances_of_boxes(low: np.ndarray, high: np.ndarray, x: float, y: float, z: float, away: np.ndarray) -> None:
    """Squared distances of a point from boxes, given by their corners (3, M)."""
    lx, ly, lz, hx, hy, hz, zero = low[0], low[1], low[2], high[0], high[1], high[2], np.float32(0.0)
    for m in range(len(away)):
        dx, dy, dz = max(lx[m] - x, x - hx[m], zero), max(ly[m] - y, y - hy[m], zero), max(lz[m] - z, z - hz[m], zero)
        away[m] = dx * dx + dy * dy + dz * dz


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz", "nnan"})
def _first_of_farthest(largest: np.ndarray, place: np.ndarray, order: np.ndarray) -> int:
    """Index of the farthest point of all boxes; of equally far ones, the first."""
    farthest = largest[0]
    for m in range(1, len(largest)):
        farthest = max(farthest, largest[m])
    best = -1
    for m in range(len(largest)):
        if largest[m] == farthest and (best < 0 or order[place[m]] < order[best]):
            best = place[m]
    return best


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _update(points: np.ndarray, distance: np.ndarray, x: float, y: float, z: float) -> tuple[float, int]:
    """Update the distances for a new sample. Returns the largest, and its first index."""
    px, py, pz = points[0], points[1], points[2]
    for j in range(len(distance)):
        dx, dy, dz = px[j] - x, py[j] - y, pz[j] - z
        distance[j] = min(distance[j], dx * dx + dy * dy + dz * dz)
    largest = distance[0]
    for j in range(1, len(distance)):
        largest = max(largest, distance[j])
    place = 0
    while distance[place] != largest:
        place += 1
    return largest, place
