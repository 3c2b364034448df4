"""Compiled inner loops of `mean_shift`.

They stay in one file: numba's disk cache does not see changes of a callee in another file.
Views of rows are taken before a loop, and arrays are in C order, because only then the loop uses vector units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

MAX_STEPS = 300
"""Steps of one seed at most, as in scikit-learn."""

MAX_STEPS_IN_ALL = 40_000
"""Steps of all seeds of a block at most, fullest bins first: some 0.3 s. Only shapeless embeddings get near it."""

CONVERGED = 1e-3
"""A seed has converged when a step is no longer than this share of the bandwidth, as in scikit-learn."""

# Sums may be reordered, which vector units need. Infinities stay legal: far points overflow when squared.
_FASTMATH = {"reassoc", "contract", "nsz"}


class Boxes(NamedTuple):
    """N points, axis by axis so that vector units can be used, in M boxes.

    points: (D, N); keys: (N,) uint64, a random number per point, whose sum over a set tells the set from others.
    edges: (M + 1,) int64, where the boxes begin and end; lower, upper: (D, M), their tight bounds.
    totals: (D, M), sums of the points; key_totals: (M,) uint64, of the keys.
    """

    points: np.ndarray
    keys: np.ndarray
    edges: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    totals: np.ndarray
    key_totals: np.ndarray


# Public interface


@njit(nogil=True, cache=True)
def occupied_bins(bins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows of bins (N, D) int64: index of the first occurrence, (S,) int64, and number of them, (S,) int64."""
    count, dims = bins.shape
    slots = 16
    while slots < 2 * count:
        slots *= 2
    table = np.full(slots, -1)  # open addressing: slot -> distinct row
    first, population = np.empty(count, np.int64), np.zeros(count, np.int64)
    found = 0
    for i in range(count):
        key = np.uint64(0)
        for d in range(dims):
            key = (key ^ np.uint64(bins[i, d])) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(32)
        slot = np.int64(key & np.uint64(slots - 1))
        while table[slot] >= 0 and not _same(bins[first[table[slot]]], bins[i]):
            slot = (slot + 1) & (slots - 1)
        if table[slot] < 0:
            table[slot] = found
            first[found] = i
            found += 1
        population[table[slot]] += 1
    return first[:found], population[:found]


@njit(nogil=True, cache=True)
def seek_modes(boxes: Boxes, seeds: np.ndarray, bandwidth: float) -> tuple[np.ndarray, np.ndarray, int]:
    """Move every seed (S, D) to the mean of the points around it until convergence.

    Returns the modes (M, D) that were reached, how many points the ball at each holds, (M,) int64, and the steps of all
    seeds together, fewer than `MAX_STEPS_IN_ALL` + `MAX_STEPS`, unless the first seeds reach nothing.
    """
    count, dims = seeds.shape
    modes, counts = np.empty_like(seeds), np.empty(count, np.int64)
    work = (np.empty((2, boxes.lower.shape[1]), seeds.dtype), np.empty(boxes.points.shape[1], seeds.dtype))
    slots = 1024
    while slots < 8 * count:
        slots *= 2
    visited, visitor = np.zeros(slots, np.uint64), np.empty(slots, np.int64)  # open addressing: set's key -> seed
    free = slots // 2
    found, steps = 0, 0
    mean = np.empty(dims, seeds.dtype)
    limit = seeds.dtype.type(bandwidth * bandwidth)
    for s in range(count):
        here = seeds[s].copy()
        for step in range(MAX_STEPS + 1):
            within, key = _ball_mean(boxes, here, limit, work, mean)
            steps += 1
            slot = np.int64(key & np.uint64(slots - 1))
            while visited[slot] != key and visited[slot] != 0:
                slot = (slot + 1) & (slots - 1)
            if within == 0 or (visited[slot] == key and visitor[slot] != s):
                break
            if visited[slot] == 0 and free:
                visited[slot], visitor[slot] = key, s
                free -= 1
            moved = 0.0
            for d in range(dims):
                moved += (mean[d] - here[d]) ** 2
                here[d] = mean[d]
            if moved <= (CONVERGED * bandwidth) ** 2 or step == MAX_STEPS:
                modes[found], counts[found] = here, within
                found += 1
                break
        if steps >= MAX_STEPS_IN_ALL and found:
            break
    return modes[:found], counts[:found], steps


@njit(nogil=True, cache=True)
def without_duplicates(modes: np.ndarray, bandwidth: float) -> np.ndarray:
    """Drop modes within the bandwidth of a stronger one. modes: (M, D), strongest first. Returns (K, D)."""
    count = len(modes)
    kept = np.empty((modes.shape[1], count), modes.dtype)
    distances = np.empty(count, modes.dtype)
    found = 0
    for m in range(count):
        _squared_distances(kept, 0, found, modes[m], distances[:found])
        if found == 0 or distances[:found].min() > bandwidth * bandwidth:
            kept[:, found] = modes[m]
            found += 1
    return kept[:, :found].T.copy()


