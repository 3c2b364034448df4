"""Merge clusters of neighbouring blocks by contact: one pass over the borders, no overlap needed.

BlockMerging (`block_merging`) joins clusters by the points that two blocks share, and so needs half a block of overlap
at every border. Here points within `CONTACT_REACH` of each other in two blocks touch: two clusters of one class are one
instance where enough points of each touch the other, as a share of those that touch the other's block at all. The
order of the blocks does not matter, and blocks may overlap or only adjoin.
"""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial

import numpy as np
from numba import njit

from jspnet_core.pipeline.merging.block_merging import modes
from jspnet_core.spatial.grid import Grid, cell_of, column, make_grid, squared
from jspnet_core.spatial.union_find import numbered, unite

CONTACT_REACH = 0.1
"""Metres within which points of two blocks touch: a few voxels, because a full block draws only a part of them."""

MIN_CONTACT_POINTS = 5
"""Points of either cluster that must touch the other."""

MIN_CONTACT_SHARE = 0.3
"""Least share of the cluster's points that touch the other's block which must touch the other cluster."""

# Public interface


def join_clusters(
    xyz: np.ndarray,
    index: np.ndarray,
    clusters: np.ndarray,
    labels: np.ndarray,
    reach: float = CONTACT_REACH,
    executor: Executor | None = None,
) -> np.ndarray:
    """Merge the clusters of B blocks of N points to instances of the whole cloud.

    xyz: (V, 3) float32, metres. index: (B, N) int32 into xyz. clusters: (B, N) int32, cluster of each point within
    its block, 0 to K - 1; -1: padding, ignored. labels: (B, N) uint8, class of each point. reach: metres.
    executor: runs half of the search.
    Returns (V,) int32: instance of each point of the cloud, 0 and up, -1 where no block drew it. A point that several
    blocks drew is in the instance of its cluster in the first of them.
    Raises ValueError for arrays of unlike shapes.
    """
    if index.ndim != 2 or not index.shape == clusters.shape == labels.shape:
        raise ValueError(
            f"index, clusters and labels must be (B, N), found {index.shape}, {clusters.shape} and {labels.shape}"
        )
    instance = np.full(len(xyz), -1, np.int32)
    used = clusters >= 0
    if not used.any():
        return instance
    count = clusters.max(axis=1) + 1  # of each block
    first = np.cumsum(count) - count
    block = np.repeat(np.arange(len(index), dtype=np.int32), used.sum(axis=1))  # (M,), and below
    point, segment = index[used], (clusters + first[:, None])[used].astype(np.int32)
    joined = np.arange(int(count.sum()), dtype=np.int32)
    if len(index) > 1:
        label = modes(segment, labels[used], len(joined))
        block_of = np.repeat(np.arange(len(index)), count)
        touches = _touches(xyz[point], block, segment, reach, executor)
        joined = connected(*_joints(touches, block_of, label), len(joined))
    instance[point[::-1]] = joined[segment[::-1]]  # backwards: the first block's cluster stays
    return instance


def connected(a: np.ndarray, b: np.ndarray, count: int) -> np.ndarray:
    """Number the connected components of `count` nodes with edges a[i] - b[i]: (count,) int32, in order of their
    lowest node."""
    return _components(np.asarray(a, np.int64), np.asarray(b, np.int64), count)


# Private


