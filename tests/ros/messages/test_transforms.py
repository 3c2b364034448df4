"""Poses and transforms of messages."""

from __future__ import annotations

import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, Transform, Vector3
from scipy.spatial.transform import Rotation

from jspnet_ros.messages.transforms import matrix, parse_pose, pose_message, split_far, transform_matrix, transformed
from tests.ros.poses import CAMERA_POSE, pose_matrix


def test_a_pose_in_words_is_the_pose_of_the_sensor():
    T = parse_pose(CAMERA_POSE)
    forward, down = np.array([0, 0, 2.0, 1]), np.array([0, 1.2, 0, 1])
    np.testing.assert_allclose((T @ forward)[:3], [2.5, -0.25, 1.2], atol=1e-6)
    np.testing.assert_allclose((T @ down)[:3], [0.5, -0.25, 0.0], atol=1e-6)
    np.testing.assert_allclose(pose_matrix(pose_message(T)), T, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3", "six numbers"),
        ("a b c d e f", "six numbers"),
        ("0 0 nan 0 0 0", "six numbers"),
        ("1 2 3 4 5 6 7", "six numbers"),
        ("0 0 1e300 0 0 0", "within 10000 m"),
        ("0 -10001 1 0 0 0", "within 10000 m"),
        ("0 0 1.2 -90 0 -90", "look like degrees"),
    ],
)
def test_other_words_are_refused(text: str, words: str):
    with pytest.raises(ValueError, match=words):
        parse_pose(text)


BAD = {
    "translation": (Vector3(x=1e300), Quaternion(w=1.0)),
    "NaN": (Vector3(y=float("nan")), Quaternion(w=1.0)),
    "no rotation": (Vector3(), Quaternion(x=0.0, y=0.0, z=0.0, w=0.0)),
    "NaN rotation": (Vector3(), Quaternion(x=float("nan"))),
    "Inf rotation": (Vector3(), Quaternion(z=float("inf"))),
}


@pytest.mark.parametrize("case", BAD)
def test_absurd_transforms_are_refused_with_what_is_accepted(case: str):
    translation, rotation = BAD[case]
    with pytest.raises(ValueError, match="accepted"):
        transform_matrix(Transform(translation=translation, rotation=rotation))


def test_transforms_and_poses_agree():
    rng = np.random.default_rng(0)
    for R in Rotation.random(20, random_state=0).as_matrix():
        T = matrix(rng.normal(size=3), R)
        p = pose_message(T)
        translation = Vector3(x=p.position.x, y=p.position.y, z=p.position.z)
        np.testing.assert_allclose(transform_matrix(Transform(translation=translation, rotation=p.orientation)), T)


def test_points_far_away_are_kept_to_a_tenth_of_a_millimetre():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(100, 3)).astype(np.float32)
    T = matrix(np.array([500_000.125, 5_000_000.5, 1.0]), Rotation.from_euler("z", 0.7).as_matrix())
    exact = points.astype(np.float64) @ T[:3, :3].T + T[:3, 3]
    np.testing.assert_allclose(transformed(T, points), exact, atol=1e-4)
    shift, near = split_far(T)
    np.testing.assert_array_equal(matrix(shift, np.eye(3)) @ near, T)
    assert np.abs(near[:3, 3]).max() < 1024
    assert shift[2] == 0
    np.testing.assert_allclose(transformed(near, points) + shift, exact, atol=1e-4)


def test_points_near_the_origin_stay_float32():
    points = np.ones((3, 3), np.float32)
    assert transformed(np.eye(4), points) is points
    assert transformed(matrix(np.array([10.0, 0, 0]), np.eye(3)), points).dtype == np.float32
