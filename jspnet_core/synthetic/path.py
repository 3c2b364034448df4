"""Where a person with a camera could walk, and a walk."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from jspnet_core.synthetic.primitives import Primitives

_STEP = 0.05  # metres, edge of a cell of the floor plan


def free_floor(solids: Primitives, size: np.ndarray, clearance: float) -> np.ndarray:
    """Places on the floor at least `clearance` metres from everything that stands in the room.

    size: (3,) metres. Returns (F, 2) float64, metres, the largest connected area; F > 0.
    """
    free, _ = _floor_plan(solids, size, clearance)
    cells = np.argwhere(free)
    return (cells + 0.5) * _STEP


def _floor_plan(solids: Primitives, size: np.ndarray, clearance: float) -> tuple[np.ndarray, np.ndarray]:
    """Largest connected free area, (X, Y) bool, and distances to the next obstacle, (X, Y) float64 metres.

    The clearance shrinks, in a room too crowded for it, until there is free floor.
    """
    shape = np.maximum((size[:2] / _STEP).astype(int), 1)
    standing = np.zeros(shape, bool)
    low, high = solids.bounds()
    for lower, upper in zip(low, high, strict=True):
        if upper[2] > 0.08 and lower[2] < 1.8:
            x0, y0 = np.floor(lower[:2] / _STEP).astype(int).clip(0)
            x1, y1 = np.ceil(upper[:2] / _STEP).astype(int).clip(0)
            standing[x0:x1, y0:y1] = True
    distance = ndimage.distance_transform_edt(np.pad(~standing, 1))[1:-1, 1:-1] * _STEP
    free = distance > min(clearance, 0.6 * distance.max())
    areas, _ = ndimage.label(free)
    largest = np.bincount(areas.ravel())[1:].argmax() + 1
    return areas == largest, distance
