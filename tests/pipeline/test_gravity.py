"""The gravity frame: accuracy on generated and real clouds, and reports of what was not found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jspnet_core.data.rooms import read_room, room_paths
from jspnet_core.pipeline.gravity.estimate import T_ZUP_OPTICAL, Gravity, find_gravity
from jspnet_core.spatial.transforms import transform_points

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
FLOOR = 1
HEIGHT = 1.2  # metres of the made-up camera above the floor


def surface(rng: np.random.Generator, origin: list[float], u: list[float], v: list[float]) -> np.ndarray:
    """Points with 5 mm of noise on the parallelogram origin + a u + b v, 4,000 per square metre."""
    sides = np.array([u, v])
    n = int(4000 * np.linalg.norm(np.cross(*sides)))
    return np.array(origin) + rng.random((n, 2)) @ sides + rng.normal(0, 0.005, (n, 3))


def kitchen(rng: np.random.Generator, with_floor: bool = True) -> np.ndarray:
    """Simulate a camera's view of a room: x forward, y left, z up, floor at 0, camera above (0, 0): (N, 3)."""
    parts = [
        surface(rng, [4, -2, 0], [0, 4, 0], [0, 0, 2]),  # the wall ahead
        surface(rng, [1.5, -2, 0], [2.5, 0, 0], [0, 0, 2]),  # the wall on the right
        surface(rng, [2, 0.2, 0.75], [0.8, 0, 0], [0, 1.6, 0]),  # a table top
        surface(rng, [3, -1.2, 0.4], [0.5, 0.2, 0], [-0.2, 0.5, 0]),  # a stool
    ]
    if with_floor:
        parts.append(surface(rng, [1.2, -2, 0], [2.8, 0, 0], [0, 3, 0]))
    return np.concatenate(parts)


def camera_view(room: np.ndarray, pitch: float, roll: float) -> tuple[np.ndarray, np.ndarray]:
    """The cloud in the optical frame of a camera pitched down and rolled by degrees, and its true up direction."""
    p, r = np.radians([pitch, roll])
    pitched = np.array([[np.cos(p), 0, -np.sin(p)], [0, 1, 0], [np.sin(p), 0, np.cos(p)]])
    rolled = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
    R_optical_room = T_ZUP_OPTICAL[:3, :3].T @ rolled @ pitched
    points = (room - [0, 0, HEIGHT]) @ R_optical_room.T
    in_lens = np.abs(points[:, :2]).max(axis=1) < 0.9 * points[:, 2]
    return points[in_lens].astype(np.float32), R_optical_room[:, 2]


def angle(gravity: Gravity, up: np.ndarray) -> float:
    """Degrees between the up that was found and the true one, in the input's frame."""
    return float(np.degrees(np.arccos(np.clip(gravity.T_gravity_input[2, :3] @ up, -1, 1))))


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, 0), (38, 4), (-15, 0), (15, 12), (30, -10)])
def test_the_tilt_of_a_camera_and_its_height_are_found(pitch: float, roll: float) -> None:
    points, up = camera_view(kitchen(np.random.default_rng(3)), pitch, roll)
    gravity = find_gravity(points, "optical")
    assert angle(gravity, up) < 1.0
    assert gravity.T_gravity_input[2, 3] == pytest.approx(HEIGHT, abs=0.03)
    assert "floor 1.2" in gravity.source


def test_the_heading_is_left_alone() -> None:
    points, _ = camera_view(kitchen(np.random.default_rng(3)), 25, 0)
    forward = find_gravity(points, "optical").T_gravity_input[:3, 2]
    assert np.degrees(np.arctan2(forward[1], forward[0])) == pytest.approx(0, abs=1.0)


def test_without_a_floor_the_tilt_comes_from_walls_and_surfaces_and_that_is_said() -> None:
    room = kitchen(np.random.default_rng(3), with_floor=False)
    room = room[room[:, 2] > 0.5]
    points, up = camera_view(room, 25, 5)
    gravity = find_gravity(points, "optical")
    assert angle(gravity, up) < 2.0
    assert "no floor in view" in gravity.source
    assert np.percentile(transform_points(gravity.T_gravity_input, points)[:, 2], 1) == pytest.approx(0, abs=0.03)