@njit(nogil=True, cache=True, fastmath=_FASTMATH)
def nearest(boxes: Boxes, centers: np.ndarray) -> np.ndarray:
    """The nearest of the centers (K, D) to each of the boxes' points. Returns (N,) int64."""
    size, count = boxes.points.shape[1], len(centers)
    bounds = np.empty((count, 2, boxes.lower.shape[1]), centers.dtype)
    for k in range(count):
        _reach(boxes, centers[k], bounds[k])
    found, best = np.zeros(size, np.int64), np.full(size, np.inf, centers.dtype)
    distances = np.empty(size, centers.dtype)
    for box in range(bounds.shape[2]):
        a, b = boxes.edges[box], boxes.edges[box + 1]
        front, best_here, found_here = distances[a:b], best[a:b], found[a:b]
        enough = bounds[:, 1, box].min()  # some center is at least this near to every point of the box
        for k in range(count):
            if bounds[k, 0, box] > enough:
                continue
            _squared_distances(boxes.points, a, b, centers[k], front)
            for i in range(len(front)):
                closer = front[i] < best_here[i]
                best_here[i] = front[i] if closer else best_here[i]
                found_here[i] = k if closer else found_here[i]
    return found


# Private


@njit(nogil=True, cache=True)
def _same(a: np.ndarray, b: np.ndarray) -> bool:
    for d in range(len(a)):  # noqa: SIM110 (numba compiles no generator into all())
        if a[d] != b[d]:
            return False
    return True


@njit(nogil=True, cache=True, fastmath=_FASTMATH)
def _ball_mean(
    boxes: Boxes, center: np.ndarray, limit: float, work: tuple[np.ndarray, np.ndarray], mean: np.ndarray
) -> tuple[int, np.uint64]:
    """Write the mean (D,) of the points within a squared distance `limit` of `center` to `mean`.

    work: (2, M) and (N,), written to. Returns how many points there are and their set's key.
    """
    bounds, distances = work
    _reach(boxes, center, bounds)
    count, key, zero = 0, np.uint64(0), center.dtype.type(0)
    for d in range(len(mean)):
        mean[d] = zero
    for box in range(bounds.shape[1]):
        if bounds[0, box] > limit:
            continue
        a, b = boxes.edges[box], boxes.edges[box + 1]
        if bounds[1, box] <= limit:
            count += b - a
            key += boxes.key_totals[box]
            for d in range(len(center)):
                mean[d] += boxes.totals[d, box]
            continue
        front, keys = distances[: b - a], boxes.keys[a:b]
        _squared_distances(boxes.points, a, b, center, front)
        for i in range(len(front)):
            if front[i] <= limit:
                count += 1
                key += keys[i]
        for d in range(len(center)):
            mean[d] += _sum_within(boxes.points[d, a:b], front, limit)
    for d in range(len(mean)):
        mean[d] /= max(count, 1)
    return count, key


@njit(nogil=True, cache=True, fastmath=_FASTMATH)
def _sum_within(row: np.ndarray, distances: np.ndarray, limit: float) -> float:
    """Sum of the values in `row` (N,) whose squared distance (N,) is at most `limit`."""
    zero = row.dtype.type(0)
    total = zero
    for i in range(len(row)):
        total += row[i] if distances[i] <= limit else zero
    return total


@njit(nogil=True, cache=True, fastmath=_FASTMATH)
def _reach(boxes: Boxes, center: np.ndarray, bounds: np.ndarray) -> None:
    """Squared distances from `center` to the nearest (row 0) and the farthest (row 1) place of every box, (2, M)."""
    near, far, zero = bounds[0], bounds[1], center.dtype.type(0)
    for box in range(len(near)):
        near[box] = far[box] = zero
    for d in range(len(center)):
        lower, upper, place = boxes.lower[d], boxes.upper[d], center[d]
        for box in range(len(near)):
            below, above = lower[box] - place, place - upper[box]
            outside = below if below > above else above
            outside = outside if outside > zero else zero
            inside = below if below < above else above
            near[box] += outside * outside
            far[box] += inside * inside


@njit(nogil=True, cache=True, fastmath=_FASTMATH)
def _squared_distances(points: np.ndarray, a: int, b: int, center: np.ndarray, out: np.ndarray) -> None:
    """Squared distances from `center` (D,) to points[:, a:b] of (D, N), written to `out` (b - a,)."""
    for i in range(len(out)):
        out[i] = 0
    for d in range(len(center)):
        row, place = points[d, a:b], center[d]  # points[:, a:b][d] would not be known to be contiguous
        for i in range(len(out)):
            difference = row[i] - place
            out[i] += difference * difference
