"""The map frame of a recorded sequence: z up, from the poses' world and what the first frames show."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np

from jspnet_core.io.rgbd import RgbdError, RgbdFrame
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.settings import UpAxis

_UPRIGHT = np.cos(np.radians(5.0))
"""A world whose z axis is nearer to up than this is the map frame itself."""

_TRIED = 30
"""Frames that are asked for the up direction until one is sure."""

_AXES = ("x", "y", "z", "-x", "-y", "-z")


def map_frame(frames: Iterable[RgbdFrame], up_axis: UpAxis = "auto") -> np.ndarray:
    """Return T_map_world, (4, 4) float64: a rotation that turns the up direction of the poses' world to z.

    up_axis: an axis of the world that points up; otherwise it is estimated from the first frame that shows it surely,
    and a world with z up within 5 degrees is kept as it is, so that maps of one world are in one frame.
    Raises `RgbdError` for frames without poses, and where no frame shows which way is up.
    """
    if up_axis in _AXES:
        sign, axis = (-1.0, up_axis[1]) if up_axis.startswith("-") else (1.0, up_axis)
        return _turned(sign * np.eye(3)["xyz".index(axis)])
    tried = 0
    for frame in islice(frames, _TRIED):
        tried += 1
        if frame.T_world_camera is None:
            raise RgbdError(f"{frame.name} has no pose; a memory needs one for every frame")
        points = frame.points.reshape(-1, 3)
        gravity = find_gravity(points, up_axis) if np.isfinite(points).any() else None
        if gravity is not None and gravity.is_sure:
            up = frame.T_world_camera[:3, :3] @ gravity.T_gravity_input[2, :3]
            return np.eye(4) if up[2] > _UPRIGHT else _turned(up)
    raise RgbdError(f"none of the first {tried} frames shows which way is up: give the axis of the poses' world (--up)")


def _turned(up: np.ndarray) -> np.ndarray:
    """Rotation by the least angle that takes a unit vector to z, as (4, 4)."""
    T, z = np.eye(4), np.array([0.0, 0.0, 1.0])
    axis, cosine = np.cross(up, z), float(up @ z)
    if cosine < -1.0 + 1e-9:
        T[:3, :3] = np.diag([1.0, -1.0, -1.0])
        return T
    k = np.array([[0.0, -axis[2], axis[1]], [axis[2], 0.0, -axis[0]], [-axis[1], axis[0], 0.0]])
    T[:3, :3] += k + k @ k / (1.0 + cosine)
    return T
