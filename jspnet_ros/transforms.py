"""Poses and transforms of messages as 4 x 4 matrices. `T_a_b` takes coordinates in frame b to frame a, metres."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion
from scipy.spatial.transform import Rotation


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
    return matrix(numbers[:3], Rotation.from_euler("xyz", numbers[3:]))


def pose_message(T: np.ndarray) -> Pose:
    """(4, 4) rigid transform to the pose of its right-hand frame in its left-hand one."""
    x, y, z, w = (float(q) for q in Rotation.from_matrix(T[:3, :3]).as_quat())
    return Pose(position=point_message(T[:3, 3]), orientation=Quaternion(x=x, y=y, z=z, w=w))


def point_message(xyz: np.ndarray) -> Point:
    """(3,) metres to a Point."""
    return Point(x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def matrix(translation: np.ndarray, rotation: Rotation) -> np.ndarray:
    """(3,) metres and a rotation to (4, 4) float64."""
    T = np.eye(4)
    T[:3, :3] = rotation.as_matrix()
    T[:3, 3] = translation
    return T
