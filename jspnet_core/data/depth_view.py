"""What a depth camera sees of a labelled room: for training blocks and for scoring single views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from jspnet_core.pipeline.blocks import extent
from jspnet_core.spatial.transforms import rotate_points, transform_points


class View(BaseModel):
    """A depth camera, and a colour camera beside it. Angles in radians, lengths in metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(96, ge=1, description="pixels")
    height: int = Field(72, ge=1, description="pixels")
    focal: float = Field(0.9, gt=0, description="in image widths; 0.9: 58 degrees across, a common depth camera")
    max_range: float = Field(6.0, gt=0.3, description="metres")
    noise: float = Field(0.0015, ge=0, description="standard deviation of the range at 1 m; grows with its square")
    tilt: float = Field(0.02, ge=0, description="standard deviation of the error of gravity about x and about y")
    floor_error: float = Field(0.02, ge=0, description="standard deviation of the height of the floor")
    color_baseline: float = Field(0.03, description="how far the colour camera stands to the right of the depth camera")
    color_focal: float = Field(0.92, gt=0, description="as focal, of the colour camera; larger: it sees less")


@dataclass(frozen=True)
class Sight:
    """What one picture shows.

    visible: (W,) int64, indices of the points that the depth camera sees. points: (W, 3) float32, their coordinates
    with range noise, in a gravity frame that is a little tilted and off the floor. colored: (W,) bool, which of them
    the colour camera sees too; at depth edges and at the picture's border it does not.
    """

    visible: np.ndarray
    points: np.ndarray
    colored: np.ndarray


@dataclass(frozen=True)
class CameraPose:
    """Where a level camera stands and looks. eye: (3,) float64, metres. yaw, pitch: radians, pitch up."""

    eye: np.ndarray
    yaw: float
    pitch: float


def random_pose(points: np.ndarray, rng: np.random.Generator) -> CameraPose:
    """A pose inside the room, 0.3 to 1.7 m above its floor. points: (V, 3) float32, metres, z up."""
    low, high = extent(points)
    eye = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
    eye[2] = rng.uniform(0.3, 1.7)
    return CameraPose(eye, yaw=rng.uniform(0.0, 2.0 * np.pi), pitch=rng.uniform(-0.7, 0.15))


def see(points: np.ndarray, rng: np.random.Generator, view: View, pose: CameraPose | None = None) -> Sight:
    """What the camera sees of a room. points: (V, 3) float32, metres, z up, the floor at 0. pose: None for any.

    With a pose, points out of range of it may be left out: they are not seen, and hide nothing that is.
    """
    pose = pose or random_pose(points, rng)
    axes = _camera_axes(pose.yaw, pose.pitch).astype(np.float32)
    local = rotate_points(axes, points - pose.eye.astype(np.float32))  # right, down, forward
    visible = np.flatnonzero(_visible(local, view.width, view.height, view.focal * view.width, view.max_range))
    seen = local[visible]
    lens = seen - np.array([view.color_baseline, 0.0, 0.0], np.float32)
    colored = _visible(lens, view.width, view.height, view.color_focal * view.width, np.inf, 0.03, 0.05)
    depth = seen[:, 2:]
    seen = seen * (1.0 + rng.standard_normal(depth.shape, np.float32) * np.float32(view.noise) * depth)
    world = _misjudge_gravity(rotate_points(axes.T, seen) + pose.eye.astype(np.float32), rng, view)
    return Sight(visible, world, colored)


def _misjudge_gravity(points: np.ndarray, rng: np.random.Generator, view: View) -> np.ndarray:
    """Tilt points (W, 3) about the foot of their middle, and lift or lower them."""
    middle = points[:, :2].mean(axis=0) if len(points) else np.zeros(2)
    return transform_points(gravity_error(middle, rng, view), points).astype(np.float32)


def gravity_error(middle: np.ndarray, rng: np.random.Generator, view: View) -> np.ndarray:
    """How wrong a robot may be about gravity and the floor's height: (4, 4) float64, a tilt about the point `middle`
    (2,) of the floor, and a lift."""
    error, foot = np.eye(4), np.array([middle[0], middle[1], 0.0])
    error[:3, :3] = Rotation.from_rotvec([*rng.normal(0.0, view.tilt, 2), 0.0]).as_matrix()
    error[:3, 3] = foot - error[:3, :3] @ foot + [0.0, 0.0, rng.normal(0.0, view.floor_error)]
    return error


def _camera_axes(yaw: float, pitch: float) -> np.ndarray:
    """Rows: right, down, forward of a level camera turned by `yaw` and raised by `pitch`."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    return np.stack([right, np.cross(forward, right), forward])


@njit(nogil=True, cache=True)
def _visible(
    local: np.ndarray,
    width: int,
    height: int,
    focal: float,
    max_range: float,
    share: float = 0.05,
    gap: float = 0.08,
) -> np.ndarray:
    """Depth test of points in an optical frame: (V,) bool. A pixel hides what lies well behind its nearest point.

    Well behind: farther by more than `share` of its depth and `gap` metres.
    """
    depth = np.full((height, width), np.float32(np.inf))
    pixel = np.full((len(local), 2), np.int32(-1))
    for i in range(len(local)):
        z = local[i, 2]
        if z < 0.3 or z > max_range:
            continue
        u = int(np.floor(focal * local[i, 0] / z + 0.5 * width))
        v = int(np.floor(focal * local[i, 1] / z + 0.5 * height))
        if 0 <= u < width and 0 <= v < height:
            pixel[i, 0], pixel[i, 1] = v, u
            depth[v, u] = min(depth[v, u], z)
    visible = np.zeros(len(local), np.bool_)
    for i in range(len(local)):
        v, u = pixel[i]
        if v < 0:
            continue
        nearest = depth[v, u]  # of this pixel and its four neighbours: sparse surfaces hide what is behind them, too
        for dv, du in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if 0 <= v + dv < height and 0 <= u + du < width:
                nearest = min(nearest, depth[v + dv, u + du] + np.float32(0.05))
        visible[i] = local[i, 2] <= nearest * (1.0 + share) + gap
    return visible
