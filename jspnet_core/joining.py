"""Join the clusters of neighbouring blocks by where they touch: one pass over the borders, no overlap needed.

BlockMerging (`jspnet_core.merging`) joins clusters by the points that two blocks share, and so pays for every border
with half a block more. Here a cluster also meets what lies within `REACH` of it in another block: two clusters of one
class are one instance where enough points of each touch the other, among those that touch the other's block at all.
No order of the blocks matters, and blocks may overlap or only adjoin.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.cells import squared
from jspnet_core.merging import modes
from jspnet_core.union_find import numbered, unite

REACH = 0.1
"""Metres within which points of two blocks touch: a few voxels, because a full block draws only a part of them."""

MIN_POINTS = 5
"""Points of either cluster that must touch the other."""

MIN_SHARE = 0.3
"""And their share of the cluster's points that touch the other's block."""

_AXIS_BITS = 21

# Public interface


def join_clusters(
    xyz: np.ndarray, index: np.ndarray, clusters: np.ndarray, labels: np.ndarray, reach: float = REACH
) -> np.ndarray:
    """Instances of the whole cloud from the clusters of B blocks of N points.

    xyz: (V, 3) float32, metres. index: (B, N) int32 into xyz. clusters: (B, N) int32, cluster of each point within
    its block, 0 to K - 1; -1: padding, ignored. labels: (B, N) uint8, class of each point. reach: metres.
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
        joined = connected(*_joints(_touches(xyz[point], block, segment, reach), block_of, label), len(joined))
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
    pair, points = np.unique(met[:, 0] * count + met[:, 1], return_counts=True)
    own, other = np.divmod(pair, count)
    border, border_points = np.unique(met_block[:, 0] * blocks + met_block[:, 1], return_counts=True)
    share = points / border_points[np.searchsorted(border, own * blocks + block_of[other])]
    back = np.searchsorted(pair, other * count + own)  # touching is mutual, so the pair is there
    enough = (points >= MIN_POINTS) & (share >= MIN_SHARE)
    one = enough & enough[back] & (label[own] == label[other]) & (own < other)
    return own[one], other[one]


def _touches(xyz: np.ndarray, block: np.ndarray, segment: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Which segments of other blocks lie within `reach` of each point, as rows (own segment, other segment), and which
    other blocks do, as rows (own segment, other block): two (E, 2) int64, one row per point and touch.

    xyz: (M, 3) float32; block, segment: (M,) int32.
    """
    cell = np.floor((xyz - xyz.min(axis=0)) / reach).astype(np.int64) + 1
    key = (cell[:, 0] << 2 * _AXIS_BITS) | (cell[:, 1] << _AXIS_BITS) | cell[:, 2]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    lowest, highest = (f.reduceat(block[order], starts) for f in (np.minimum, np.maximum))
    edges = np.append(starts, len(order))
    square = np.float32(reach * reach)
    return _search(xyz[order], block[order], segment[order], key[order][starts], edges, lowest, highest, square)


@njit(nogil=True, cache=True)
def _search(xyz, block, segment, keys, edges, lowest, highest, square):  # type: ignore[no-untyped-def]
    """Points in order of their cells; keys: (C,) ascending, of the cells; edges: (C + 1,) where each begins; lowest,
    highest: (C,) number of the blocks in it, so that the inside of a block is passed over row by row."""
    met, met_block = np.empty((1024, 2), np.int64), np.empty((1024, 2), np.int64)
    found, found_block = 0, 0
    near = np.empty((9, 4), np.int64)
    segments, blocks = np.full(segment.max() + 1, -1), np.full(block.max() + 1, -1)  # the last point that touched it
    for c in range(len(keys)):
        _rows_around(c, keys, edges, lowest, highest, near)
        if near[:, 2].min() == near[:, 3].max():
            continue
        for p in range(edges[c], edges[c + 1]):
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
def _rows_around(c, keys, edges, lowest, highest, near):  # type: ignore[no-untyped-def]
    """Write to near (9, 4) the points of the nine columns of three cells around cell `c`, which lie in a row, as begin
    and end, and the lowest and the highest block among them."""
    for row in range(9):
        middle = keys[c] + ((row // 3 - 1) << (2 * _AXIS_BITS)) + ((row % 3 - 1) << _AXIS_BITS)
        a, b = np.searchsorted(keys, middle - 1), np.searchsorted(keys, middle + 1, side="right")
        near[row] = edges[a], edges[b], np.iinfo(np.int32).max, -1
        for k in range(a, b):
            near[row, 2], near[row, 3] = min(near[row, 2], lowest[k]), max(near[row, 3], highest[k])


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
