"""Confidence of objects from votes and size, and the bound on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from jspnet_core.classes import NO_INSTANCE
from jspnet_core.segmentation import Instance

HALF_AREA = 0.45
"""Visible surface in square metres at which an object has half the confidence of its votes.

Most false objects are small: a patch of wall between two shelves, one leg of a chair. Chosen on views of the validation
rooms, where any value from 0.05 to 1 beats votes alone (docs/evaluation.md).
"""


def size_factor(voxel_count: int, voxel_size: float) -> float:
    """Factor of an object's confidence, 0 to 1: A / (A + `HALF_AREA`). A voxel of `voxel_size` metres counts as one of
    its faces, because what is seen are surfaces."""
    area = voxel_count * voxel_size**2
    return area / (area + HALF_AREA)


def rate_objects(found: Sequence[Instance], voxel_size: float) -> list[Instance]:
    """Multiply the confidence of each instance by its size factor. voxel_size: metres."""
    return [replace(i, confidence=i.confidence * size_factor(i.voxel_count, voxel_size)) for i in found]


def drop_unsure(
    instance: np.ndarray, found: Sequence[Instance], min_confidence: float
) -> tuple[np.ndarray, list[Instance]]:
    """Drop the objects whose confidence is below `min_confidence`. instance: (N,) uint32, ids of the points.

    Returns ids (N,) uint32, 0 where the object was dropped, and the objects that stay.
    """
    kept = [i for i in found if i.confidence >= min_confidence]
    if len(kept) == len(found):
        return instance, kept
    new = np.full(int(instance.max(initial=0)) + 1, NO_INSTANCE, np.uint32)
    ids = [i.id for i in kept]
    new[ids] = ids
    return new[instance], kept
