"""Clouds with a known up direction: camera frames and maps of generated and of real rooms, in random frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from jspnet_core.data.depth_view import CameraPose, DepthCamera, simulate_view
from jspnet_core.data.rooms import Room, read_room, room_paths
from jspnet_core.pipeline.gravity.estimate import T_ZUP_OPTICAL
from jspnet_core.spatial.transforms import transform_points
from jspnet_core.synthetic import KINDS, Camera, Scene, make_scene
from jspnet_core.synthetic.primitives.path import free_floor, look

FLOOR = 1
CAMERA_AXES = {
    "optical": T_ZUP_OPTICAL[:3, :3].T,
    "body": np.eye(3),
    "opengl": np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]),
}
"""From x forward, y left, z up to the axes of a camera's cloud."""

MAP_AXES = {"map z up": np.eye(3), "map y up": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])}
"""From z up to the axes of a map."""


@dataclass(frozen=True)
class GravityCase:
    """One cloud and its true frame.

    points: (N, 3) float32, metres, input frame. up: (3,) float64, unit, in the input frame.
    floor: height of the floor along `up`, metres. floor_area: square metres of floor in view (0.04 m voxels).
    """

    points: np.ndarray
    up: np.ndarray
    floor: float
    floor_area: float
    frame: str
    source: str
    pitch: float
    roll: float
    height: float


def frames(count: int, seed: int, rooms: Path | None, kinds: tuple[str, ...] = KINDS) -> Iterator[GravityCase]:
    """Draw `count` clouds: sources and frames of reference in turn, poses at random."""
    rng = np.random.default_rng(seed)
    real = [read_room(path) for split in ("train", "val") for path in room_paths(rooms, split)] if rooms else []
    left = 0
    for i in range(count):
        if real and i % 2:
            room = real[int(rng.integers(len(real)))]
            yield _of_room(room, rng)
            continue
        if left == 0:
            number = 500_000 + int(rng.integers(400_000))
            left = 6
            scene = make_scene(number, kinds[number % len(kinds)])
        left -= 1
        yield _of_scene(scene, rng)


def _pose(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Height in metres; yaw, pitch (down positive) and roll in degrees."""
    roll = rng.uniform(-20, 20) if rng.random() < 0.5 else rng.normal(0.0, 2.0)
    return rng.uniform(0.15, 2.5), rng.uniform(0.0, 360.0), rng.uniform(-45.0, 60.0), roll


def _of_scene(scene: Scene, rng: np.random.Generator) -> GravityCase:
    height, yaw, pitch, roll = _pose(rng)
    free = free_floor(scene.solids, scene.size, clearance=0.35)
    eye = np.append(free[rng.integers(len(free))], min(height, scene.size[2] - 0.2))
    T_world_camera = look(eye, np.radians(yaw), np.radians(pitch))
    T_world_camera[:3, :3] = T_world_camera[:3, :3] @ Rotation.from_euler("z", roll, degrees=True).as_matrix()
    frame = scene.depth_frame(T_world_camera, rng, Camera(320, 240, 262.5, 262.5, 159.5, 119.5))
    seen = np.isfinite(frame.points[..., 2])
    world = transform_points(T_world_camera, frame.points[seen].astype(np.float64))
    return _case(world, frame.label[seen] == FLOOR, T_world_camera, "generated", (pitch, roll), rng)


def _of_room(room: Room, rng: np.random.Generator) -> GravityCase:
    floor = float(np.median(room.points[room.label == FLOOR, 2]))
    points = (room.points - np.array([0.0, 0.0, floor], np.float32)).astype(np.float32)
    if rng.random() < 0.25:  # the whole room as a map
        return _case(points.astype(np.float64), room.label == FLOOR, None, "real map", (0.0, 0.0), rng)
    height, yaw, pitch, roll = _pose(rng)
    low, high = points.min(0), points.max(0)
    eye = rng.uniform(low + 0.15 * (high - low), high - 0.15 * (high - low)).astype(np.float64)
    eye[2] = min(height, high[2] - 0.2)
    view = DepthCamera(width=160, height=120, tilt=0.0, floor_error=0.0)
    sight = simulate_view(points, rng, view, CameraPose(eye, np.radians(yaw), np.radians(-pitch)))
    T_world_camera = look(eye, np.radians(yaw), np.radians(pitch))
    T_world_camera[:3, :3] = T_world_camera[:3, :3] @ Rotation.from_euler("z", roll, degrees=True).as_matrix()
    return _case(
        sight.points.astype(np.float64), room.label[sight.visible] == FLOOR, T_world_camera, "real", (pitch, roll), rng
    )


def _case(
    world: np.ndarray,
    on_floor: np.ndarray,
    T_world_camera: np.ndarray | None,
    source: str,
    tilt: tuple[float, float],
    rng: np.random.Generator,
) -> GravityCase:
    """The cloud, (N, 3) metres with the floor at z = 0, in a frame of reference drawn at random."""
    cells = (
        np.unique(np.floor(world[on_floor] / 0.04).astype(int)[:, :2], axis=0) if on_floor.any() else np.empty((0, 2))
    )
    area = len(cells) * 0.04**2
    if T_world_camera is None or rng.random() < 0.25:
        name = str(rng.choice(list(MAP_AXES)))
        turn = MAP_AXES[name] @ Rotation.from_euler("z", rng.uniform(0, 360), degrees=True).as_matrix()
        start = np.zeros(3) if T_world_camera is None else T_world_camera[:3, 3]
        far = rng.uniform([-30, -30, -30], [30, 30, 120]) if rng.random() < 0.4 else rng.normal(0, 1.0, 3)
        if rng.random() < 0.2:  # a robot's base frame: its origin on the floor below the sensor
            far = np.zeros(3)
        origin = start * [1.0, 1.0, 0.0] - far
        points, up, height = (world - origin) @ turn.T, turn[:, 2], 0.0
        floor = float(far[2])
    else:
        name = str(rng.choice(list(CAMERA_AXES)))
        turn = CAMERA_AXES[name] @ T_ZUP_OPTICAL[:3, :3] @ T_world_camera[:3, :3].T
        points, up, height = (world - T_world_camera[:3, 3]) @ turn.T, turn[:, 2], float(T_world_camera[2, 3])
        floor = -height
    return GravityCase(points.astype(np.float32), up, floor, area, name, source, *tilt, height)