def test_a_bare_wall_tells_the_pitch_and_not_the_roll_and_that_is_said() -> None:
    wall = surface(np.random.default_rng(0), [2, -1.5, 0], [0, 3, 0], [0, 0, 2])
    points, up = camera_view(wall, 20, 0)
    gravity = find_gravity(points, "optical")
    assert angle(gravity, up) < 1.0
    assert "one wall (sideways tilt unknown), no floor in view" in gravity.source
    rolled, up = camera_view(wall, 0, 12)
    assert angle(find_gravity(rolled, "optical"), up) == pytest.approx(12, abs=1.0)


def test_without_surfaces_the_axes_stay_as_the_convention_has_them_and_that_is_said() -> None:
    leaves = np.random.default_rng(0).normal([0, 0, 3], 0.5, (20_000, 3)).astype(np.float32)
    gravity = find_gravity(leaves, "optical")
    np.testing.assert_array_equal(gravity.T_gravity_input[:3, :3], T_ZUP_OPTICAL[:3, :3])
    assert "tilt unknown" in gravity.source


@pytest.mark.parametrize("up_axis", ["z", "auto"])
@pytest.mark.parametrize("level", [-3.0, 2.0, 4.0, 112.0])
def test_a_map_at_any_height_keeps_its_axes(up_axis: str, level: float) -> None:
    room = (kitchen(np.random.default_rng(5)) + np.array([0.1, -0.3, level])).astype(np.float32)
    gravity = find_gravity(room, up_axis)  # type: ignore[arg-type]
    expected = np.eye(4)
    expected[2, 3] = -level
    np.testing.assert_allclose(gravity.T_gravity_input, expected, atol=0.02)
    assert f"floor at {level:.0f}." in gravity.source


AXES_OF = {
    "y up": [[1, 0, 0], [0, 0, 1], [0, -1, 0]],
    "body": np.eye(3),
    "opengl": [[0, -1, 0], [0, 0, 1], [-1, 0, 0]],
    "optical": T_ZUP_OPTICAL[:3, :3].T,
}
"""From x forward, y left, z up to other axes."""


@pytest.mark.parametrize("frame", ["body", "opengl", "optical"])
@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (20, 0), (34, 5), (-15, -8)])
def test_the_axes_of_a_camera_are_found_with_its_tilt(frame: str, pitch: float, roll: float) -> None:
    optical, up = camera_view(kitchen(np.random.default_rng(5)), pitch, roll)
    turn = np.array(AXES_OF[frame]) @ T_ZUP_OPTICAL[:3, :3]
    gravity = find_gravity((optical @ turn.T).astype(np.float32))
    assert angle(gravity, turn @ up) < 1.5
    assert gravity.T_gravity_input[2, 3] == pytest.approx(HEIGHT, abs=0.05)
    forward = gravity.T_gravity_input[:3, :3] @ turn[:, 2]
    assert np.degrees(np.arctan2(forward[1], forward[0])) == pytest.approx(0, abs=2.0)


def test_a_map_with_y_up_is_found() -> None:
    room = kitchen(np.random.default_rng(5)) @ np.array(AXES_OF["y up"]).T + [20.0, 7.0, -4.0]
    gravity = find_gravity(room.astype(np.float32))
    np.testing.assert_allclose(gravity.T_gravity_input[2, :3], [0, 1, 0], atol=0.02)
    assert gravity.T_gravity_input[2, 3] == pytest.approx(-7.0, abs=0.05)


@pytest.mark.parametrize("axis", ["x", "y", "z", "-x", "-y", "-z"])
def test_an_axis_that_is_given_is_taken(axis: str) -> None:
    up = np.zeros(3)
    up["xyz".index(axis[-1])] = -1.0 if axis[0] == "-" else 1.0
    ball = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    gravity = find_gravity(ball, axis)  # type: ignore[arg-type]
    np.testing.assert_allclose(gravity.T_gravity_input[2, :3], up, atol=1e-12)
    assert not gravity.is_sure


def test_a_cloud_without_surfaces_is_a_guess_and_that_is_told() -> None:
    gravity = find_gravity(np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32))
    assert not gravity.is_sure
    assert "set the up axis or the pose" in gravity.source


