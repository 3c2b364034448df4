"""Estimate the gravity frame of a cloud: z up, the floor at z = 0, where no transform is given.

Models trained on rooms read height as a feature: a cloud in another frame is labelled wrong. Which axis is up is
decided by the floor, the walls and the surfaces that each candidate explains, never by where the cloud lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np

from jspnet_core.pipeline.gravity.evidence import Choice, choose, rotation_to_z
from jspnet_core.pipeline.gravity.floor_plane import level_plane, thin
from jspnet_core.pipeline.gravity.up_direction import FEWEST_PATCHES, Candidates, find_candidates, surface_patches
from jspnet_core.pipeline.gravity.viewpoint import AXES, Viewpoint, find_viewpoint
from jspnet_core.settings import UpAxis
from jspnet_core.spatial.transforms import transform_points

T_ZUP_OPTICAL = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""From a camera's optical axes (x right, y down, z forward) to x forward, y left, z up."""

_AXIS_NAMES = ("x", "y", "z", "-x", "-y", "-z")  # of the rows of AXES
_OPTICAL = Viewpoint(1.0, 2)
_FEWEST = 30  # thinned points without which nothing is looked for
_PROBABLE = 0.9  # probability of the up direction from which it is relied on
_ALIGNED = 0.5  # share of surface that must agree with the up direction
_SNAP = np.cos(np.radians(2.0))  # a map's up direction nearer to an axis than this is that axis


@dataclass(frozen=True)
class Gravity:
    """An estimated gravity frame.

    T_gravity_input: (4, 4) float64, rigid, metres. source: what it was estimated from, in words for people.
    is_sure: False where direction or floor height are a guess; `source` has the reason.
    """

    T_gravity_input: np.ndarray
    source: str
    is_sure: bool = True


def find_gravity(points: np.ndarray, up_axis: UpAxis = "auto", rng_seed: int = 0) -> Gravity:
    """Estimate the frame with z up and the floor at z = 0.

    points: (N, 3) float32, metres, input frame; rows with NaN or Inf are no returns.
    up_axis: "auto" decides by evidence, for any axes and any tilt of a camera. "optical": the input's axes are a
        camera's (x right, y down, z forward), whose tilt is estimated. "x", "y", "z", "-x", "-y", "-z": that axis
        points up exactly; only the height of the floor is estimated.
    rng_seed: clouds are thinned at random; the same seed gives the same result.

    Odd clouds raise nothing: `is_sure` is False, `source` has the reason, and z = 0 is then at the lowest points.
    Raises ValueError for another axis.
    """
    if up_axis not in get_args(UpAxis):
        raise ValueError(f"up_axis is {up_axis!r}, must be one of {', '.join(get_args(UpAxis))}")
    thinned = thin(points, np.random.default_rng(rng_seed))
    if up_axis in _AXIS_NAMES:
        return _with_axis(thinned, up_axis)
    view = _OPTICAL if up_axis == "optical" else find_viewpoint(thinned)
    patches = surface_patches(thinned) if len(thinned) >= _FEWEST else None
    if patches is None or len(patches.weights) < FEWEST_PATCHES:
        return _guess(thinned, view)
    candidates = find_candidates(patches)
    if up_axis == "optical":
        candidates = _in_front(candidates)
    choice = choose(thinned, patches, candidates, view)
    return _with_choice(thinned, choice, view) if choice.aligned >= _ALIGNED else _guess(thinned, view)


def _with_axis(points: np.ndarray, up_axis: str) -> Gravity:
    T = _axes(AXES[_AXIS_NAMES.index(up_axis)])
    plane = level_plane(transform_points(T, points), refine=False) if len(points) >= _FEWEST else None
    if plane is None or not plane.is_floor:
        return _resting(points, T, f"{up_axis} axis up as given, no floor in view")
    return Gravity(_raised(T, -plane.offset), f"{up_axis} axis up as given, floor at {plane.offset:.2f} m")


