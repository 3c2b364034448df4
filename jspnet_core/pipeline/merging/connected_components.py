"""Connected components of instances: two chairs of one cluster, with a gap between them, are two instances."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.spatial.grid import Grid, cell_of, make_grid, squared
from jspnet_core.spatial.union_find import numbered, root_of, unite


def split_at_gaps(xyz: np.ndarray, instance: np.ndarray, gap: float) -> np.ndarray:
    """Make every connected component of an instance an instance of its own.

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
    """Component of each point, over all pairs of points of a cell and of neighbouring cells.

    Most cells hold a single piece: two such cells are joined by the first near pair, or belong to one piece already.
    """
    parent, whole = np.arange(len(instance)), np.zeros(len(grid.starts) - 1, np.bool_)
    for cell in range(len(whole)):
        begin, end = grid.starts[cell], grid.starts[cell + 1]
        pieces = end - begin
        for p in range(begin, end):
            _meet(grid, instance, parent, square, p, p + 1, begin, p, False)
        for p in range(begin, end):
            pieces -= root_of(parent, grid.order[p]) == root_of(parent, grid.order[begin])
        whole[cell] = pieces == 0
    for cell in range(len(whole)):
        if grid.starts[cell] < grid.starts[cell + 1]:
            _meet_neighbors(grid, instance, parent, square, cell, whole)
    return numbered(parent)


@njit(nogil=True, cache=True)
def _meet_neighbors(grid, instance, parent, square, cell, whole):  # type: ignore[no-untyped-def]
    """Unite the points of a cell with those of the neighbours before it."""
    begin, end = grid.starts[cell], grid.starts[cell + 1]
    x, y, z = cell_of(grid.xyz[begin], grid.low, grid.edge, grid.dims)
    for a in range(max(x - 1, 0), x + 1):
        for b in range(max(y - 1, 0), min(y + 2, grid.dims[1])):
            for c in range(max(z - 1, 0), min(z + 2, grid.dims[2])):
                other = (a * grid.dims[1] + b) * grid.dims[2] + c
                if other < cell:
                    once = whole[cell] and whole[other]
                    _meet(grid, instance, parent, square, begin, end, grid.starts[other], grid.starts[other + 1], once)


@njit(nogil=True, cache=True)
def _meet(grid, instance, parent, square, begin, end, first, last, once):  # type: ignore[no-untyped-def]
    """Unite points of begin to end with those of first to last that they are connected with; once: one pair will do."""
    for p in range(begin, end):
        own = grid.order[p]
        for q in range(first, last):
            other = grid.order[q]
            if instance[other] != instance[own] or root_of(parent, own) == root_of(parent, other):
                if once:
                    return
                continue
            if squared(grid.xyz[p], grid.xyz[q]) <= square:
                unite(parent, own, other)
                if once:
                    return
