"""Simulated depth-camera views of labelled rooms, for training blocks and for evaluation of single frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from jspnet_core.pipeline.blocks import extent
from jspnet_core.spatial.transforms import rotate_points, transform_points


class DepthCamera(BaseModel):
    """Depth camera and a colour camera beside it. Angles in radians, lengths in metres."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(96, ge=1, description="pixels")
    height: int = Field(72, ge=1, description="pixels")
    focal: float = Field(0.9, gt=0, description="in image widths; 0.9: 58 degrees across, a common depth camera")
    max_range: float = Field(6.0, gt=0.3, description="metres")
    noise: float = Field(0.0015, ge=0, description="standard deviation of the range at 1 m; grows with its square")
    tilt: float = Field(0.02, ge=0, description="standard deviation of the gravity error about x and about y")
    floor_error: float = Field(0.02, ge=0, description="standard deviation of the floor height error")
    color_baseline: float = Field(0.03, description="offset of the colour camera to the right of the depth camera")
    color_focal: float = Field(
        0.92, gt=0, description="focal length of the colour camera, in image widths; a larger one has a smaller view"
    )


@dataclass(frozen=True)
class CameraView:
    """One simulated frame.

    visible: (W,) int64, indices of the visible points. points: (W, 3) float32, their coordinates with range noise, in a
    gravity frame with tilt and floor errors. colored: (W,) bool, whether the colour camera sees a point, too; points at
    depth edges and at the image border may be hidden from it.
    """

    visible: np.ndarray
    points: np.ndarray
    colored: np.ndarray


@dataclass(frozen=True)
class CameraPose:
    """Pose of a camera without roll. eye: (3,) float64, metres. yaw, pitch: radians, pitch upwards."""

    eye: np.ndarray
    yaw: float
    pitch: float


def random_camera_pose(points: np.ndarray, rng: np.random.Generator) -> CameraPose:
    """Draw a pose inside a room, 0.3 to 1.7 m above its floor. points: (V, 3) float32, metres, z up."""
    low, high = extent(points)
    eye = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
    eye[2] = rng.uniform(0.3, 1.7)
    return CameraPose(eye, yaw=rng.uniform(0.0, 2.0 * np.pi), pitch=rng.uniform(-0.7, 0.15))


def simulate_view(
    points: np.ndarray, rng: np.random.Generator, view: DepthCamera, pose: CameraPose | None = None
) -> CameraView:
    """Simulate a camera view of a room. points: (V, 3) float32, metres, z up, floor at 0. pose: None: a random one.

    With a pose, points beyond the camera's range may be left out: they are not visible and hide nothing.
    """
    pose = pose or random_camera_pose(points, rng)
    axes = _camera_axes(pose.yaw, pose.pitch).astype(np.float32)
    local = rotate_points(axes, points - pose.eye.astype(np.float32))  # right, down, forward
    visible = np.flatnonzero(_visible(local, view.width, view.height, view.focal * view.width, view.max_range))
    seen = local[visible]
    lens = seen - np.array([view.color_baseline, 0.0, 0.0], np.float32)
    colored = _visible(lens, view.width, view.height, view.color_focal * view.width, np.inf, 0.03, 0.05)
    depth = seen[:, 2:]
    seen = seen * (1.0 + rng.standard_normal(depth.shape, np.float32) * np.float32(view.noise) * depth)
    world = _add_pose_errors(rotate_points(axes.T, seen) + pose.eye.astype(np.float32), rng, view)
    return CameraView(visible, world, colored)


def _add_pose_errors(points: np.ndarray, rng: np.random.Generator, camera: DepthCamera) -> np.ndarray:
    """Apply errors of gravity and floor height to points (W, 3): a tilt about their centre, and a shift in z."""
    center = points[:, :2].mean(axis=0) if len(points) else np.zeros(2)
    return transform_points(gravity_error(center, rng, camera), points).astype(np.float32)


def gravity_error(center: np.ndarray, rng: np.random.Generator, camera: DepthCamera) -> np.ndarray:
    """Draw errors of gravity and floor height: (4, 4) float64, a tilt about `center` (2,) on the floor, and a shift."""
    error, foot = np.eye(4), np.array([center[0], center[1], 0.0])
    error[:3, :3] = Rotation.from_rotvec([*rng.normal(0.0, camera.tilt, 2), 0.0]).as_matrix()
    error[:3, 3] = foot - error[:3, :3] @ foot + [0.0, 0.0, rng.normal(0.0, camera.floor_error)]
    return error


def _camera_axes(yaw: float, pitch: float) -> np.ndarray:
    """Return the axes right, down and forward of a camera as rows."""
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
    """Depth test of points in an optical frame: (V,) bool. A pixel hides points behind its nearest one.

    Behind: farther by more than `share` of its depth plus `gap` metres.
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
        nearest = depth[v, u]  # of this pixel and its four neighbours, so that sparse surfaces hide points, too
        for dv, du in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            if 0 <= v + dv < height and 0 <= u + du < width:
                nearest = min(nearest, depth[v + dv, u + du] + np.float32(0.05))
        visible[i] = local[i, 2] <= nearest * (1.0 + share) + gap
    return visible