@pytest.mark.parametrize("mode", ["auto", "optical", "z"])
@pytest.mark.parametrize(
    "points",
    [
        np.empty((0, 3)),
        np.full((5000, 3), np.nan),
        np.array([[1.0, 2.0, 3.0]]),
        np.full((1000, 3), 1e9),
        np.ones((307_200, 3)),
        np.array([[np.inf, 0, 0], [0, -np.inf, 1], [1, 2, 3]]),
    ],
    ids=["empty", "all NaN", "one point", "1e9", "one place", "Inf"],
)
def test_odd_clouds_get_a_rigid_transform_and_a_reason(points: np.ndarray, mode: str) -> None:
    gravity = find_gravity(points.astype(np.float32), mode)  # type: ignore[arg-type]
    R = gravity.T_gravity_input[:3, :3]
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-12)
    assert np.isfinite(gravity.T_gravity_input).all()
    assert not gravity.is_sure
    assert "no floor" in gravity.source or "tilt unknown" in gravity.source


def test_stray_and_missing_returns_change_nothing() -> None:
    rng = np.random.default_rng(3)
    points, up = camera_view(kitchen(rng), 20, 0)
    odd = np.repeat(points[:1], len(points), axis=0)
    odd[: len(odd) // 2] = np.nan
    odd[-20:] = 3e8
    mixed = rng.permutation(np.concatenate([points, odd]))
    gravity = find_gravity(mixed, "auto")
    assert angle(gravity, up) < 1.0
    assert gravity.T_gravity_input[2, 3] == pytest.approx(HEIGHT, abs=0.03)


def test_the_same_seed_gives_the_same_frame() -> None:
    room, _ = camera_view(kitchen(np.random.default_rng(3)), 20, 3)
    frame = np.full((307_200, 3), np.nan, np.float32)
    frame[np.random.default_rng(0).permutation(len(frame))[: len(room)]] = room
    runs = [find_gravity(frame, "auto", rng_seed=4).T_gravity_input for _ in range(3)]
    assert all(np.array_equal(runs[0], run) for run in runs)


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'up', must be one of auto, optical, x"):
        find_gravity(np.zeros((1, 3), np.float32), "up")  # type: ignore[arg-type]


def test_rigid_moves_points_and_keeps_nan() -> None:
    T = T_ZUP_OPTICAL.copy()
    T[2, 3] = 1.5
    moved = transform_points(T, np.array([[1, 2, 3], [np.nan, 0, 0]], np.float32))
    np.testing.assert_array_equal(moved[0], [3, -1, -0.5])
    assert moved.dtype == np.float32
    assert np.isnan(moved[1]).any()


SEVEN = DATA / "rgbd" / "7scenes_tsdf"


@pytest.mark.skipif(not SEVEN.is_dir(), reason="the 7-Scenes frames are not beside this checkout")
def test_a_real_moving_camera_keeps_the_same_up_and_the_same_floor() -> None:
    image = pytest.importorskip("PIL.Image")
    v, u = np.mgrid[:480, :640]
    ups, floors = [], []
    for path in sorted(SEVEN.glob("*.depth.png")):
        z = np.array(image.open(path)).astype(np.float32)
        z = np.where((z == 0) | (z > 60_000), np.nan, z / 1000)
        points = np.stack([(u - 320) / 585 * z, (v - 240) / 585 * z, z], axis=-1).reshape(-1, 3).astype(np.float32)
        gravity = find_gravity(points, "auto")
        T_world_camera = np.loadtxt(path.with_name(path.name.replace("depth.png", "pose.txt")))
        ups.append(T_world_camera[:3, :3] @ gravity.T_gravity_input[2, :3])
        if "floor " in gravity.source and "no floor" not in gravity.source:
            floors.append((T_world_camera[:3, 3], gravity.T_gravity_input[2, 3]))
    up = np.median(ups, axis=0)
    up /= np.linalg.norm(up)
    off = np.degrees(np.arccos(np.clip(np.array(ups) @ up, -1, 1)))
    assert len(off) >= 30
    assert np.median(off) < 2.0  # the camera itself tilts by 18 to 35 degrees
    assert off.max() < 6.0
    levels = [position @ up - height for position, height in floors]
    assert len(levels) >= 15
    assert np.ptp(levels) < 0.2


@pytest.mark.skipif(not (DATA / "s3dis_rooms_npz").is_dir(), reason="the S3DIS rooms are not beside this checkout")
def test_the_floors_of_real_rooms_are_found() -> None:
    for path in room_paths(DATA / "s3dis_rooms_npz", "val"):
        room = read_room(path)
        middle = np.array([*room.points[:, :2].mean(axis=0), 1.3], np.float32)
        gravity = find_gravity(room.points - middle, "auto")
        floor = np.median(room.points[room.label == FLOOR, 2]) - middle[2]
        assert -gravity.T_gravity_input[2, 3] == pytest.approx(floor, abs=0.05), (room.name, gravity.source)
