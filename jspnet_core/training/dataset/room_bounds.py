"""What training asks of every room once, so that cutting a block reads no more of a room than it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.data.rooms import MIN_POINTS, Room, RoomFileError, lacks_instances
from jspnet_core.pipeline.blocks import extent

DIRECTIONS = 64


@dataclass(frozen=True)
class RoomBounds:
    """low, high: (3,) float32, the room's extent. counts: (classes,) int64, points of each class.

    corners: (H, 3) float32, its outermost points on the ground in 64 directions, at the heights of its lowest and its
    highest point: however they are turned, their extent is the room's within 0.2 %, and not turned, exactly.
    """

    low: np.ndarray
    high: np.ndarray
    corners: np.ndarray
    counts: np.ndarray


def room_bounds(room: Room, classes: int) -> RoomBounds:
    """Read a room once: its extent and its points by class."""
    points = np.asarray(room.points)
    low, high = extent(points)
    ground = points[_outermost(points, DIRECTIONS), :2]
    corners = np.concatenate([np.c_[ground, np.full(len(ground), z)] for z in (low[2], high[2])]).astype(np.float32)
    counts = np.bincount(room.label, minlength=UNLABELLED + 1)[:classes]
    return RoomBounds(low, high, corners, counts)


def check_rooms(rooms: Sequence[Room], classes: ClassTable, folder: Path | str, split: str) -> None:
    """Raise `RoomFileError`, naming the room, for one that cannot train a network with these classes."""
    if not rooms:
        raise RoomFileError(f"{folder}: split {split!r} has no rooms; training needs one or more")
    for room in rooms:
        where = f"{folder}, room {room.name}"
        if len(room) < MIN_POINTS:
            raise RoomFileError(f"{where}: {len(room)} points, fewer than a block needs ({MIN_POINTS})")
        labels = np.flatnonzero(np.bincount(room.label, minlength=UNLABELLED + 1))
        unknown = labels[(labels >= len(classes)) & (labels != UNLABELLED)]
        if len(unknown):
            raise RoomFileError(
                f"{where}: class ids {', '.join(map(str, unknown))}; the {len(classes)} classes are 0 to "
                f"{len(classes) - 1} ({', '.join(classes.names)}), {UNLABELLED} is unknown"
            )
        if labels[0] == UNLABELLED:
            raise RoomFileError(f"{where}: no point carries a class")
        if lacks_instances(room):
            raise RoomFileError(
                f"{where}: {len(labels)} classes but one instance id ({int(room.instance[0])}); "
                "training needs an id per object and per piece of structure"
            )


@njit(nogil=True, cache=True)
def _outermost(points: np.ndarray, directions: int) -> np.ndarray:
    """For each of some directions on the ground, the index of the point farthest that way: points (N, 3) float32."""
    angle = 2.0 * np.pi * np.arange(directions) / directions
    c, s = np.cos(angle), np.sin(angle)
    best = np.zeros(directions, np.int64)
    farthest = np.full(directions, -np.inf)
    for i in range(len(points)):
        for d in range(directions):
            value = c[d] * points[i, 0] + s[d] * points[i, 1]
            if value > farthest[d]:
                farthest[d], best[d] = value, i
    return best


@njit(nogil=True, cache=True)
def column(points: np.ndarray, foot: np.ndarray, pose: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """The points of a turned column: those with |x| and |y| of (points - foot) @ pose at most `half`.

    points (N, 3) float32. foot (3,) float32. pose (3, 3) float32, a turn about z, a mirror and a scale: x and y do not
    depend on z. Returns indices (M,) int32, and the transformed points (M, 3) float32. One pass, nothing copied.
    """
    found, moved = np.empty(len(points), np.int32), np.empty((len(points), 3), np.float32)
    a, b, c, d, e = pose[0, 0], pose[1, 0], pose[0, 1], pose[1, 1], pose[2, 2]
    area = abs(a * d - b * c)
    reach_x, reach_y = half * (abs(d) + abs(b)) / area + 1e-3, half * (abs(c) + abs(a)) / area + 1e-3
    count = 0
    for i in range(len(points)):
        x, y = points[i, 0] - foot[0], points[i, 1] - foot[1]
        if abs(x) > reach_x or abs(y) > reach_y:
            continue
        u, v = a * x + b * y, c * x + d * y
        if abs(u) <= half and abs(v) <= half:
            found[count] = i
            moved[count, 0], moved[count, 1], moved[count, 2] = u, v, e * (points[i, 2] - foot[2])
            count += 1
    return found[:count].copy(), moved[:count].copy()


@njit(nogil=True, cache=True)
def points_near(points: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """Indices of the points within `radius` of (x, y) on the ground, along each axis: points (N, 3). (M,) int64.

    One pass, nothing copied: a mapped room is read, not loaded.
    """
    found = np.empty(len(points), np.int64)
    count = 0
    for i in range(len(points)):
        if abs(points[i, 0] - x) <= radius and abs(points[i, 1] - y) <= radius:
            found[count] = i
            count += 1
    return found[:count].copy()
