"""Bounds and class counts of a room, computed once, and selection of points without reading a whole room again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numba import njit

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.data.rooms import MIN_ROOM_POINTS, MappedRoom, Room, RoomFileError, lacks_instances
from jspnet_core.pipeline.blocks import extent

DIRECTIONS = 64
STRIPS = 512


@dataclass(frozen=True)
class RoomBounds:
    """Extent of a room.

    low, high: (3,) float32, metres.
    corners: (H, 3) float32, the outermost points in 64 horizontal directions, at the lowest and the highest z. Their
    extent is that of the room: exactly as they are, within 0.2 % after any rotation about z.
    """

    low: np.ndarray
    high: np.ndarray
    corners: np.ndarray


class BoundsOfRooms(Sequence[RoomBounds]):
    """Bounds of rooms, each computed on first access: of ten thousand frames few are needed at once."""

    def __init__(self, rooms: Sequence[Room]):
        self._rooms = rooms
        self._known: dict[int, RoomBounds] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    @overload
    def __getitem__(self, number: int) -> RoomBounds: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[RoomBounds]: ...

    def __getitem__(self, number: int | slice) -> RoomBounds | Sequence[RoomBounds]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        if number not in self._known:
            self._known[number] = room_bounds(self._rooms[number])
        return self._known[number]


def points_by_class(room: Room, classes: int) -> np.ndarray:
    """Labelled points of each class: (classes,) float64. Of a prepared room the index knows them."""
    counts = np.zeros(classes)
    known = room.entry.class_points if isinstance(room, MappedRoom) else np.bincount(room.label, minlength=1)
    counts[: min(len(known), classes)] = known[:classes]
    return counts


def room_bounds(room: Room) -> RoomBounds:
    """Compute the bounds of a room, reading it once."""
    points = np.asarray(room.points)
    low, high = extent(points)
    ground = points[_outermost(points, DIRECTIONS), :2]
    corners = np.concatenate([np.c_[ground, np.full(len(ground), z)] for z in (low[2], high[2])]).astype(np.float32)
    return RoomBounds(low, high, corners)


def check_rooms(rooms: Sequence[Room], classes: ClassTable, folder: Path | str, split: str) -> None:
    """Raise `RoomFileError` for a room that cannot be used to train a network with these classes."""
    if not rooms:
        raise RoomFileError(f"{folder}: split {split!r} has no rooms, at least one is needed")
    for room in rooms:
        where = f"{folder}, room {room.name}"
        if len(room) < MIN_ROOM_POINTS:
            raise RoomFileError(f"{where}: {len(room)} points, at least {MIN_ROOM_POINTS} are needed")
        labels = np.flatnonzero(np.bincount(room.label, minlength=UNLABELLED + 1))
        unknown = labels[(labels >= len(classes)) & (labels != UNLABELLED)]
        if len(unknown):
            raise RoomFileError(
                f"{where}: contains class ids {', '.join(map(str, unknown))}; accepted are 0 to "
                f"{len(classes) - 1} ({', '.join(classes.names)}), and {UNLABELLED} for unlabelled points"
            )
        if labels[0] == UNLABELLED:
            raise RoomFileError(f"{where}: no point has a class")
        if lacks_instances(room):
            raise RoomFileError(
                f"{where}: {len(labels)} classes but one instance id ({int(room.instance[0])}); "
                "every object, wall, floor and ceiling needs an instance id of its own"
            )


@njit(nogil=True, cache=True)
def _outermost(points: np.ndarray, directions: int) -> np.ndarray:
    """For each of some directions on the ground, the index of the point farthest that way: points (N, 3) float32.

    Only the outermost points of narrow strips along x and along y are compared, whatever the number of points: exact
    along the axes, and within a strip's width, 0.2 % of the extent, elsewhere.
    """
    candidates = _rim(points)
    angle = 2.0 * np.pi * np.arange(directions) / directions
    c, s = np.cos(angle), np.sin(angle)
    best = np.zeros(directions, np.int64)
    farthest = np.full(directions, -np.inf)
    for i in candidates:
        for d in range(directions):
            value = c[d] * points[i, 0] + s[d] * points[i, 1]
            if value > farthest[d]:
                farthest[d], best[d] = value, i
    return best


@njit(nogil=True, cache=True)
def _rim(points: np.ndarray) -> np.ndarray:
    """Indices of the first and last points of STRIPS strips along each axis of the ground: points (N, 3) float32."""
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for i in range(len(points)):
        for axis in range(2):
            low[axis], high[axis] = min(low[axis], points[i, axis]), max(high[axis], points[i, axis])
    scale = STRIPS / np.maximum(high - low, 1e-6)
    first, last = np.full((2, STRIPS), -1, np.int64), np.full((2, STRIPS), -1, np.int64)
    for i in range(len(points)):
        for axis in range(2):
            strip, along = min(int((points[i, axis] - low[axis]) * scale[axis]), STRIPS - 1), points[i, 1 - axis]
            if first[axis, strip] < 0 or along < points[first[axis, strip], 1 - axis]:
                first[axis, strip] = i
            if last[axis, strip] < 0 or along > points[last[axis, strip], 1 - axis]:
                last[axis, strip] = i
    both = np.concatenate((first.ravel(), last.ravel()))
    return both[both >= 0]


@njit(nogil=True, cache=True)
def cut_column(
    points: np.ndarray, origin: np.ndarray, transform: np.ndarray, half: float
) -> tuple[np.ndarray, np.ndarray]:
    """Select the points of a rotated column: those with |x| and |y| of (points - origin) @ transform up to `half`.

    points (N, 3) float32. origin (3,) float32. transform (3, 3) float32: rotation about z, mirroring and scale. Returns
    indices (M,) int32 and the transformed points (M, 3) float32. One pass without copies of the room.
    """
    found, moved = np.empty(len(points), np.int32), np.empty((len(points), 3), np.float32)
    a, b, c, d, e = transform[0, 0], transform[1, 0], transform[0, 1], transform[1, 1], transform[2, 2]
    area = abs(a * d - b * c)
    reach_x, reach_y = half * (abs(d) + abs(b)) / area + 1e-3, half * (abs(c) + abs(a)) / area + 1e-3
    count = 0
    for i in range(len(points)):
        x, y = points[i, 0] - origin[0], points[i, 1] - origin[1]
        if abs(x) > reach_x or abs(y) > reach_y:
            continue
        u, v = a * x + b * y, c * x + d * y
        if abs(u) <= half and abs(v) <= half:
            found[count] = i
            moved[count, 0], moved[count, 1], moved[count, 2] = u, v, e * (points[i, 2] - origin[2])
            count += 1
    return found[:count].copy(), moved[:count].copy()


@njit(nogil=True, cache=True)
def points_near(points: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    """Return the indices (M,) int64 of points (N, 3) in the square of half width `radius` around (x, y).

    One pass without copies: a memory-mapped room is not loaded.
    """
    found = np.empty(len(points), np.int64)
    count = 0
    for i in range(len(points)):
        if abs(points[i, 0] - x) <= radius and abs(points[i, 1] - y) <= radius:
            found[count] = i
            count += 1
    return found[:count].copy()
