"""From block points back to voxels: votes, gaps, and a summary of each instance."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.spatial import cKDTree

from jspnet_core.blocks import Blocks
from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.segmentation import Instance


def vote(logits: np.ndarray, blocks: Blocks, voxels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Semantic labels: of block points by their own logits, of voxels by the mean over all blocks that hold them.

    logits: (B, N, C) float32. Returns block_label (B, N) uint8; label (V,) uint8, 255 for voxels in no block; and
    the label's probability (V,) float32.
    """
    block_label = logits.argmax(axis=-1).astype(np.uint8)
    label, confidence = _vote(logits, blocks.index, blocks.count, voxels)
    return block_label, label, confidence


@njit(nogil=True, cache=True)
def _vote(logits: np.ndarray, index: np.ndarray, count: np.ndarray, voxels: int) -> tuple[np.ndarray, np.ndarray]:
    classes = logits.shape[2]
    total = np.zeros((voxels, classes), np.float32)
    times = np.zeros(voxels, np.int32)
    probability = np.empty(classes, np.float32)
    for b in range(len(index)):
        for i in range(count[b]):
            row = logits[b, i]
            probability[:] = np.exp(row - row.max())
            total[index[b, i]] += probability / probability.sum()
            times[index[b, i]] += 1
    label = np.full(voxels, UNLABELLED, np.uint8)
    confidence = np.zeros(voxels, np.float32)
    for v in range(voxels):
        if times[v]:
            label[v] = total[v].argmax()
            confidence[v] = total[v].max() / times[v]
    return label, confidence


def fill_gaps(
    xyz: np.ndarray, label: np.ndarray, confidence: np.ndarray, instance: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voxels that no block sampled take everything from the nearest one that was, within `reach` metres.

    xyz (V, 3), label (V,), confidence (V,), instance (V,). Returns label, confidence and instance, completed.
    """
    sampled = np.flatnonzero(label != UNLABELLED)
    missing = np.flatnonzero(label == UNLABELLED)
    if len(sampled) == 0 or len(missing) == 0:
        return label, confidence, instance
    distance, nearest = cKDTree(xyz[sampled]).query(xyz[missing], distance_upper_bound=reach, workers=-1)
    near = np.isfinite(distance)
    source = np.arange(len(xyz))
    source[missing[near]] = sampled[nearest[near]]
    return label[source], confidence[source], instance[source]


def summarise_instances(
    xyz: np.ndarray, voxel_of_point: np.ndarray, confidence: np.ndarray, instance: np.ndarray, label: np.ndarray
) -> list[Instance]:
    """One entry per instance that has a point.

    xyz (V, 3) gravity frame; voxel_of_point (N,), -1 for none; confidence (V,); instance (V,) 0 for none;
    label (K,) class of instances 1 to K.
    """
    order = np.argsort(instance, kind="stable")
    ids, first = np.unique(instance[order], return_index=True)
    point_count = np.bincount(voxel_of_point[voxel_of_point >= 0], minlength=len(xyz))
    found = []
    for id_, members in zip(ids, np.split(order, first[1:]), strict=True):
        if id_ == NO_INSTANCE:
            continue
        corner = xyz[members].astype(np.float64)
        weight = point_count[members]
        found.append(
            Instance(
                id=int(id_),
                label=int(label[id_ - 1]),
                confidence=float(np.average(confidence[members], weights=weight)),
                point_count=int(weight.sum()),
                centroid=np.average(corner, axis=0, weights=weight),
                minimum=corner.min(axis=0),
                maximum=corner.max(axis=0),
            )
        )
    return found
