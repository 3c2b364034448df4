"""Labels of voxels onto every input point: gaps filled, points painted, instances summarised."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numba import njit

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.segmentation import Instance
from jspnet_core.spatial.grid import nearest_within


def fill_gaps(
    xyz: np.ndarray,
    label: np.ndarray,
    confidence: np.ndarray,
    instance: np.ndarray,
    reach: float,
    executor: Executor | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest-neighbour label propagation: voxels that no block drew take the labels of one within `reach` metres.

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
    """Copy label, confidence and instance of each voxel to its points; points without a voxel get no label.

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


def summarize_instances(
    xyz: np.ndarray, points: np.ndarray, confidence: np.ndarray, instance: np.ndarray, label: np.ndarray
) -> list[Instance]:
    """One entry per instance that has a point.

    xyz (V, 3) gravity frame; points (V,) how many each voxel has; confidence (V,); instance (V,) 0 for none;
    label (K,) class of instances 1 to K.
    """
    count, voxels, confidences, corners, low, high = _totals(xyz, points, confidence, instance, len(label) + 1)
    return [
        Instance(
            int(k),
            int(label[k - 1]),
            float(confidences[k] / count[k]),
            int(count[k]),
            corners[k] / count[k],
            low[k],
            high[k],
            int(voxels[k]),
        )
        for k in np.flatnonzero(count)
        if k != NO_INSTANCE
    ]


@njit(nogil=True, cache=True)
def _totals(xyz, points, confidence, instance, ids):  # type: ignore[no-untyped-def]
    """Sums by id: points, voxels, confidences, coordinates, and the corners of the bounding box; (ids,) and
    (ids, 3), int64 and float64."""
    count, voxels = np.zeros(ids, np.int64), np.zeros(ids, np.int64)
    confidences, sums = np.zeros(ids), np.zeros((ids, 3))
    low, high = np.full((ids, 3), np.inf), np.full((ids, 3), -np.inf)
    for v in range(len(xyz)):
        k, n = instance[v], points[v]
        count[k] += n
        voxels[k] += 1
        confidences[k] += n * confidence[v]
        for axis in range(3):
            x = np.float64(xyz[v, axis])
            sums[k, axis] += n * x
            low[k, axis], high[k, axis] = min(low[k, axis], x), max(high[k, axis], x)
    return count, voxels, confidences, sums, low, high
