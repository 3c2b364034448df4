"""Farthest point sampling that looks at few points: those in boxes that the new sample can still come near to."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.boxes import BoxedPoints

BOX_POINTS = 64
"""Most points of a box, where this is fastest."""


def farthest_points(points: BoxedPoints, count: int) -> np.ndarray:
    """Farthest point sampling from point 0; of several farthest points the first is taken.

    points: N, count: 1 to N. Returns (count,) int32 in order of sampling.
    """
    return sample_and_work(points, count)[0]


def sample_and_work(points: BoxedPoints, count: int) -> tuple[np.ndarray, int]:
    """As `farthest_points`, and how many distances were computed: up to N * count."""
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
    sample = np.empty(count, np.int32)
    last, looked = first, 0
    for i in range(count):
        sample[i] = order[last]
        x, y, z = axes[0, last], axes[1, last], axes[2, last]
        best = -1
        for m in range(boxes):
            dx = max(low[0, m] - x, x - high[0, m], np.float32(0.0))
            dy = max(low[1, m] - y, y - high[1, m], np.float32(0.0))
            dz = max(low[2, m] - z, z - high[2, m], np.float32(0.0))
            if np.float32(0.9999) * (dx * dx + dy * dy + dz * dz) < largest[m]:
                a, b = edges[m], edges[m + 1]
                looked += b - a
                largest[m], place[m] = _update(axes[:, a:b], distance[a:b], x, y, z)
                place[m] += a
            if (
                best < 0
                or largest[m] > largest[best]
                or (largest[m] == largest[best] and order[place[m]] < order[place[best]])
            ):
                best = m
        last = place[best]
    return sample, looked


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "nsz", "nnan"})
def _update(points: np.ndarray, distance: np.ndarray, x: float, y: float, z: float) -> tuple[float, int]:
    """Bring distances up to date with a new sample; the largest, and the first place where it stands."""
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
