"""Blocks: columns of 1 m x 1 m on the ground plane, each a fixed number of points (paper, section 4.2).

`block_columns` is the one definition of the grid: for whole clouds here, in the paper's protocol
(`evaluation.paper_protocol`) and on the GPU (`cuda.blocks`). Training cuts single blocks around places of its own,
after a random rotation (`training.dataset`), and shares `sample_block` and `block_features`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Blocks:
    """B blocks of N points each.

    index: (B, N) int32 into the points they were cut from. The first `count[b]` entries of a row are different
        points in random order; the rest repeats some of them, because the network takes N points always.
    count: (B,) int32.
    left_out: blocks that the bound on their number left out.
    """

    index: np.ndarray
    count: np.ndarray
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.index)


def cut_blocks(
    points: np.ndarray,
    *,
    points_per_block: int,
    block_size: float,
    stride: float,
    min_points: int,
    rng: np.random.Generator,
    max_blocks: int = 0,
    sensor: np.ndarray | None = None,
) -> Blocks:
    """Cover the ground plane with overlapping blocks, from the smallest x and y on.

    points: (V, 3) float32, metres, z up. max_blocks: 0 for no bound, else the blocks nearest to `sensor` (2,) are
    kept. Columns with fewer than `min_points` points are left out.
    """
    members, _ = block_columns(points, block_size, stride, min_points)
    left_out = 0
    if max_blocks and len(members) > max_blocks:
        target = points[:, :2].mean(axis=0) if sensor is None else sensor
        middles = np.array([points[m, :2].mean(axis=0) for m in members])
        nearest = np.argsort(np.square(middles - target).sum(axis=1), kind="stable")[:max_blocks]
        left_out = len(members) - max_blocks
        members = [members[i] for i in np.sort(nearest)]
    index = np.empty((len(members), points_per_block), np.int32)
    for row, member in zip(index, members, strict=True):
        row[:] = sample_block(member, points_per_block, rng)
    count = np.array([min(len(m), points_per_block) for m in members], np.int32)
    return Blocks(index, count, left_out)


def block_columns(
    points: np.ndarray, size: float, stride: float, min_points: int, low: np.ndarray | None = None
) -> tuple[list[np.ndarray], np.ndarray]:
    """Columns of the ground plane that hold at least `min_points` points, by x and then y.

    A column is a square of edge `size`, closed on all sides; neighbours begin `stride` apart, the first at `low` (2,).
    points: (V, 3) float32. low: None: the smallest coordinates. Returns the indices of each column's points, ascending,
    and its place in the grid, (B, 2) int64.
    """
    lowest, high = extent(points)
    low = lowest[:2] if low is None else low
    counts = np.ceil(np.maximum(high[:2] - low - size, 0.0) / stride).astype(int) + 1
    everything = np.arange(len(points), dtype=np.int32)
    strips, starts = _windows(points[:, 0], everything, low[0], counts[0], size, stride)
    members, places = [], []
    for x in np.flatnonzero(np.diff(starts) >= min_points):  # a stray point far away adds no work
        inside, begins = _windows(points[:, 1], strips[starts[x] : starts[x + 1]], low[1], counts[1], size, stride)
        filled = np.flatnonzero(np.diff(begins) >= min_points)
        members += [inside[begins[y] : begins[y + 1]] for y in filled]
        places += [(x, y) for y in filled]
    return members, np.array(places, np.int64).reshape(-1, 2)


def sample_block(member: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `count` of the given indices in random order, without replacement where there are enough."""
    order = rng.permutation(member)
    if len(order) >= count:
        return order[:count]
    return np.concatenate([order, rng.choice(order, count - len(order))])


def network_sizes(count: np.ndarray, smallest: int, largest: int) -> np.ndarray:
    """Points of each block that go through the network, without most of its padding: the least of 13 sizes that fits.

    Few sizes, because engines prepare each size when it first occurs. count: (B,) points of each block, at most
    `largest`. smallest: fewest points that the network takes. Returns (B,).
    """
    sizes = np.unique(np.linspace(smallest, largest, 13).round().astype(int))
    return sizes[np.searchsorted(sizes, count)]


