"""Instances that are no connected thing fall apart: two chairs of one cluster, with a gap between them."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.cells import Grid, cell_of, column, make_grid, squared
from jspnet_core.union_find import numbered, root_of, unite


def split_at_gaps(xyz: np.ndarray, instance: np.ndarray, gap: float) -> np.ndarray:
    """Make every connected piece of an instance an instance of its own.

    Two points are connected where they lie within `gap` metres, or a chain of such points of their instance leads from
    one to the other. xyz: (V, 3) float32, metres. instance: (V,) int32, 0 and up, -1 for none.
    Returns (V,) int32, numbered in the order of each piece's first point, -1 for none.
    """
    used = np.flatnonzero(instance >= 0)
    pieces = np.full(len(instance), -1, np.int32)
    if len(used):
        points = np.ascontiguousarray(xyz[used], np.float32)
        pieces[used] = _pieces(make_grid(points, gap), instance[used], np.float32(gap * gap))
    return pieces


@njit(nogil=True, cache=True)
def _pieces(grid: Grid, instance: np.ndarray, square: float) -> np.ndarray:
    """Number of each point's piece, over all pairs of points in neighbouring cells."""
    parent = np.arange(len(instance))
    for p in range(len(instance)):
        own = grid.order[p]
        x, y, z = cell_of(grid.xyz[p], grid.low, grid.edge, grid.dims)
        for a in range(max(x - 1, 0), x + 1):  # each pair once: what comes before this point in the order of the cells
            for b in range(max(y - 1, 0), min(y + 2, grid.dims[1])):
                begin, end = column(grid, a, b, z)
                for q in range(begin, min(end, p)):
                    other = grid.order[q]
                    if instance[other] != instance[own] or root_of(parent, own) == root_of(parent, other):
                        continue
                    if squared(grid.xyz[p], grid.xyz[q]) <= square:
                        unite(parent, own, other)
    return numbered(parent)
