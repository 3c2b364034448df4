"""Mean shift on the embeddings of one block: a cluster is a part of an instance (step 3 of inference in the paper).

The clusters are those of scikit-learn's `MeanShift(bandwidth, bin_seeding=True)`, which the reference uses: a flat
kernel, one seed per occupied bin, near-duplicate modes removed, every point given to its nearest mode. Two things
make it fast: AABB pruning (points are sorted into boxes; a box outside a ball is skipped, one inside it is added as a
whole), and an early stop (a seed that reaches a set of points which an earlier seed has reached ends in the same mode).
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from jspnet_core.pipeline.mean_shift_kernels import Boxes, nearest, occupied_bins, seek_modes, without_duplicates
from jspnet_core.spatial.kd_buckets import split
from jspnet_core.util.threads import parallel_map

_BOX_POINTS = 256
_SURELY = 0.999  # of the bandwidth: whatever is rounded, so near are near enough

# Public interface


def mean_shift(embeddings: np.ndarray, bandwidth: float = 0.6) -> np.ndarray:
    """Cluster the embeddings of one block.

    embeddings: (N, D) float32, finite.
    bandwidth: radius of the flat kernel, Euclidean, in units of the embedding.
    Returns (N,) int32: the cluster of each point, 0 to K - 1 in order of decreasing size.
    Raises ValueError for another shape, values that are not finite, or a bandwidth that is not positive.
    """
    return labels_and_steps(embeddings, bandwidth)[0]


def labels_and_steps(embeddings: np.ndarray, bandwidth: float = 0.6) -> tuple[np.ndarray, int]:
    """Cluster as `mean_shift` does. Also returns the number of steps, a measure of the work."""
    _check(embeddings, 2, "(N, D)", bandwidth)
    return _cluster(embeddings, bandwidth)


def mean_shift_blocks(
    embeddings: np.ndarray, counts: np.ndarray, bandwidth: float = 0.6, executor: Executor | None = None
) -> np.ndarray:
    """Cluster every block on its own.

    embeddings: (B, N, D) float32, finite; the first counts[b] rows of block b are points, the others padding.
    counts: (B,) integers, 0 to N.
    executor: cluster blocks in parallel.
    Returns (B, N) int32: as `mean_shift` for each block, -1 at the padding.
    Raises ValueError as `mean_shift`, and for counts of another shape or out of 0 to N.
    """
    _check(embeddings, 3, "(B, N, D)", bandwidth)
    counts = np.asarray(counts)
    blocks, size = embeddings.shape[:2]
    if counts.shape != (blocks,) or ((counts < 0) | (counts > size)).any():
        raise ValueError(f"counts must be ({blocks},) integers from 0 to {size}, found {counts.shape}: {counts}")
    clusters = np.full((blocks, size), -1, np.int32)

    def cluster_block(b: int) -> None:
        clusters[b, : counts[b]] = _cluster(embeddings[b, : counts[b]], bandwidth)[0]

    # Threads, not numba's prange: its threading layer may not be entered from two Python threads at once.
    parallel_map(cluster_block, range(blocks), executor)
    return clusters


# Private


def _check(embeddings: np.ndarray, ndim: int, shape: str, bandwidth: float) -> None:
    if embeddings.ndim != ndim or embeddings.shape[-1] == 0:
        raise ValueError(f"embeddings must be {shape}, found {embeddings.shape}")
    if not np.isfinite(embeddings).all():
        finite = np.isfinite(embeddings).all(axis=-1)
        raise ValueError(f"embeddings must be finite, found NaN or Inf at {(~finite).sum()} of {finite.size} points")
    if not 0.0 < bandwidth < np.inf:
        raise ValueError(f"bandwidth must be a positive number, found {bandwidth}")


def _cluster(embeddings: np.ndarray, bandwidth: float) -> tuple[np.ndarray, int]:
    if len(embeddings) == 0:
        return np.empty(0, np.int32), 0
    extent = embeddings.max(axis=0).astype(np.float64) - embeddings.min(axis=0)  # (D,)
    if np.linalg.norm(extent) < _SURELY * bandwidth:
        return np.zeros(len(embeddings), np.int32), 0  # each ball holds all: every seed ends at the mean of all
    # Single precision is twice as fast; embeddings spread so wide that its sums would be coarse take double.
    single = np.abs(embeddings).max() < 1e3 * bandwidth
    points = embeddings.astype(np.float32 if single else np.float64)
    order, boxes = _sort_into_boxes(np.ascontiguousarray(points.T))
    modes, counts, steps = seek_modes(boxes, _bin_seeds(points, bandwidth), bandwidth)
    if len(modes) == 0:  # every point lies in the far corner of its bin, out of reach of all seeds
        modes, counts, more = seek_modes(boxes, points, bandwidth)
        steps += more
    strongest_first = np.lexsort((*modes.T[::-1], counts))[::-1]
    centers = without_duplicates(modes[strongest_first], bandwidth)
    labels = np.empty(len(points), np.int64)
    labels[order] = nearest(boxes, centers)
    return _rank_by_size(labels, len(centers)), steps


def _sort_into_boxes(points: np.ndarray) -> tuple[np.ndarray, Boxes]:
    """points: (D, N). Returns the points' indices box after box, (N,), and the boxes."""
    order, edges = split(points, _BOX_POINTS)
    points = points.take(order, axis=1)  # unlike points[:, order], in C order
    keys = np.random.default_rng(0).integers(2**64, size=len(order), dtype=np.uint64)
    starts = edges[:-1]
    bounds = np.minimum.reduceat(points, starts, axis=1), np.maximum.reduceat(points, starts, axis=1)
    totals = np.add.reduceat(points, starts, axis=1)
    return order, Boxes(points, keys, edges, *bounds, totals, np.add.reduceat(keys, starts))


def _bin_seeds(points: np.ndarray, bandwidth: float) -> np.ndarray:
    """Centres (S, D) of the occupied bins, fullest first, of a grid as wide as the bandwidth.

    The points themselves where each has a bin of its own, as in scikit-learn.
    """
    bins = np.rint(points / points.dtype.type(bandwidth)) + 0  # + 0 turns -0 into 0
    # Bins may lie beyond every integer type; their bits never do.
    first, population = occupied_bins(bins.astype(np.float64).view(np.int64))
    if len(first) == len(points):
        return points
    return bins[first[np.argsort(-population, kind="stable")]] * points.dtype.type(bandwidth)


def _rank_by_size(labels: np.ndarray, count: int) -> np.ndarray:
    by_size = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    rank = np.empty(count, np.int32)
    rank[by_size] = np.arange(count)
    return rank[labels]
