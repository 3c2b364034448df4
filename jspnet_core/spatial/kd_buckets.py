"""KD buckets: points sorted into boxes of a few dozen to a few hundred, for AABB pruning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


class BoxedPoints(NamedTuple):
    """N points, axis by axis for vectorised (SIMD) loops, and their M boxes.

    axes: (3, N) float32, in the points' own order; order: (N,) int64, box after box, ascending within a box;
    edges: (M + 1,) int64, where the boxes begin and end in it.
    """

    axes: np.ndarray
    order: np.ndarray
    edges: np.ndarray


def boxed(xyz: np.ndarray, most: int) -> BoxedPoints:
    """Sort points (N, 3) into boxes of at most `most` points, or of copies of one."""
    axes = np.ascontiguousarray(xyz.T, np.float32)
    order, edges = split(axes, most)
    _sort_within(order, edges)
    return BoxedPoints(axes, order, edges)


@njit(nogil=True, cache=True)
def split(points: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Halve the widest side of every box until at most `most` points, or copies of one, are left.

    points: (D, N). Returns order (N,) and edges (M + 1,) int64: box m holds the points order[edges[m]:edges[m + 1]].
    """
    count = points.shape[1]
    order = np.arange(count)
    edges = np.zeros(count + 1, np.int64)
    stops = np.empty(count + 1, np.int64)  # of the boxes that wait, the first box on top
    stops[0] = count
    a, boxes, waiting = 0, 0, 1
    while waiting:
        b = stops[waiting - 1]
        axis, low, high = _widest(points, order, a, b)
        if b - a <= most or low == high:
            waiting -= 1
            boxes += 1
            edges[boxes] = b
            a = b
        else:
            stops[waiting] = _partition(points[axis], order, a, b, low, high)
            waiting += 1
    return order, edges[: boxes + 1].copy()


@njit(nogil=True, cache=True)
def range_of(coordinates: np.ndarray, chosen: np.ndarray) -> tuple[float, float]:
    """The lowest and the highest of coordinates[chosen], which are at least one."""
    low = high = coordinates[chosen[0]]
    for i in chosen:
        low, high = min(low, coordinates[i]), max(high, coordinates[i])
    return low, high


@njit(nogil=True, cache=True)
def _widest(points: np.ndarray, order: np.ndarray, a: int, b: int) -> tuple[int, float, float]:
    """The axis along which the points order[a:b] extend farthest, and their range there."""
    axis, lowest, highest = -1, 0.0, 0.0
    for d in range(points.shape[0]):
        low, high = range_of(points[d], order[a:b])
        if axis < 0 or high - low > highest - lowest:
            axis, lowest, highest = d, low, high
    return axis, lowest, highest


@njit(nogil=True, cache=True)
def _partition(row: np.ndarray, order: np.ndarray, a: int, b: int, low: float, high: float) -> int:
    """Bring the lower half of the range to the front of order[a:b]. Returns where the upper half begins."""
    middle = low + 0.5 * (high - low)
    if middle >= high:  # neighbouring floats
        middle = low
    for i in range(a, b):  # without a branch, which could not be predicted
        own = order[i]
        order[i] = order[a]
        order[a] = own
        a += row[own] <= middle
    return a


@njit(nogil=True, cache=True)
def _sort_within(order: np.ndarray, edges: np.ndarray) -> None:
    """Bring the numbers 0 to N - 1 that each box holds into ascending order."""
    box = np.empty(len(order), np.int64)
    for m in range(len(edges) - 1):
        for i in order[edges[m] : edges[m + 1]]:
            box[i] = m
    free = edges[:-1].copy()
    for i in range(len(order)):
        order[free[box[i]]] = i
        free[box[i]] += 1