def _with_choice(points: np.ndarray, choice: Choice, view: Viewpoint) -> Gravity:
    """The frame of a chosen up direction."""
    is_map = view.single < 0.5 or view.axis < 0
    up = _snapped(choice.up) if is_map else choice.up
    level = _axes(up) if is_map else _facing(view)
    T = _homogeneous(rotation_to_z(level[:3, :3] @ up)) @ level
    plane = level_plane(transform_points(T, points), refine=up is choice.up)
    assumed = AXES[_nearest(up)] if is_map else view.up
    what = f"{_AXIS_NAMES[_nearest(assumed)]} axis up, tilt {_tilt(up, assumed):.1f} deg"
    what = what if is_map else f"camera axes, {what}"
    probable = choice.probability >= _PROBABLE
    doubt = (
        "" if probable else f"; unsure which way is up ({100 * choice.probability:.0f} %): set the up axis or the pose"
    )
    if plane is None or not plane.is_floor:
        seen = "" if choice.complete else " from one wall (sideways tilt unknown)"
        return _resting(points, T, f"{what}{seen}, no floor in view{doubt}")
    T = _raised(_homogeneous(rotation_to_z(plane.normal)) @ T, -plane.offset)
    return Gravity(T, f"{what}, floor {_floor(T, is_map)}{doubt}", is_sure=probable)


def _guess(points: np.ndarray, view: Viewpoint) -> Gravity:
    """Return the usual axes; used where too little structure is in view for an estimate."""
    sensor = view.axis >= 0 and view.single >= 0.5
    T = _facing(view) if sensor else np.eye(4)
    what = f"camera axes, {_AXIS_NAMES[_nearest(view.up)]} axis up" if sensor else "z axis up"
    return _resting(points, T, f"{what}, tilt unknown: too little structure in view; set the up axis or the pose")


def _in_front(candidates: Candidates) -> Candidates:
    """Candidates within 65 degrees of a camera's own up direction, or all where there are none."""
    near = np.einsum("ci,i->c", candidates.direction, _OPTICAL.up) > np.cos(np.radians(65.0))
    return Candidates(*(column[near] for column in candidates)) if near.any() else candidates


def _snapped(up: np.ndarray) -> np.ndarray:
    nearest = AXES[_nearest(up)]
    return nearest if nearest @ up > _SNAP else up


def _axes(up: np.ndarray) -> np.ndarray:
    """Transform (4, 4) that turns the axis nearest to `up` to z and leaves the others as they are where it can."""
    return _homogeneous(rotation_to_z(AXES[_nearest(up)]))


def _facing(view: Viewpoint) -> np.ndarray:
    """Transform (4, 4) from a level sensor's axes to x forward, y left, z up."""
    return _homogeneous(np.stack([view.forward, np.cross(view.up, view.forward), view.up]))


def _homogeneous(R: np.ndarray) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = R
    return T


def _resting(points: np.ndarray, T: np.ndarray, why: str) -> Gravity:
    """Keep the axes of T, with z = 0 at the lowest points except for outliers."""
    z = transform_points(T, points)[:, 2]
    lowest = float(np.percentile(z, 1.0)) if len(z) else 0.0
    return Gravity(_raised(T, -lowest), f"{why}; z = 0 at the lowest points", is_sure=False)


def _raised(T: np.ndarray, height: float) -> np.ndarray:
    T = T.copy()
    T[2, 3] += height
    return T


def _nearest(up: np.ndarray) -> int:
    """Index of the axis nearest to a direction."""
    return int(np.einsum("ai,i->a", AXES, up).argmax())


def _tilt(up: np.ndarray, assumed: np.ndarray) -> float:
    """Angle in degrees."""
    return float(np.degrees(np.arccos(np.clip(up @ assumed, -1.0, 1.0))))


def _floor(T: np.ndarray, is_map: bool) -> str:
    return f"at {-T[2, 3]:.2f} m" if is_map else f"{T[2, 3]:.2f} m below the sensor"
