"""Rigid transforms of point arrays. `T_b_a` maps coordinates of frame a to frame b."""

from __future__ import annotations

import numpy as np


def transform_points(T: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply a rigid transform. T: (4, 4); points: (N, 3). Returns (N, 3) of the points' dtype; NaN stays NaN."""
    moved = rotate_points(T[:3, :3], points)
    moved += T[:3, 3].astype(points.dtype)
    return moved


def rotate_points(R: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Multiply R (3, 3) with each of the points (N, 3). Returns (N, 3) of the points' dtype.

    Computed by columns: a matrix product of so narrow a matrix takes several times as long, and wakes the threads of
    the BLAS, which then spin for tens of milliseconds on the cores that the next stages need.
    """
    turned, (x, y, z) = np.empty(points.shape, points.dtype), points.T
    for axis, (a, b, c) in enumerate(R.astype(points.dtype)):
        turned[:, axis] = a * x + b * y + c * z
    return turned


def rotation_about_z(degrees: float) -> np.ndarray:
    """Transform (4, 4) float64 that rotates by an angle about the z axis, counter-clockwise seen from above."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    T = np.eye(4)
    T[:2, :2] = [[c, -s], [s, c]]
    return T
