"""Camera poses of robots and people: on free floor, near furniture or looking across the room."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.render.raster import View, draw
from jspnet_core.synthetic.render.triangles import Triangles
from jspnet_core.synthetic.sensors.devices import focal

NEAR_SHARE = 1 / 3
"""Share of the poses that look at a piece of furniture from within NEAR_REACH metres."""

NEAR_REACH = 1.5
NEAREST = 0.35
SMALLEST = 0.1
"""Metres, half the diagonal of the smallest thing that is looked at from close by."""

PREVIEW = (48, 36)
"""Pixels of the picture that `interest` judges a pose by."""

LOWEST, HIGHEST = 0.15, 2.0
STEEPEST_DOWN, STEEPEST_UP = np.radians(60.0), np.radians(45.0)
_STRUCTURE = [CLASS_ID[name] for name in ("ceiling", "floor", "wall", "beam", "column")]


def random_pose(scene: FurnishedScene, triangles: Triangles, rng: np.random.Generator) -> np.ndarray:
    """T_world_camera, (4, 4) float64, optical frame, on the scene's free floor. Raises ValueError for none."""
    free = [places for places in scene.free if len(places)]
    if not free:
        raise ValueError(f"scene {scene.name}: no room has free floor to stand on")
    height = float(np.clip(_height(rng), LOWEST, min(HIGHEST, scene.ceiling - 0.1)))
    roll = float(rng.normal(0.0, np.radians(2.5)))
    if rng.random() < NEAR_SHARE:
        pose = _near(triangles, np.concatenate(free), height, roll, rng)
        if pose is not None:
            return pose
    places = free[int(rng.integers(len(free)))]
    place = places[int(rng.integers(len(places)))]
    pitch = float(np.clip(rng.normal(np.radians(12.0), np.radians(20.0)), -STEEPEST_UP, STEEPEST_DOWN))
    far = places[np.argsort(np.square(places - place).sum(1))[-max(len(places) // 2, 1) :]]
    across = far[int(rng.integers(len(far)))] - place  # rather into the room than at the wall behind one's back
    yaw = float(np.arctan2(across[1], across[0]) + rng.normal(0.0, 0.6)) if rng.random() < 0.7 else _any_yaw(rng)
    return aim(np.append(place, height), yaw, pitch, roll)


def _any_yaw(rng: np.random.Generator) -> float:
    return float(rng.uniform(-np.pi, np.pi))


def _height(rng: np.random.Generator) -> float:
    """Camera heights on vacuum cleaners, small and large robots, people and shelves."""
    middle = rng.choice((0.2, 0.5, 1.0, 1.4, 1.8), p=(0.15, 0.2, 0.25, 0.25, 0.15))
    return float(rng.normal(middle, 0.18))


def _near(
    triangles: Triangles, free: np.ndarray, height: float, roll: float, rng: np.random.Generator
) -> np.ndarray | None:
    """A pose that looks at some piece of furniture from close by; None where there is none, or no way to it."""
    t = triangles
    label = t.label[np.minimum(t.face_start[:-1], len(t) - 1)]
    share = np.where((t.radius > SMALLEST) & ~np.isin(label, _STRUCTURE), np.minimum(t.radius, 1.0), 0.0)
    share = share.astype(float)
    for _ in range(12 if share.any() else 0):
        chosen = int(rng.choice(len(share), p=share / share.sum()))
        middle, half = t.center[chosen].astype(float), t.half[chosen].astype(float)
        gap = np.linalg.norm(np.maximum(np.abs(free - middle[:2]) - half[:2], 0.0), axis=1)
        close = np.flatnonzero((gap > NEAREST) & (gap < NEAR_REACH))
        if not len(close) or middle[2] - half[2] > 2.2:
            continue
        place = free[close[int(rng.integers(len(close)))]]
        to = middle + rng.normal(0.0, 0.3, 3) * half - np.append(place, height)
        pitch = -np.arctan2(to[2], max(np.hypot(to[0], to[1]), 0.2)) + rng.normal(0.0, np.radians(7.0))
        yaw = np.arctan2(to[1], to[0]) + rng.normal(0.0, np.radians(10.0))
        return aim(np.append(place, height), float(yaw), float(np.clip(pitch, -STEEPEST_UP, STEEPEST_DOWN)), roll)
    return None


def interest(triangles: Triangles, pose: np.ndarray, field: float) -> float:
    """Score the view from a pose: more for many objects, less for a bare wall or a view into furniture.

    field: horizontal field of view in degrees.
    """
    length = focal(PREVIEW[0], min(field, 100.0))
    middle = (PREVIEW[0] - 1) / 2, (PREVIEW[1] - 1) / 2
    drawn = draw(triangles, View(pose, *PREVIEW, length, length, *middle))
    seen = drawn.opaque >= 0
    if not seen.any():
        return -1.0
    face = drawn.opaque[seen]
    things = ~np.isin(triangles.label[face], _STRUCTURE)
    _, pixels = np.unique(triangles.instance[face][things], return_counts=True)
    objects = int(np.count_nonzero(pixels > 0.005 * seen.size))
    blocked = np.mean(drawn.depth < 0.45)
    return min(objects, 10) / 10 + min(float(things.mean()), 0.4) - 2.0 * max(float(blocked) - 0.25, 0.0)


def aim(eye: np.ndarray, yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Camera at `eye`, (3,) metres, looking along `yaw` (from +x to +y), `pitch` down, turned by `roll`; radians.

    Returns T_world_camera, (4, 4) float64, optical frame.
    """
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    level = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    down = np.cross(forward, level)
    right = np.cos(roll) * level + np.sin(roll) * down
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose
