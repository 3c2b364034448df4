"""Semantic voting: the class of a voxel is the most probable one, averaged over all blocks that drew it."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.classes import UNLABELLED
from jspnet_core.pipeline.blocks import Blocks


def vote(logits: np.ndarray, blocks: Blocks, voxels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label block points by their own logits, and voxels by the mean over all blocks that hold them.

    logits: (B, N, C) float32; voxels: their number V.
    Returns block_label (B, N) uint8; label (V,) uint8, 255 for voxels in no block; and the mean probability of that
    label, (V,) float32.
    """
    votes = Votes(voxels, logits.shape[2])
    block_label = votes.add(logits, blocks.index, blocks.count)
    label, confidence, _ = votes.result()
    return block_label, label, confidence


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis; shape and dtype are those of the logits."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


class Votes:
    """Sums of the class probabilities of V voxels, added block by block, so that few logits are in memory at a time."""

    def __init__(self, voxels: int, classes: int):
        self._total = np.zeros((voxels, classes), np.float32)
        self._times = np.zeros(voxels, np.int32)

    def add(self, logits: np.ndarray, index: np.ndarray, count: np.ndarray) -> np.ndarray:
        """Add the votes of some blocks. Returns the label of each block point, (B, N) uint8.

        logits: (B, N, C) float32; index (B, N), count (B,): as in `Blocks`.
        """
        label, weights = _winners_and_weights(logits)
        np.exp(weights, out=weights)  # numpy's is vectorised, the kernel's would not be
        _add_votes(weights, index, count, self._total, self._times)
        return label

    def result(self, least: float = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return label (V,) uint8, 255 for voxels in no block; its mean probability (V,) float32; and which classes are
        present, (C,) bool. least: fewest voxels of a class, see `without_rare_classes`."""
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
    """Suppress classes of fewer than `least` voxels: theirs take the most probable of the other classes.

    No object is that small, and in whole rooms nearly every such class is a mistake.
    label: (V,) uint8, 255 for none. confidence: (V,) float32. shares: (V, C), summed probabilities over `times` (V,)
    votes. Returns label, confidence, and which classes are present, (C,) bool: the most frequent one always is.
    """
    count = np.bincount(label[label != UNLABELLED], minlength=shares.shape[1])
    present = count >= min(least, count.max(initial=0))
    rare = np.flatnonzero((label != UNLABELLED) & ~present[np.minimum(label, len(present) - 1)])
    if len(rare):
        rest = np.where(present, shares[rare], -1)
        label, confidence = label.copy(), confidence.copy()
        label[rare] = rest.argmax(axis=1)
        confidence[rare] = rest.max(axis=1) / np.maximum(times[rare], 1)
    return label, confidence, present
