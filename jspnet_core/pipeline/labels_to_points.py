"""From block points back to voxels: votes, gaps, and a summary of each instance."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numba import njit

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.pipeline.blocks import Blocks
from jspnet_core.segmentation import Instance
from jspnet_core.spatial.grid import nearest_within


def vote(logits: np.ndarray, blocks: Blocks, voxels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Semantic labels: of block points by their own logits, of voxels by the mean over all blocks that hold them.

    logits: (B, N, C) float32. Returns block_label (B, N) uint8; label (V,) uint8, 255 for voxels in no block; and
    the label's probability (V,) float32.
    """
    votes = Votes(voxels, logits.shape[2])
    block_label = votes.add(logits, blocks.index, blocks.count)
    label, confidence, _ = votes.result()
    return block_label, label, confidence


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis, the logits' shape and type."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


class Votes:
    """Probabilities of V voxels, added up block by block, so that no more than some blocks' logits are in memory."""

    def __init__(self, voxels: int, classes: int):
        self._total = np.zeros((voxels, classes), np.float32)
        self._times = np.zeros(voxels, np.int32)

    def add(self, logits: np.ndarray, index: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Count some blocks: logits (B, N, C) float32, index and count as in `Blocks`. Returns (B, N) uint8 labels."""
        label, weights = _winners_and_weights(logits)
        np.exp(weights, out=weights)  # numpy's is vectorised, the kernel's would not be
        _add_votes(weights, index, count, self._total, self._times)
        return label

    def result(self, least: float = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """label (V,) uint8, 255 for voxels in no block, and its probability (V,) float32; and which classes are there,
        (C,) bool: see `without_rare_classes`."""
        label, confidence = _winners(self._total, self._times)
        return without_rare_classes(label, confidence, self._total, self._times, least)


@njit(nogil=True, cache=True)
def _winners_and_weights(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label of each point (B, N) uint8, and logits less the largest of their point."""
    label, weights = np.empty(logits.shape[:2], np.uint8), np.empty_like(logits)
    classes = logits.shape[2]
    for b in range(len(logits)):
        for i in range(logits.shape[1]):
            best = 0
            for c in range(1, classes):
                if logits[b, i, c] > logits[b, i, best]:
                    best = c
            label[b, i] = best
            for c in range(classes):
                weights[b, i, c] = logits[b, i, c] - logits[b, i, best]
    return label, weights


@njit(nogil=True, cache=True)
def _add_votes(weights: np.ndarray, index: np.ndarray, count: np.ndarray, total: np.ndarray, times: np.ndarray) -> None:
    for b in range(len(index)):
        for i in range(count[b]):
            v, whole = index[b, i], np.float32(0.0)
            for c in range(weights.shape[2]):
                whole += weights[b, i, c]
            for c in range(weights.shape[2]):
                total[v, c] += weights[b, i, c] / whole
            times[v] += 1


@njit(nogil=True, cache=True)
def _winners(total: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    voxels, classes = total.shape
    label = np.full(voxels, UNLABELLED, np.uint8)
    confidence = np.zeros(voxels, np.float32)
    for v in range(voxels):
        for c in range(classes):
            if total[v, c] > confidence[v]:
                label[v], confidence[v] = c, total[v, c]
        confidence[v] /= max(times[v], 1)
    return label, confidence


def without_rare_classes(
    label: np.ndarray, confidence: np.ndarray, shares: np.ndarray, times: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxels of a class that fewer than `least` of them have take the most probable of the others: no object is that
    small, and in whole rooms nearly every such class is a mistake.

    label (V,) uint8, 255 for none; confidence (V,) float32; shares (V, C), the probabilities of each voxel, `times`
    (V,) as large. Returns label, confidence, and which classes are there, (C,) bool: the most frequent one always is.
    """
    count = np.bincount(label[label != UNLABELLED], minlength=shares.shape[1])
    there = count >= min(least, count.max(initial=0))
    rare = np.flatnonzero((label != UNLABELLED) & ~there[np.minimum(label, len(there) - 1)])
    if len(rare):
        rest = np.where(there, shares[rare], -1)
        label, confidence = label.copy(), confidence.copy()
        label[rare] = rest.argmax(axis=1)
        confidence[rare] = rest.max(axis=1) / np.maximum(times[rare], 1)
    return label, confidence, there


def fill_gaps(
    xyz: np.ndarray,
    label: np.ndarray,
    confidence: np.ndarray,
    instance: np.ndarray,
    reach: float,
    executor: Executor | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxels that no block sampled take everything from the nearest one that was, within `reach` metres.

    xyz (V, 3), label (V,), confidence (V,), instance (V,). Returns label, confidence and instance, completed.
    """
    sampled = np.flatnonzero(label != UNLABELLED)
    missing = np.flatnonzero(label == UNLABELLED)
    if len(sampled) == 0 or len(missing) == 0:
        return label, confidence, instance
    nearest = nearest_within(xyz[sampled], xyz[missing], reach, executor)
    near = nearest >= 0
    source = np.arange(len(xyz))
    source[missing[near]] = sampled[nearest[near]]
    return label[source], confidence[source], instance[source]


@njit(nogil=True, cache=True)
def paint_points(
    of_point: np.ndarray, label: np.ndarray, confidence: np.ndarray, instance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points take everything from their voxels, and those without a voxel are without a label.

    of_point (N,), -1 for none; of voxels: label (V,), confidence (V,), instance (V,).
    Returns label (N,) uint8, confidence (N,) float32, instance (N,) uint32, and how many points each voxel has, (V,)
    int64.
    """
    n, points = len(of_point), np.zeros(len(label), np.int64)
    labels, confidences, instances = np.empty(n, np.uint8), np.empty(n, np.float32), np.empty(n, np.uint32)
    for i in range(n):
        v = of_point[i]
        if v < 0:
            labels[i], confidences[i], instances[i] = UNLABELLED, 0.0, NO_INSTANCE
            continue
        labels[i], confidences[i], instances[i] = label[v], confidence[v], instance[v]
        points[v] += 1
    return labels, confidences, instances, points


def summarise_instances(
    xyz: np.ndarray, points: np.ndarray, confidence: np.ndarray, instance: np.ndarray, label: np.ndarray
) -> list[Instance]:
    """One entry per instance that has a point.

    xyz (V, 3) gravity frame; points (V,) how many each voxel has; confidence (V,); instance (V,) 0 for none;
    label (K,) class of instances 1 to K.
    """
    count, confidences, corners, low, high = _totals(xyz, points, confidence, instance, len(label) + 1)
    return [
        Instance(
            int(k),
            int(label[k - 1]),
            float(confidences[k] / count[k]),
            int(count[k]),
            corners[k] / count[k],
            low[k],
            high[k],
        )
        for k in np.flatnonzero(count)
        if k != NO_INSTANCE
    ]


@njit(nogil=True, cache=True)
def _totals(xyz, points, confidence, instance, ids):  # type: ignore[no-untyped-def]
    """Of each id: points, the sums of their confidences and coordinates, and the corners of their box; (ids,) and
    (ids, 3), int64 and float64."""
    count, confidences, sums = np.zeros(ids, np.int64), np.zeros(ids), np.zeros((ids, 3))
    low, high = np.full((ids, 3), np.inf), np.full((ids, 3), -np.inf)
    for v in range(len(xyz)):
        k, n = instance[v], points[v]
        count[k] += n
        confidences[k] += n * confidence[v]
        for axis in range(3):
            x = np.float64(xyz[v, axis])
            sums[k, axis] += n * x
            low[k, axis], high[k, axis] = min(low[k, axis], x), max(high[k, axis], x)
    return count, confidences, sums, low, high
