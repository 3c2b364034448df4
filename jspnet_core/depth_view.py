"""What a depth camera sees of a labelled room: for training blocks and for scoring single views."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.blocks import extent


@dataclass(frozen=True)
class View:
    """A depth camera. Angles in radians, lengths in metres."""

    width: int = 96
    height: int = 72
    focal: float = 0.9  # in image widths: 58 degrees across, a common depth camera
    max_range: float = 6.0
    noise: float = 0.0015  # standard deviation of the range at 1 m; grows with its square
    tilt: float = 0.02  # standard deviation of the error of the gravity frame
    floor_error: float = 0.02  # standard deviation of the height of the floor


def see(points: np.ndarray, rng: np.random.Generator, view: View) -> tuple[np.ndarray, np.ndarray]:
    """What a depth camera at a random pose inside the room sees.

    points: (V, 3) float32, metres, z up. Returns the indices of the visible points (W,) and their coordinates
    (W, 3) with range noise, in a gravity frame that is a little tilted and off the floor.
    """
    low, high = extent(points)
    eye = rng.uniform(low + 0.1 * (high - low), high - 0.1 * (high - low))
    eye[2] = rng.uniform(0.3, 1.7)
    yaw, pitch = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-0.7, 0.15)
    axes = _camera_axes(yaw, pitch).astype(np.float32)
    local = (points - eye.astype(np.float32)) @ axes.T  # right, down, forward
    visible = np.flatnonzero(_visible(local, view.width, view.height, view.focal * view.width, view.max_range))
    seen = local[visible]
    depth = seen[:, 2:]
    seen = seen * (1.0 + rng.standard_normal(depth.shape, np.float32) * np.float32(view.noise) * depth)
    world = seen @ axes + eye.astype(np.float32)
    slope = rng.normal(0.0, view.tilt, 2)
    world[:, 2] += (world[:, :2] - world[:, :2].mean(axis=0)) @ slope if len(world) else 0.0
    world[:, 2] += rng.normal(0.0, view.floor_error)
    return visible, world.astype(np.float32)


def _camera_axes(yaw: float, pitch: float) -> np.ndarray:
    """Rows: right, down, forward of a level camera turned by `yaw` and raised by `pitch`."""
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    return np.stack([right, np.cross(forward, right), forward])


@njit(nogil=True, cache=True)
def _visible(local: np.ndarray, width: int, height: int, focal: float, max_range: float) -> np.ndarray:
    """Depth test of points in an optical frame: (V,) bool. A pixel hides what lies well behind its nearest point."""
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
        visible[i] = local[i, 2] <= nearest * 1.05 + 0.08
    return visible
