"""BlockMerging and the size filter as the reference implementations run them: point by point, in Python."""

from __future__ import annotations

import numpy as np
from scipy import stats

from jspnet_core.pipeline.merging.block_merging import LEGACY_GAP, MIN_NEW_POINTS, MIN_OVERLAP


class ReferenceMerging:
    """A room's grids of 201 cells per axis: instance and class of every cell, -1 where it is empty."""

    def __init__(self) -> None:
        side = int(1 / LEGACY_GAP) + 1
        self.instance = np.full((side, side, side), -1, np.int32)
        self.label = np.full((side, side, side), -1, np.int32)

    def add(self, room_xyz: np.ndarray, clusters: np.ndarray, labels: np.ndarray) -> None:
        """room_xyz: (N, 3), share of the room's extent; clusters (N,), labels (N,) of one block."""
        x, y, z = (room_xyz / LEGACY_GAP).astype(np.int32).T
        count = clusters.max() + 1
        category = [int(stats.mode(labels[clusters == k]).mode) for k in range(count)]
        overlap, size = np.zeros((count, self.instance.max() + 2)), np.zeros(count)
        for i in range(len(clusters)):
            cell, cluster = (x[i], y[i], z[i]), clusters[i]
            if self.instance[cell] != -1 and self.label[cell] == category[cluster]:
                overlap[cluster, self.instance[cell]] += 1
            size[cluster] += 1
        target = overlap.argmax(axis=1)
        current = self.instance.max()
        for k in range(count):
            if overlap[k].max() < MIN_OVERLAP and size[k] >= MIN_NEW_POINTS:
                current += 1
                target[k] = current
        for i in range(len(clusters)):
            cell = (x[i], y[i], z[i])
            if self.instance[cell] == -1:
                self.instance[cell] = target[clusters[i]]
                self.label[cell] = category[clusters[i]]

    def of_points(self, room_xyz: np.ndarray) -> np.ndarray:
        """Instance of every point, (N,): room_xyz (N, 3), share of the room's extent."""
        cells = (room_xyz / LEGACY_GAP).astype(np.int32)
        ids = np.full(len(cells), -1)
        for i in range(len(cells)):
            ids[i] = self.instance[cells[i, 0], cells[i, 1], cells[i, 2]]
        return ids


def keep_large(instance: np.ndarray, label: np.ndarray, mean_size: np.ndarray, ratio: float) -> np.ndarray:
    """Ids 1 to K of the instances that are large enough for their class, 0 elsewhere: (N,)."""
    ids = np.zeros(len(instance), np.uint32)
    kept = 0
    for i in np.unique(instance):
        members = instance == i
        category = int(stats.mode(label[members]).mode)
        if i != -1 and not members.sum() <= ratio * mean_size[category]:
            kept += 1
            ids[members] = kept
    return ids
