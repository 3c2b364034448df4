"""Poses and transforms of messages as 4 x 4 matrices. `T_a_b` takes coordinates in frame b to frame a, metres."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion


def parse_pose(text: str) -> np.ndarray:
    """'x y z roll pitch yaw' in metres and radians (fixed axes) to T_gravity_sensor: (4, 4) float64.

    Raises `ValueError` where these are not six finite numbers.
    """
    accepted = "six numbers are accepted: x y z in metres, roll pitch yaw in radians"
    try:
        numbers = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        raise ValueError(accepted) from None
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise ValueError(accepted)
    return matrix(numbers[:3], _from_euler(*numbers[3:]))


def pose_message(T: np.ndarray) -> Pose:
    """(4, 4) rigid transform to the pose of its right-hand frame in its left-hand one."""
    x, y, z, w = (float(q) for q in _to_quaternion(T[:3, :3]))
    return Pose(position=point_message(T[:3, 3]), orientation=Quaternion(x=x, y=y, z=z, w=w))


def point_message(xyz: np.ndarray) -> Point:
    """(3,) metres to a Point."""
    return Point(x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def matrix(translation: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(3,) metres and a rotation (3, 3) to (4, 4) float64."""
    T = np.eye(4)
    T[:3, :3] = rotation
    T[:3, 3] = translation
    return T


def from_quaternion(x: float, y: float, z: float, w: float) -> np.ndarray:
    """The rotation (3, 3) float64 of a quaternion of any length but 0. Raises `ValueError` for that."""
    q = np.array([x, y, z, w], np.float64)
    length = np.linalg.norm(q)
    if not length > 0:
        raise ValueError(f"quaternion is {x} {y} {z} {w}, its length must not be 0")
    x, y, z, w = q / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def _from_euler(roll: float, pitch: float, yaw: float) -> np.ndarray:
    """About the fixed axes x, then y, then z, in radians: (3, 3)."""
    half = 0.5 * np.array([roll, pitch, yaw])
    (a, b, c), (u, v, w) = np.sin(half), np.cos(half)
    return from_quaternion(a * v * w - u * b * c, u * b * w + a * v * c, u * v * c - a * b * w, u * v * w + a * b * c)


def _to_quaternion(R: np.ndarray) -> np.ndarray:
    """x y z w of a rotation (3, 3): the column of 4 q q^T whose square on the diagonal is largest, to divide by it."""
    d = np.diag(R)
    outer = np.empty((4, 4))
    outer[:3, :3] = R + R.T
    outer[[0, 1, 2], [0, 1, 2]] = 1 + 2 * d - d.sum()
    outer[:3, 3] = outer[3, :3] = R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]
    outer[3, 3] = 1 + d.sum()
    q = outer[outer.diagonal().argmax()]
    return q / np.linalg.norm(q)
