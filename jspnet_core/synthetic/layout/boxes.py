"""Axis-aligned boxes of objects in a room, to avoid collisions in height as well."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.layout.occupancy import Numbers

SHRINK = 0.03
"""Metres by which boxes may overlap on each side."""

_THINNEST = 0.004

Box = tuple[float, float, float, float, float, float]


def box_of(xy: np.ndarray, z: float, yaw: float, size: np.ndarray) -> Box:
    """Box (x0, x1, y0, y1, z0, z1) of a turned piece, shrunk by the tolerance; of its core if it stands askew."""
    cos, sin = abs(np.cos(yaw)), abs(np.sin(yaw))
    if min(cos, sin) < 0.2:
        half = np.array([cos * size[0] + sin * size[1], sin * size[0] + cos * size[1]]) / 2 - SHRINK
    else:
        half = np.full(2, min(size[0], size[1]) / 2 - SHRINK)
    a, b = np.maximum(half, _THINNEST)
    return xy[0] - a, xy[0] + a, xy[1] - b, xy[1] + b, z + SHRINK, z + max(size[2] - SHRINK, SHRINK + _THINNEST)


class Boxes:
    """Boxes with the numbers of their objects; -1 for parts of the building."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []

    def add(self, box: Box, number: int = -1) -> None:
        """Add the box of an object."""
        self._rows.append((*box, number))

    def remove(self, number: int) -> None:
        """Remove an object's boxes."""
        self._rows = [row for row in self._rows if row[6] != number]

    def hits(self, box: Box, allow: Numbers = ()) -> bool:
        """Return whether a box overlaps any of another object than those of `allow`."""
        if not self._rows:
            return False
        others = np.array(self._rows)
        if allow:
            others = others[~np.isin(others[:, 6], allow)]
        return bool((_beside(others, box) & (others[:, 4] < box[5]) & (box[4] < others[:, 5])).any())

    def lowest_above(self, box: Box, own: int) -> float:
        """Height at which the lowest box above another begins, metres; inf where there is none. own: left out."""
        if not self._rows:
            return np.inf
        others = np.array(self._rows)
        above = others[_beside(others, box) & (others[:, 4] > box[4]) & (others[:, 6] != own), 4]
        return float(above.min()) if len(above) else np.inf


def _beside(others: np.ndarray, box: Box) -> np.ndarray:
    """(N,) whether boxes overlap another on the floor plan."""
    x = (others[:, 0] < box[1]) & (box[0] < others[:, 1])
    return x & (others[:, 2] < box[3]) & (box[2] < others[:, 3])