def batches(sizes: np.ndarray, most: int) -> Iterator[np.ndarray]:
    """Rows (b,) of all blocks, at most `most` at a time; large ones first, so that threads end together."""
    order = np.argsort(-sizes, kind="stable")
    for begin in range(0, len(order), most):
        yield order[begin : begin + most]


@njit(nogil=True, cache=True)
def _windows(
    values: np.ndarray, chosen: np.ndarray, low: float, count: int, size: float, stride: float
) -> tuple[np.ndarray, np.ndarray]:
    """Sort values into `count` closed windows of width `size` that begin at `low`, `low + stride`, and so on.

    chosen: (m,) int32 into `values`, ascending. Returns members (k,) int32, window after window, ascending in each, and
    starts (count + 1,) of the windows among them.
    """
    starts = np.zeros(count + 1, np.int64)
    for i in chosen:
        first, end = _windows_around(values[i], low, count, size, stride)
        for w in range(first, end):
            starts[w + 1] += 1
    for w in range(count):
        starts[w + 1] += starts[w]
    members, free = np.empty(starts[-1], np.int32), starts[:-1].copy()
    for i in chosen:
        first, end = _windows_around(values[i], low, count, size, stride)
        for w in range(first, end):
            members[free[w]] = i
            free[w] += 1
    return members, starts


@njit(nogil=True, cache=True)
def _windows_around(value: float, low: float, count: int, size: float, stride: float) -> tuple[int, int]:
    """First window that contains a value, and the one after the last; estimated by division, compared exactly."""
    first = max(np.int64((value - low - size) / stride) - 1, 0)
    while first < count and low + stride * first + size < value:
        first += 1
    end = first
    while end < count and low + stride * end <= value:
        end += 1
    return first, end


def block_features(
    points: np.ndarray,
    colors: np.ndarray | None,
    index: np.ndarray,
    *,
    color: bool,
    block_size: float,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Input features of the network (paper, section 4.2): (B, N, 9) float32, or 6 channels without colour.

    points: (V, 3) float32, metres, z up, floor at 0. colors: (V, 3) uint8 or None, which reads as black, the way
    training drops colour. index: (B, N). bounds: the cloud's `extent`, for callers that come with few blocks at a time.
    Channels: x and y from the middle of the block's own extent start, z above the floor; red, green, blue 0..1;
    x, y, z as a share of the whole cloud's extent, 0..1.
    """
    low, high = bounds or extent(points)
    span = np.maximum(high - np.array([low[0], low[1], 0.0], low.dtype), 1e-3)  # of bare floor, z is noise around 0
    channels = (3 if color else 0) + 6
    features = np.zeros((*index.shape, channels), np.float32)
    seen = np.empty((0, 3), np.uint8) if colors is None or not color else colors
    _fill_features(features, np.asarray(points, np.float32), seen, index, np.float32(0.5 * block_size), low, span)
    return features


@njit(nogil=True, cache=True)
def _fill_features(
    features: np.ndarray,
    points: np.ndarray,
    colors: np.ndarray,
    index: np.ndarray,
    half: float,
    low: np.ndarray,
    span: np.ndarray,
) -> None:
    room = features.shape[2] - 3  # the first channel of the share of the cloud's extent
    for b in range(len(index)):
        x, y = points[index[b, 0], 0], points[index[b, 0], 1]
        for p in index[b]:
            x, y = min(x, points[p, 0]), min(y, points[p, 1])
        middle, corner = (x + half, y + half, np.float32(0.0)), (low[0], low[1], np.float32(0.0))
        for i in range(index.shape[1]):
            p = index[b, i]
            for axis in range(3):
                features[b, i, axis] = points[p, axis] - middle[axis]
                share = (points[p, axis] - corner[axis]) / span[axis]
                features[b, i, room + axis] = min(max(share, np.float32(0.0)), np.float32(1.0))
            if len(colors):
                for channel in range(3):
                    features[b, i, 3 + channel] = np.float32(colors[p, channel]) / np.float32(255.0)


@njit(nogil=True, cache=True)
def extent(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest coordinates: points (V, 3) float32, V > 0. Returns two (3,) float32."""
    low, high = points[0].copy(), points[0].copy()
    for i in range(len(points)):
        for axis in range(3):
            low[axis] = min(low[axis], points[i, axis])
            high[axis] = max(high[axis], points[i, axis])
    return low, high
