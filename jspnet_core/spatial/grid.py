"""Uniform grid: points sorted by cell, for searches in a neighbourhood.

In the worst case, where all points share a cell, a search costs what looking at every pair costs.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numba import njit

_CELLS_PER_POINT = 4
"""Bound on the table of cells: where the cells asked for would be more, they are made larger."""

_MANY = 4000  # queries from which a second thread pays


class Grid(NamedTuple):
    """Points in the order of their cells, along z first.

    xyz: (n, 3) float32; order: (n,) int32, where each stood before, ascending within a cell; starts: (cells + 1,)
    int32, where each cell begins; low: (3,) float32, corner of the grid; edge: of a cell, metres; dims: (3,) int64.
    """

    xyz: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    low: np.ndarray
    edge: float
    dims: np.ndarray


# Public interface


@njit(nogil=True, cache=True)
def make_grid(xyz: np.ndarray, edge: float) -> Grid:
    """Sort points (n, 3) float32, n > 0, into cells of at least `edge` metres."""
    n = len(xyz)
    low, high = xyz[0].copy(), xyz[0].copy()
    for i in range(1, n):
        for axis in range(3):
            low[axis], high[axis] = min(low[axis], xyz[i, axis]), max(high[axis], xyz[i, axis])
    size = np.float64(max(high[0] - low[0], high[1] - low[1], high[2] - low[2]))
    edge = max(edge, 1e-3 * size, 1e-6)
    dims = _cells(low, high, edge)
    while dims[0] * dims[1] * dims[2] > _CELLS_PER_POINT * n + 64:
        edge *= 1.25
        dims = _cells(low, high, edge)
    cell = np.empty(n, np.int32)
    starts = np.zeros(dims[0] * dims[1] * dims[2] + 1, np.int32)
    for i in range(n):
        x, y, z = cell_of(xyz[i], low, edge, dims)
        cell[i] = (x * dims[1] + y) * dims[2] + z
        starts[cell[i] + 1] += 1
    for c in range(1, len(starts)):
        starts[c] += starts[c - 1]
    free = starts[:-1].copy()
    sorted_xyz, order = np.empty_like(xyz), np.empty(n, np.int32)
    for i in range(n):
        at = free[cell[i]]
        free[cell[i]] += 1
        sorted_xyz[at] = xyz[i]
        order[at] = i
    return Grid(sorted_xyz, order, starts, low, edge, dims)


@njit(nogil=True, cache=True)
def cell_of(point: np.ndarray, low: np.ndarray, edge: float, dims: np.ndarray) -> tuple[int, int, int]:
    """Cell of a point, of one outside the grid the nearest."""
    x, y, z = (point[0] - low[0]) / edge, (point[1] - low[1]) / edge, (point[2] - low[2]) / edge
    return (
        min(max(np.int64(x), 0), dims[0] - 1),
        min(max(np.int64(y), 0), dims[1] - 1),
        min(max(np.int64(z), 0), dims[2] - 1),
    )


@njit(nogil=True, cache=True)
def column(grid: Grid, a: int, b: int, z: int) -> tuple[int, int]:
    """Range of the points in a column's cells around z; cells along z are consecutive."""
    base = (a * grid.dims[1] + b) * grid.dims[2]
    return grid.starts[base + max(z - 1, 0)], grid.starts[base + min(z + 2, grid.dims[2])]


@njit(nogil=True, cache=True)
def squared(a: np.ndarray, b: np.ndarray) -> np.float32:
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return x * x + y * y + z * z


def nearest_within(xyz: np.ndarray, queries: np.ndarray, reach: float, executor: Executor | None = None) -> np.ndarray:
    """The nearest of n > 0 points to each query, within `reach` metres: (m,) int32, -1 for none.

    xyz: (n, 3), queries: (m, 3) float32, metres. Of several nearest the one of the lowest index. executor: takes half
    of the queries, where they are many.
    """
    grid = make_grid(xyz, 0.5 * reach)
    if executor is None or len(queries) < _MANY:
        return _nearest_of(grid, queries, reach)
    half = len(queries) // 2
    other = executor.submit(_nearest_of, grid, queries[half:], reach)
    return np.concatenate([_nearest_of(grid, queries[:half], reach), other.result()])


# Private


@njit(nogil=True, cache=True)
def _nearest_of(grid: Grid, queries: np.ndarray, reach: float) -> np.ndarray:
    nearest = np.full(len(queries), np.int32(-1))
    for i in range(len(queries)):
        for cells in (1, 2):  # the cells around hold all within half the reach, those around them the rest
            nearest[i], square = _nearest_around(grid, queries[i], cells, np.float32(reach * reach))
            if square <= np.float32(0.25 * reach * reach):
                break
    return nearest


@njit(nogil=True, cache=True)
def _nearest_around(grid: Grid, query: np.ndarray, cells: int, square: float) -> tuple[int, float]:
    """The nearest point in a query's cell and `cells` around it, not further than `square` m^2; and how far it is."""
    x = np.int64(np.floor((query[0] - grid.low[0]) / grid.edge))
    y = np.int64(np.floor((query[1] - grid.low[1]) / grid.edge))
    z = np.int64(np.floor((query[2] - grid.low[2]) / grid.edge))
    begin, end = min(max(z - cells, 0), grid.dims[2]), min(max(z + cells + 1, 0), grid.dims[2])
    nearest, least = np.int32(-1), np.float32(square)
    for i in range(2 * cells + 1):
        a = x + _outwards(i)
        across = _beyond(query[0] - grid.low[0], a, grid.edge)
        if not (0 <= a < grid.dims[0] and across <= least):
            continue
        for j in range(2 * cells + 1):
            b = y + _outwards(j)
            if not (0 <= b < grid.dims[1] and across + _beyond(query[1] - grid.low[1], b, grid.edge) <= least):
                continue
            base = (a * grid.dims[1] + b) * grid.dims[2]
            for p in range(grid.starts[base + begin], grid.starts[base + end]):
                d = squared(grid.xyz[p], query)
                if d < least or (d == least and (nearest < 0 or grid.order[p] < nearest)):
                    nearest, least = grid.order[p], d
    return nearest, least


@njit(nogil=True, cache=True)
def _outwards(i: int) -> int:
    """0, -1, 1, -2, 2, ..."""
    return (i + 1) // 2 * (-1 if i % 2 else 1)


@njit(nogil=True, cache=True)
def _beyond(coordinate: float, cell: int, edge: float) -> float:
    """A little less than the squared distance from a coordinate to a cell along one axis."""
    away = max(cell * edge - coordinate, coordinate - (cell + 1) * edge, 0.0)
    return 0.999 * away * away


@njit(nogil=True, cache=True)
def _cells(low: np.ndarray, high: np.ndarray, edge: float) -> np.ndarray:
    dims = np.empty(3, np.int64)
    for axis in range(3):
        dims[axis] = np.int64((high[axis] - low[axis]) / edge) + 1
    return dims
