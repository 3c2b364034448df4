"""Poses and transforms of messages as 4 x 4 matrices. `T_a_b` takes coordinates in frame b to frame a, metres."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Transform
from scipy.spatial.transform import Rotation

from jspnet_core.spatial.transforms import transform_points

FAR = 4096.0
"""Metres; float32 resolves half a millimetre up to here."""

OFFSET_STEP = 1024.0
"""Metres; offsets are multiples of this, which float32 and float64 subtract without rounding."""

MAX_TRANSLATION = 1e8
"""Metres; every place on Earth has map coordinates below this (UTM, geocentric), a larger number is an error."""

MAX_SENSOR_OFFSET = 1e4
"""Metres, for each of x, y and z of a sensor's pose above the floor."""

_MAX_ANGLE = 2 * math.pi + 1e-3


def parse_pose(text: str) -> np.ndarray:
    """Parse 'x y z roll pitch yaw' (metres, radians, fixed axes) as T_gravity_sensor, (4, 4) float64.

    Raises `ValueError` for anything but six finite numbers, offsets beyond `MAX_SENSOR_OFFSET`, and angles beyond a
    full turn, which are degrees.
    """
    accepted = "six numbers are accepted: x y z in metres, roll pitch yaw in radians"
    try:
        numbers = np.array([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        raise ValueError(accepted) from None
    if numbers.shape != (6,) or not np.isfinite(numbers).all():
        raise ValueError(accepted)
    if np.abs(numbers[:3]).max() > MAX_SENSOR_OFFSET:
        raise ValueError(f"{accepted}, x y z within {MAX_SENSOR_OFFSET:.0f} m; found {' '.join(map(str, numbers[:3]))}")
    if np.abs(numbers[3:]).max() > _MAX_ANGLE:
        found = " ".join(map(str, numbers[3:]))
        raise ValueError(f"{accepted}, each angle within 2 pi; found {found}, which look like degrees")
    return matrix(numbers[:3], Rotation.from_euler("xyz", numbers[3:]).as_matrix())


def transform_matrix(transform: Transform) -> np.ndarray:
    """Convert a transform message to (4, 4) float64.

    Raises `ValueError` for numbers that are not finite, a quaternion of length 0 and a translation beyond
    `MAX_TRANSLATION`.
    """
    t, q = transform.translation, transform.rotation
    translation, quaternion = np.array([t.x, t.y, t.z]), np.array([q.x, q.y, q.z, q.w])
    if not (np.isfinite(translation).all() and np.abs(translation).max() <= MAX_TRANSLATION):
        raise ValueError(f"its translation is {t.x} {t.y} {t.z} m, up to {MAX_TRANSLATION:.0e} m are accepted")
    length = math.hypot(*quaternion)
    if not (math.isfinite(length) and length > 1e-6):
        raise ValueError(f"its quaternion is {q.x} {q.y} {q.z} {q.w}, length 1 is accepted")
    return matrix(translation, Rotation.from_quat(quaternion / length).as_matrix())


def pose_message(T: np.ndarray) -> Pose:
    """Convert T_a_b, (4, 4) and rigid, to the pose of frame b in frame a."""
    x, y, z, w = (float(q) for q in Rotation.from_matrix(T[:3, :3]).as_quat())
    return Pose(position=point_message(T[:3, 3]), orientation=Quaternion(x=x, y=y, z=z, w=w))


def point_message(xyz: np.ndarray) -> Point:
    """Convert (3,) metres to a Point."""
    return Point(x=float(xyz[0]), y=float(xyz[1]), z=float(xyz[2]))


def matrix(translation: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Join a translation (3,) in metres and a rotation (3, 3) to a transform, (4, 4) float64."""
    T = np.eye(4)
    T[:3, :3] = rotation
    T[:3, 3] = translation
    return T


def transformed(T: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Apply T (4, 4) float64 to points (N, 3) float32, which are returned as they are where T is the identity.

    The result is float32, and float64 where T shifts by more than `FAR`: float32 would round to a millimetre or worse.
    """
    if (np.eye(4) == T).all():
        return points
    if np.abs(T[:3, 3]).max() <= FAR:
        return transform_points(T, points)
    return points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]


def split_far(T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split T (4, 4) into a shift (3,) along x and y and the rest, near the origin; T = translation(shift) @ rest.

    The shift is in whole steps of `OFFSET_STEP`, 0 where the translation is within `FAR`.
    """
    xy = np.abs(T[:3, 3]) > FAR
    xy[2] = False  # the floor stays at z = 0
    shift = np.where(xy, np.round(T[:3, 3] / OFFSET_STEP) * OFFSET_STEP, 0.0)
    return shift, matrix(T[:3, 3] - shift, T[:3, :3])