def _joints(
    touches: tuple[np.ndarray, np.ndarray], block_of: np.ndarray, label: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of segments that are one instance.

    touches: see `_touches`. block_of, label: (S,), block and class of each segment.
    """
    met, met_block = touches
    count, blocks = len(label), int(block_of.max()) + 1
    pair, points = _counted(met[:, 0] * count + met[:, 1])
    own, other = np.divmod(pair, count)
    border, border_points = _counted(met_block[:, 0] * blocks + met_block[:, 1])
    share = points / border_points[np.searchsorted(border, own * blocks + block_of[other])]
    back = np.searchsorted(pair, other * count + own)  # touching is mutual, so the pair is there
    enough = (points >= MIN_CONTACT_POINTS) & (share >= MIN_CONTACT_SHARE)
    one = enough & enough[back] & (label[own] == label[other]) & (own < other)
    return own[one], other[one]


def _counted(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different keys (E,) int64, 0 and up, ascending, and how often each occurs; without sorting where it can."""
    if len(keys) == 0 or keys.max() > 16 * len(keys):
        return np.unique(keys, return_counts=True)
    times = np.bincount(keys)
    different = np.flatnonzero(times)
    return different, times[different]


def _touches(
    xyz: np.ndarray, block: np.ndarray, segment: np.ndarray, reach: float, executor: Executor | None
) -> tuple[np.ndarray, np.ndarray]:
    """Segments of other blocks within `reach` of each point, as rows (own segment, other segment), and those
    blocks, as rows (own segment, other block): two (E, 2) int64, one row per point and touch.

    xyz: (M, 3) float32; block, segment: (M,) int32.
    """
    grid = make_grid(np.ascontiguousarray(xyz, np.float32), reach)
    block, segment = block[grid.order], segment[grid.order]
    search = partial(_search, grid, block, segment, *_blocks_of_cells(grid, block), np.float32(reach * reach))
    if executor is None:
        return search(0, len(xyz))
    half = int(grid.starts[np.searchsorted(grid.starts, len(xyz) // 2)])  # where a cell begins
    other = executor.submit(search, half, len(xyz))
    met, met_block = (np.concatenate(halves) for halves in zip(search(0, half), other.result(), strict=True))
    return met, met_block


@njit(nogil=True, cache=True)
def _blocks_of_cells(grid: Grid, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest block among the points of each cell, (cells,) int32. block: (M,), in their order."""
    lowest = np.full(len(grid.starts) - 1, np.iinfo(np.int32).max, np.int32)
    highest = np.full(len(grid.starts) - 1, np.int32(-1))
    for cell in range(len(lowest)):
        for p in range(grid.starts[cell], grid.starts[cell + 1]):
            lowest[cell], highest[cell] = min(lowest[cell], block[p]), max(highest[cell], block[p])
    return lowest, highest


@njit(nogil=True, cache=True)
def _search(grid, block, segment, lowest, highest, square, first, last):  # type: ignore[no-untyped-def]
    """Find the segments and blocks that the points from `first`, where a cell begins, to before `last` touch.

    block, segment: (M,), in the order of the grid's points; lowest, highest: blocks in each cell, so that the
    inside of a block is skipped column by column.
    """
    met, met_block = np.empty((1024, 2), np.int64), np.empty((1024, 2), np.int64)
    found, found_block, xyz = 0, 0, grid.xyz
    near = np.empty((9, 4), np.int64)
    segments, blocks = np.full(segment.max() + 1, -1), np.full(block.max() + 1, -1)  # the last point that touched it
    end = first
    while end < last:
        begin, end = end, _columns_around(grid, end, lowest, highest, near)
        if near[:, 2].min() == near[:, 3].max():
            continue
        for p in range(begin, end):
            for row in range(9):
                if near[row, 2] == near[row, 3] == block[p]:
                    continue
                for q in range(near[row, 0], near[row, 1]):
                    if block[q] == block[p] or segments[segment[q]] == p or squared(xyz[p], xyz[q]) > square:
                        continue
                    segments[segment[q]] = p
                    met, found = _append(met, found, segment[p], segment[q])
                    if blocks[block[q]] != p:
                        blocks[block[q]] = p
                        met_block, found_block = _append(met_block, found_block, segment[p], block[q])
    return met[:found], met_block[:found_block]


@njit(nogil=True, cache=True)
def _columns_around(grid, p, lowest, highest, near):  # type: ignore[no-untyped-def]
    """Write to near (9, 4) the points of the columns of three cells around the cell of point `p`, as begin and end, and
    the lowest and the highest block among them. Returns where that cell ends."""
    x, y, z = cell_of(grid.xyz[p], grid.low, grid.edge, grid.dims)
    for row in range(9):
        a, b = x + row // 3 - 1, y + row % 3 - 1
        near[row] = 0, 0, np.iinfo(np.int32).max, -1
        if not (0 <= a < grid.dims[0] and 0 <= b < grid.dims[1]):
            continue
        near[row, 0], near[row, 1] = column(grid, a, b, z)
        base = (a * grid.dims[1] + b) * grid.dims[2]
        for cell in range(base + max(z - 1, 0), base + min(z + 2, grid.dims[2])):
            near[row, 2], near[row, 3] = min(near[row, 2], lowest[cell]), max(near[row, 3], highest[cell])
    return grid.starts[(x * grid.dims[1] + y) * grid.dims[2] + z + 1]


@njit(nogil=True, cache=True)
def _components(a, b, count):  # type: ignore[no-untyped-def]
    parent = np.arange(count)
    for i in range(len(a)):
        unite(parent, a[i], b[i])
    return numbered(parent)


@njit(nogil=True, cache=True)
def _append(rows, count, a, b):  # type: ignore[no-untyped-def]
    """Write a row behind the first `count` of rows (M, 2), which grows when full. Returns rows and their count."""
    if count == len(rows):
        rows = np.concatenate((rows, np.empty_like(rows)))
    rows[count] = a, b
    return rows, count + 1
