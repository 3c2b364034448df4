"""The gravity frame of a cloud: z up, the floor at z = 0, found in the cloud where nobody says it.

Models trained on rooms read height as a feature: a cloud in another frame is labelled wrong without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from jspnet_core.pipeline.gravity.floor_plane import level_plane, thin
from jspnet_core.pipeline.gravity.up_direction import find_up, surface_patches
from jspnet_core.spatial.transforms import transform_points

T_ZUP_OPTICAL = np.array([[0.0, 0.0, 1.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
"""From a camera's optical axes (x right, y down, z forward) to x forward, y left, z up."""

_Z = np.array([0.0, 0.0, 1.0])
_FEWEST = 30  # thinned points without which nothing is looked for
_MOST_TILT = 45.0  # degrees: in the view of a camera pitched further, walls and floors change places


@dataclass(frozen=True)
class Gravity:
    """T_gravity_input: (4, 4) float64, rigid, metres. source: where it came from, in words for people."""

    T_gravity_input: np.ndarray
    source: str


def find_gravity(points: np.ndarray, mode: Literal["auto", "optical", "none"], rng_seed: int = 0) -> Gravity:
    """Find the frame with z up and the floor at z = 0.

    points: (N, 3) float32, metres, input frame; rows with NaN or Inf are no returns.
    mode: "optical": the input's axes are x right, y down, z forward; walls and surfaces correct the sensor's tilt,
        up to 45 degrees, and heading and position stay the sensor's. "none": the input's z axis is up; only the
        height of the floor is found. "auto": optical where all points lie in front of a lens that looks along z,
        otherwise as "none".
    rng_seed: clouds are thinned at random; the same seed gives the same result.

    Odd clouds raise nothing: what was not found is said in `source`, and z = 0 is then at the lowest points.
    Raises ValueError for another mode.
    """
    if mode not in ("auto", "optical", "none"):
        raise ValueError(f"mode is {mode!r}, must be 'auto', 'optical' or 'none'")
    thinned = thin(points, np.random.default_rng(rng_seed))
    if mode == "optical" or (mode == "auto" and _seen_by_a_camera_along_z(thinned)):
        return _optical(thinned)
    return _level(thinned, unsure=mode == "auto")


def _optical(points: np.ndarray) -> Gravity:
    up = (
        find_up(*surface_patches(transform_points(T_ZUP_OPTICAL, points)), assumed=_Z)
        if len(points) >= _FEWEST
        else None
    )
    if up is None or not up.is_sure or up.direction[2] < np.cos(np.radians(_MOST_TILT)):
        return _resting(points, T_ZUP_OPTICAL, "optical axes, tilt unknown: too little structure in view")
    T = _upright(up.direction) @ T_ZUP_OPTICAL
    floor = level_plane(transform_points(T, points), refine=True)
    if floor is not None and floor.is_floor:
        T = _raised(_upright(floor.normal) @ T, -floor.offset)
        return Gravity(T, f"optical axes, tilt {_tilt(T):.1f} deg, floor {T[2, 3]:.2f} m below the sensor")
    seen = "walls and surfaces" if up.complete else "one wall (sideways tilt unknown)"
    return _resting(points, T, f"optical axes, tilt {_tilt(T):.1f} deg from {seen}, no floor in view")


def _level(points: np.ndarray, unsure: bool) -> Gravity:
    floor = level_plane(points, refine=False) if len(points) >= _FEWEST else None
    if floor is None or not floor.is_floor:
        advice = "; unsure whether z is up at all, please say which axes they are" if unsure else ""
        return _resting(points, np.eye(4), f"z axis up, no floor in view{advice}")
    return Gravity(_raised(np.eye(4), -floor.offset), f"z axis up, floor at z = {floor.offset:.2f} m")


def _seen_by_a_camera_along_z(points: np.ndarray) -> bool:
    """Whether all points lie inside a wide lens looking along +z from the origin, none nearer than 15 cm.

    No cloud with z up does: its floor lies at or below its origin, or its corner does.
    """
    if len(points) < _FEWEST:
        return False
    x, y, z = points.T
    inside = (z > 0.15) & (np.abs(x) < 1.8 * z) & (np.abs(y) < 1.8 * z)
    return bool(inside.mean() > 0.995)


def _resting(points: np.ndarray, T: np.ndarray, why: str) -> Gravity:
    """Axes as given, z = 0 at the lowest points but for the odd stray one."""
    z = transform_points(T, points)[:, 2]
    lowest = float(np.percentile(z, 1.0)) if len(z) else 0.0
    return Gravity(_raised(T, -lowest), f"{why}; z = 0 at the lowest points")


def _raised(T: np.ndarray, height: float) -> np.ndarray:
    T = T.copy()
    T[2, 3] += height
    return T


def _upright(up: np.ndarray) -> np.ndarray:
    """(4, 4), the smallest rotation that turns the unit vector `up` to z: it leaves the heading alone."""
    x, y, z = up
    R = np.eye(4)
    R[:3, :3] = [
        [1.0 - x * x / (1.0 + z), -x * y / (1.0 + z), -x],
        [-x * y / (1.0 + z), 1.0 - y * y / (1.0 + z), -y],
        [x, y, z],
    ]
    return R


def _tilt(T_gravity_optical: np.ndarray) -> float:
    """Degrees between the camera's assumed up (-y) and the up found."""
    return float(np.degrees(np.arccos(np.clip(-T_gravity_optical[2, 1], -1.0, 1.0))))
