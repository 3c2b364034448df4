"""Difference of two maps of one place: objects that appeared, are gone, or moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from jspnet_core.memory.map_object import MapObject

SAME_PLACE = 0.3
"""Metres that the centroid of an object may differ by without having moved."""

SAME_SIZE = 1.6
"""Factor that the sides of an object's box may differ by, sorted, and still be the same object."""


@dataclass(frozen=True)
class MapDifference:
    """Objects of two maps. appeared: only in the newer. gone: only in the older. moved: (older, newer)."""

    appeared: list[MapObject]
    gone: list[MapObject]
    moved: list[tuple[MapObject, MapObject]]


def difference(before: list[MapObject], after: list[MapObject]) -> MapDifference:
    """Compare the objects of two maps in one map frame.

    Objects of one class in one place are the same. Of those left over, objects of one class and of like size have
    moved, the nearest pairs first; the others appeared or are gone.
    """
    stayed_before, stayed_after = _pairs(before, after, SAME_PLACE)
    left = [item for i, item in enumerate(before) if i not in stayed_before]
    new = [item for i, item in enumerate(after) if i not in stayed_after]
    moved_before, moved_after = _pairs(left, new, np.inf)
    return MapDifference(
        appeared=[item for i, item in enumerate(new) if i not in moved_after],
        gone=[item for i, item in enumerate(left) if i not in moved_before],
        moved=[(left[i], new[j]) for i, j in zip(moved_before, moved_after, strict=True)],
    )


def _pairs(a: list[MapObject], b: list[MapObject], reach: float) -> tuple[list[int], list[int]]:
    """Indices of objects that are the same, at the least sum of distances."""
    if not a or not b:
        return [], []
    distance = np.linalg.norm([[x.centroid - y.centroid for y in b] for x in a], axis=2)
    unlike = np.array([[x.label != y.label or not _same_size(x, y) for y in b] for x in a])
    cost = np.where(unlike | (distance > reach), 1e6, distance)
    rows, columns = linear_sum_assignment(cost)
    kept = cost[rows, columns] < 1e6
    return rows[kept].tolist(), columns[kept].tolist()


def _same_size(a: MapObject, b: MapObject) -> bool:
    ratio = (np.sort(a.size) + 0.05) / (np.sort(b.size) + 0.05)
    return bool((np.maximum(ratio, 1.0 / ratio) < SAME_SIZE).all())
