"""Mean size of a class's instances, the yardstick of the size filter after merging (`mean_ins_size` elsewhere)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.rooms import Room
from jspnet_core.voxels import voxelise


def mean_instance_sizes(rooms: Sequence[Room], classes: int, voxel_size: float) -> np.ndarray:
    """Mean number of occupied voxels of an instance, by class: (classes,) float64, NaN for a class without any."""
    sizes: list[list[int]] = [[] for _ in range(classes)]
    for room in rooms:
        voxel = voxelise(room.points, voxel_size).representative
        ids, first, counts = np.unique(room.instance[voxel], return_index=True, return_counts=True)
        for label, count in zip(room.label[voxel][first], counts, strict=True):
            if label < classes:
                sizes[label].append(int(count))
    return np.array([np.mean(s) if s else np.nan for s in sizes])
