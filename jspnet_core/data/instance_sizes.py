"""Mean instance size by class, the reference of the size filter after merging (`mean_ins_size` of ASIS)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from jspnet_core.data.rooms import Room
from jspnet_core.pipeline.voxelize import voxelize


def mean_instance_sizes(rooms: Sequence[Room], classes: int, voxel_size: float) -> np.ndarray:
    """Compute the mean number of occupied voxels of an instance by class: (classes,) float64, NaN without instances."""
    return mean_instance_points(_voxel_ids(rooms, voxel_size), classes)


def mean_instance_points(rooms: Iterable[tuple[np.ndarray, np.ndarray]], classes: int) -> np.ndarray:
    """Compute the mean number of points of an instance by class: (classes,) float64, NaN without instances.

    rooms: label (N,) and instance (N,) of each. The class of an instance is its most frequent label, the lowest of
    several; unlabelled instances (255) are ignored.
    """
    total, count = np.zeros(classes), np.zeros(classes)
    for label, instance in rooms:
        ids, position, sizes = np.unique(instance, return_inverse=True, return_counts=True)
        votes = np.bincount(position * 256 + label, minlength=256 * len(ids)).reshape(-1, 256)
        category = votes.argmax(axis=1)
        known = category < classes
        np.add.at(total, category[known], sizes[known])
        np.add.at(count, category[known], 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _voxel_ids(rooms: Sequence[Room], voxel_size: float) -> Iterable[tuple[np.ndarray, np.ndarray]]:
    for room in rooms:
        voxel = voxelize(room.points, voxel_size).representative
        yield room.label[voxel], room.instance[voxel]
