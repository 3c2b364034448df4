"""Choice among candidates for the up direction, by the floor, the walls and the surfaces that each explains.

Each candidate gets a log-linear score of its features and of a prior over frames of reference; a softmax over the
candidates is the probability that it is the up direction. The weights are fitted by `benchmarks.gravity.fit` on
generated scenes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.pipeline.gravity.floor_plane import VOXEL, Plane, level_plane
from jspnet_core.pipeline.gravity.up_direction import LEVEL, Candidates, Patches
from jspnet_core.pipeline.gravity.viewpoint import AXES, Viewpoint
from jspnet_core.spatial.transforms import rotate_points

WEIGHTS = {
    "prior": 1.42,
    "aligned": 1.31,
    "level": 1.20,
    "incomplete": -1.17,
    "incomplete, no floor": -1.77,
    "floor": 0.58,
    "floor of a view": -1.52,
    "floor and level": 0.63,
    "floor share": 0.70,
    "floor tilt": -0.91,
    "layer": 0.67,
    "below": -0.82,
    "low half": -0.60,
    "empty low third": -0.49,
    "too high": -0.87,
}
"""Weight of each feature in the score."""

_AXIS_PRIOR = np.array([0.02, 0.28, 0.62, 0.02, 0.03, 0.03])  # up axes of maps: z most often, y next
_LENS_PRIOR = 0.9  # that a single view along an axis has the axes of a sensor, not those of a map
_SPHERE_PRIOR = 0.5  # the same of a view all round
_HEIGHTS = (0.1, 2.6)  # metres of a sensor above the floor
_TILTS = (-45.0, 60.0)  # degrees that a camera is pitched down
_SCORED = 3000  # points that a candidate is scored with


@dataclass(frozen=True)
class Choice:
    """The chosen up direction.

    up: (3,) float64, unit. probability: 0 to 1, of it and of candidates within 6 degrees. complete, aligned: see
    `Candidates`.
    """

    up: np.ndarray
    probability: float
    complete: bool
    aligned: float


def choose(points: np.ndarray, patches: Patches, candidates: Candidates, view: Viewpoint) -> Choice:
    """Score all candidates. points: (M, 3) float64, metres, thinned."""
    step = max(1, len(points) // _SCORED)
    names = list(WEIGHTS)
    rows = [describe(points[::step], step, patches, candidates, i, view) for i in range(len(candidates.direction))]
    score = np.array([[row[name] * WEIGHTS[name] for name in names] for row in rows]).sum(axis=1)
    probability = np.exp(score - score.max())
    probability /= probability.sum()
    best = int(probability.argmax())
    near = np.einsum("ci,i->c", candidates.direction, candidates.direction[best]) > np.cos(np.radians(6.0))
    return Choice(
        candidates.direction[best],
        float(probability[near].sum()),
        bool(candidates.complete[best]),
        float(candidates.aligned[best]),
    )


def describe(
    points: np.ndarray, voxels: int, patches: Patches, candidates: Candidates, index: int, view: Viewpoint
) -> dict[str, float]:
    """Compute the features of one candidate, by the names in `WEIGHTS`.

    points: (M, 3) float64, metres; each stands for `voxels` of the thinned ones.
    """
    up, complete = candidates.direction[index], bool(candidates.complete[index])
    raised = rotate_points(rotation_to_z(up), points)
    plane = level_plane(raised, refine=True, voxels=voxels)
    assert plane is not None
    z = np.sort(raised[:, 2])
    lowest, highest = z[len(z) // 100], z[-1 - len(z) // 100]
    floor, base = float(plane.is_floor), plane.offset if plane.is_floor else float(lowest)
    height = highest - base
    cosine = np.abs(np.einsum("pi,i->p", patches.normals, up))
    level = float(patches.weights[cosine > np.cos(LEVEL)].sum())
    share = plane.area / VOXEL**2 / (voxels * len(points))
    in_view = view.axis >= 0 and _HEIGHTS[0] < -base < _HEIGHTS[1] + 0.1
    return {
        "prior": float(np.log(_prior(up, view, plane, base))),
        "aligned": float(candidates.aligned[index]),
        "level": level,
        "incomplete": float(not complete),
        "incomplete, no floor": (1.0 - floor) * (not complete),
        "floor": floor,
        "floor of a view": view.single * floor * in_view,
        "floor and level": floor * level,
        "floor share": floor * share,
        "floor tilt": float(np.degrees(np.arccos(np.clip(plane.normal[2], -1.0, 1.0)))) / 5.0,
        "layer": float(plane.is_layer),
        "below": min(plane.below, 2.0),
        "low half": np.searchsorted(z, base + 0.5 * height) / len(z),
        "empty low third": 5.0 * max(0.0, 0.2 - np.searchsorted(z, base + 0.33 * height) / len(z)),
        "too high": max(0.0, float(height) - 4.0),
    }


def _prior(up: np.ndarray, view: Viewpoint, plane: Plane, base: float) -> float:
    """Density of an up direction over the frames of reference of sensors and of maps."""
    off = np.degrees(np.arccos(np.clip(np.einsum("ai,i->a", AXES, up), -1.0, 1.0)))
    of_map = float((_AXIS_PRIOR * np.exp(-0.5 * (off / 1.5) ** 2)).sum())
    if view.axis < 0:  # a spinning lidar: its z axis is up, but for a small tilt
        of_sensor = float((np.array([0.0, 0.2, 0.75, 0.0, 0.05, 0.0]) * np.exp(-0.5 * (off / 8.0) ** 2)).sum())
        return view.single * _SPHERE_PRIOR * of_sensor + (1.0 - 0.9 * view.single) * of_map + 1e-4
    of_sensor = _camera_prior(up, view)
    of_sensor *= 0.02 + (_within(-base, *_HEIGHTS, 0.1) if plane.is_floor else 1.0)
    return view.single * _LENS_PRIOR * of_sensor + (1.0 - 0.9 * view.single) * of_map + 1e-4


def _camera_prior(up: np.ndarray, view: Viewpoint) -> float:
    """Density of an up direction for a camera: any pitch of a robot's or a hand's, little roll, seldom upside down."""
    right = np.cross(view.forward, view.up)
    pitch = -np.degrees(np.arcsin(np.clip(up @ view.forward, -1.0, 1.0)))  # down is positive
    roll = abs(np.degrees(np.arctan2(up @ right, up @ view.up)))
    usual = 0.6 * _within(roll, 0.0, 20.0, 2.5) + 0.4 * np.exp(-0.5 * (roll / 4.0) ** 2)
    usual *= 0.4 + 0.6 * np.exp(-0.5 * (pitch / 25.0) ** 2)
    upside_down = 0.01 * np.exp(-0.5 * ((180.0 - roll) / 5.0) ** 2)
    return float(_within(pitch, *_TILTS, 4.0) * (usual + upside_down))


def _within(value: float, low: float, high: float, soft: float) -> float:
    """1 inside an interval, and a Gaussian flank of width `soft` outside."""
    return float(np.exp(-0.5 * (max(0.0, low - value, value - high) / soft) ** 2))


def rotation_to_z(up: np.ndarray) -> np.ndarray:
    """The smallest rotation (3, 3) that turns the unit vector `up` to z: it leaves the heading alone."""
    x, y, z = up
    if z < -0.9999:
        return np.diag([1.0, -1.0, -1.0])
    return np.array(
        [
            [1.0 - x * x / (1.0 + z), -x * y / (1.0 + z), -x],
            [-x * y / (1.0 + z), 1.0 - y * y / (1.0 + z), -y],
            [x, y, z],
        ]
    )
