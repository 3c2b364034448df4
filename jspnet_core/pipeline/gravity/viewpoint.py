"""Test whether a cloud is one view from its origin, and along which axis the sensor looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

_NEAREST = 6.0  # metres: of one view from the origin some points are nearer
_CELL = 0.08  # metres between neighbouring rays at the median range: about two voxels of the thinned cloud
_LENS = 1.8  # tangent of half the widest field of view
_IN_LENS = 0.995  # share of points inside: the others are noise
_SHORTEST = 0.1  # metres along the axis: a depth camera sees nothing nearer

AXES = np.concatenate([np.eye(3), -np.eye(3)])
"""(6, 3): x y z -x -y -z."""

_UP_OF = np.array([2, 2, 4, 2, 2, 1])
"""Index into `AXES` of up, by the axis that the sensor looks along: optical axes (z forward) have y down, those of
OpenGL (-z forward) y up, all others z up (REP 103)."""


@dataclass(frozen=True)
class Viewpoint:
    """Evidence on the place of the sensor.

    single: 0 to 1, how certainly all points are seen from the origin. axis: index into `AXES` of the axis that all
    points lie around, -1 for none.
    """

    single: float
    axis: int

    @property
    def forward(self) -> np.ndarray:
        return AXES[self.axis]

    @property
    def up(self) -> np.ndarray:
        """Up of a level sensor that looks along the axis."""
        return AXES[_UP_OF[self.axis]]


def find_viewpoint(points: np.ndarray) -> Viewpoint:
    """Test for occlusion: one sensor measures one depth in each direction.

    points: (M, 3) float64, metres, thinned.
    """
    distance = np.sqrt(np.einsum("ij,ij->i", points, points))
    far = distance > 0.05
    if far.sum() < 30 or np.percentile(distance, 2.0) > _NEAREST:
        return Viewpoint(0.0, -1)
    cells = int(np.clip(np.median(distance) / _CELL, 8, 256))  # per half side of a cube around the origin
    hidden = _hidden_share(points[far], distance[far], cells)
    return Viewpoint(float(np.clip(1.0 - 2.0 * hidden, 0.0, 1.0)), _lens_axis(points))


def _lens_axis(points: np.ndarray) -> int:
    for index, axis in enumerate(AXES):
        along = points[:, index % 3] * axis.sum()
        beside = np.abs(np.delete(points, index % 3, axis=1)).max(axis=1)
        if ((along > _SHORTEST) & (beside < _LENS * along)).mean() > _IN_LENS:
            return index
    return -1


@njit(nogil=True, cache=True)
def _hidden_share(points: np.ndarray, distance: np.ndarray, cells: int) -> float:
    """Share of points that lie clearly behind another one in the same direction."""
    side = 2 * cells
    nearest, cell = np.full(6 * side * side, np.inf), np.empty(len(points), np.int64)
    for i in range(len(points)):
        axis = 0
        for other in (1, 2):
            if abs(points[i, other]) > abs(points[i, axis]):
                axis = other
        largest = abs(points[i, axis])
        u, v = points[i, (axis + 1) % 3] / largest, points[i, (axis + 2) % 3] / largest
        face = 2 * axis + (points[i, axis] > 0)
        a, b = min(np.int64((u + 1.0) * cells), side - 1), min(np.int64((v + 1.0) * cells), side - 1)
        cell[i] = (face * side + a) * side + b
        nearest[cell[i]] = min(nearest[cell[i]], distance[i])
    hidden = 0
    for i in range(len(points)):
        hidden += distance[i] > 1.1 * nearest[cell[i]] + 0.2
    return hidden / len(points)
