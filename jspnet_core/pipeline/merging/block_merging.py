"""BlockMerging: clusters of overlapping blocks become instances of the whole cloud (steps 4 to 7 of inference).

Blocks are merged in order. A cluster that shares cells with an instance of the same class from an earlier block joins
that instance, others start a new one, and cells that are still empty take their cluster's instance.

The reference's tables of 100 clusters per block and 300 instances per room are unbounded here: beyond them it raised
errors or silently stopped merging.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from jspnet_core.classes import NO_INSTANCE

MIN_OVERLAP = 7
"""Fewest points of a cluster in the cells of an instance for the cluster to join it."""

MIN_NEW_POINTS = 30
"""Fewest points of a cluster that becomes a new instance in the reference."""

MIN_SPLIT_POINTS = 10
"""Fewest points of a cluster that split off where their class is not that of most of it."""

LEGACY_GAP = 0.005
"""Edge of a cell of the reference's grid, as a share of the room's extent along each axis."""

# Public interface


def merge_blocks(
    cells: np.ndarray,
    clusters: np.ndarray,
    labels: np.ndarray,
    cell_count: int,
    mode: Literal["fixed", "legacy"] = "fixed",
) -> np.ndarray:
    """Merge the clusters of B blocks of N points, in the order of the blocks.

    cells: (B, N) int64, the cell each point lies in, 0 to cell_count - 1: a voxel, or one of `legacy_cells`.
    clusters: (B, N) int32, cluster of each point within its block, 0 to K - 1; -1: padding, ignored.
    labels: (B, N) uint8, class of each point.
    mode: treatment of a cluster of fewer than `MIN_NEW_POINTS` points that shares no cell with an instance. In the
        reference (`legacy`) it joins instance 0, wherever that is, so that a thin piece of a wall at a block's edge can
        pull the whole wall of a later block into instance 0. `fixed` gives it an id of its own.
    Returns (cell_count,) int32: instance of each cell, 0 and up with gaps, -1 where no point lay.
    Raises ValueError for arrays of unlike shapes, a cell out of range, or an unknown mode.
    """
    if mode not in ("fixed", "legacy"):
        raise ValueError(f"mode must be 'fixed' or 'legacy', found {mode!r}")
    if cells.ndim != 2 or not cells.shape == clusters.shape == labels.shape:
        raise ValueError(
            f"cells, clusters and labels must be (B, N), found {cells.shape}, {clusters.shape} and {labels.shape}"
        )
    used = clusters >= 0
    if used.any() and not 0 <= cells[used].min() <= cells[used].max() < cell_count:
        raise ValueError(f"cells must be 0 to {cell_count - 1}, found {cells[used].min()} to {cells[used].max()}")
    instance, label = np.full(cell_count, -1, np.int32), np.zeros(cell_count, np.uint8)
    for b in range(len(cells)):
        _add_block(instance, label, cells[b, used[b]], clusters[b, used[b]], labels[b, used[b]], mode)
    return instance


def legacy_cells(points: np.ndarray) -> np.ndarray:
    """Cells of the reference's grid: 201 per axis over the cloud's own extent, so neither cubic nor of fixed size.

    points: (M, 3) float32, metres.
    Returns (M,) int64: occupied cells, counted 0, 1, ... in the order of the grid.
    """
    if len(points) == 0:
        return np.empty(0, np.int64)
    extent = np.ptp(points, axis=0)
    normalised = (points - points.min(axis=0)) / np.where(extent > 0, extent, 1)
    x, y, z = (normalised / LEGACY_GAP).astype(np.int64).T
    side = int(1 / LEGACY_GAP) + 1
    return np.unique((x * side + y) * side + z, return_inverse=True)[1]


def finish_instances(
    instance: np.ndarray, label: np.ndarray, mean_size: np.ndarray, ratio: float
) -> tuple[np.ndarray, np.ndarray]:
    """Assign a class to each instance and drop instances that are too small for their class.

    instance: (V,) int32, -1 for none; label: (V,) uint8, class of each voxel or point.
    mean_size: (C,) float64, mean size of the training instances of each class, counted as `instance` counts; NaN
        where there were none: all are kept. An instance stays if it is larger than `ratio` times that.
    Returns ids (V,) uint32, 1 to K in the order of `instance`, 0 for none, and (K,) uint8, the class of each: the
    one most frequent among its points.
    Raises ValueError where a point of an instance has a label out of 0 to C - 1.
    """
    used = np.flatnonzero(instance >= 0)
    classes = len(mean_size)
    if used.size and label[used].max() >= classes:
        raise ValueError(f"label must be 0 to {classes - 1} within instances, found {label[used].max()}")
    taken = np.bincount(instance[used]) > 0
    count = int(taken.sum())
    compact = (np.cumsum(taken) - 1)[instance[used]]
    votes = np.bincount(compact * classes + label[used], minlength=count * classes).reshape(count, classes)
    category = votes.argmax(axis=1)
    smallest = ratio * np.asarray(mean_size, np.float64)[category]
    kept = ~(votes.sum(axis=1) <= smallest)  # NaN compares false: kept
    new = np.where(kept, np.cumsum(kept), NO_INSTANCE)
    ids = np.full(len(instance), NO_INSTANCE, np.uint32)
    ids[used] = new[compact]
    return ids, category[kept].astype(np.uint8)


def split_by_class(clusters: np.ndarray, labels: np.ndarray, least: int = MIN_SPLIT_POINTS) -> np.ndarray:
    """Split clusters by class: an instance has one class, and labels follow borders better than clusters do.

    The points of a cluster that have another class than most of it become a cluster of their own if they are at least
    `least`; fewer stay, as noise. clusters: (B, N) int32, of each block 0 to K - 1, -1: padding. labels: (B, N) uint8.
    Returns (B, N) int32: as clusters.
    """
    used = clusters >= 0
    if not used.any():
        return clusters.copy()
    count = clusters.max(axis=1) + 1  # of each block
    first = np.cumsum(count) - count
    segment = (clusters + first[:, None])[used].astype(np.int64)
    label, classes = labels[used], int(labels[used].max()) + 1
    votes = np.bincount(segment * classes + label, minlength=int(count.sum()) * classes).reshape(-1, classes)
    part_of = np.where(votes >= least, np.arange(classes), votes.argmax(axis=1)[:, None])  # (S, classes)
    part = segment * classes + part_of[segment, label]
    taken = np.bincount(part, minlength=votes.size) > 0
    before = np.concatenate([[0], np.cumsum(taken)])  # parts before each, block after block
    split = np.full_like(clusters, -1)
    split[used] = before[part] - np.repeat(before[first * classes], used.sum(axis=1))
    return split


# Private


def _add_block(
    instance: np.ndarray, label: np.ndarray, cells: np.ndarray, clusters: np.ndarray, labels: np.ndarray, mode: str
) -> None:
    """Write one block into the grid, `instance` and `label` of all cells, in place."""
    if len(cells) == 0:
        return
    sizes = np.bincount(clusters)
    cluster_label = modes(clusters, labels, len(sizes))
    point_label = cluster_label[clusters]
    target, overlap = _largest_overlaps(instance[cells], label[cells] == point_label, clusters, len(sizes))
    founds = (overlap < MIN_OVERLAP) & (sizes >= MIN_NEW_POINTS)
    if mode == "fixed":
        founds |= (overlap == 0) & (sizes > 0)
    target[founds] = instance.max() + 1 + np.arange(founds.sum())
    empty = np.flatnonzero(instance[cells] < 0)[::-1]  # backwards: where points share a cell, the first one stays
    instance[cells[empty]] = target[clusters[empty]]
    label[cells[empty]] = point_label[empty]


def modes(clusters: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """The most frequent label of each cluster, (count,) uint8; the lowest of several."""
    classes = int(labels.max()) + 1
    votes = np.bincount(clusters * classes + labels, minlength=count * classes)
    return votes.reshape(count, classes).argmax(axis=1).astype(np.uint8)


def _largest_overlaps(
    instances: np.ndarray, agrees: np.ndarray, clusters: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The instance that holds most points of each cluster, among points whose cell has the cluster's class.

    Returns the instance, (count,) int32, the lowest of several and 0 where there is none, and the points, (count,).
    """
    target, overlap = np.zeros(count, np.int32), np.zeros(count, np.int64)
    met = agrees & (instances >= 0)
    if met.any():
        stride = int(instances.max()) + 1
        pairs, points = np.unique(clusters[met].astype(np.int64) * stride + instances[met], return_counts=True)
        ascending = np.lexsort((-pairs, points))  # the last one written for a cluster stays: most points, lowest id
        cluster, best = np.divmod(pairs[ascending], stride)
        target[cluster], overlap[cluster] = best, points[ascending]
    return target, overlap
