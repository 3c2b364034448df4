"""Writer of rooms in the prepared format."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.data.room_index import COLUMNS, SUFFIX, RoomEntry, RoomFileError, column_offsets, file_hash
from jspnet_core.data.rooms import MIN_ROOM_POINTS, Room, lacks_instances
from jspnet_core.io.atomic import replacing

MORTON_CELL = 0.25
"""Metres, edge of the ground cells by which points are sorted."""


def write_room(folder: Path, room: Room, classes: ClassTable, source: str, keep_height: bool = False) -> RoomEntry:
    """Write one room to FOLDER/NAME.room and return its entry of the index.

    room: points in any frame with z up, metres, float32 or float64; they are shifted to the room's minimum corner.
    keep_height: shift x and y only: z is above the floor already, which may be out of view.
    Raises `RoomFileError`, naming the source, for a room that cannot be used for training.
    """
    check_room(room, classes, source)
    origin = room.points.min(axis=0).astype(np.float64)
    if keep_height:
        origin[2] = 0.0
    points = (room.points - origin).astype(np.float32)
    order = morton_order(points)
    columns = {
        "points": points[order],
        "colors": room.colors[order],
        "label": room.label[order],
        "instance": room.instance[order],
    }
    path = folder / f"{room.name}{SUFFIX}"
    offsets, _ = column_offsets(len(room))
    with replacing(path) as file:
        for name, column in columns.items():
            file.write(bytes(offsets[name] - file.tell()))
            file.write(np.ascontiguousarray(column, COLUMNS[name][0]).tobytes())
    x, y, z = points.max(axis=0).astype(float).tolist()
    return RoomEntry(
        points=len(room),
        extent=(x, y, z),
        origin=tuple(origin.tolist()),
        instances=len(np.unique(room.instance)),
        class_instances=_class_instances(room, len(classes)),
        class_points=np.bincount(room.label, minlength=256)[: len(classes)].tolist(),
        source=source,
        sha256=file_hash(path),
    )


def check_room(room: Room, classes: ClassTable, source: str) -> None:
    """Raise `RoomFileError` for too few or non-finite points, unknown class ids, and missing instance ids."""
    if len(room) < MIN_ROOM_POINTS:
        raise RoomFileError(f"{source}: {len(room)} points, at least {MIN_ROOM_POINTS} are needed")
    finite = np.isfinite(room.points).all(axis=1)
    if not finite.all():
        raise RoomFileError(f"{source}: {np.count_nonzero(~finite)} of {len(room)} points are NaN or Inf")
    labels = np.flatnonzero(np.bincount(room.label, minlength=256)[:255])
    if not len(labels):
        raise RoomFileError(f"{source}: no point has a class")
    if labels[-1] >= len(classes):
        raise RoomFileError(f"{source}: contains class {labels[-1]}, accepted are 0 to {len(classes) - 1}")
    if room.instance.min() < 0:
        raise RoomFileError(f"{source}: contains instance {room.instance.min()}, accepted are 0 and above")
    if lacks_instances(room):
        raise RoomFileError(
            f"{source}: several classes but one instance id ({room.instance[0]}); "
            "every object, wall, floor and ceiling needs an id of its own"
        )


def morton_order(points: np.ndarray) -> np.ndarray:
    """Return the Morton (Z curve) order of points over ground cells of 25 cm.

    The points of a block then lie on few pages of a memory-mapped file, instead of on all of them. Within a cell the
    given order is kept.
    points: (N, 3) float32, metres, from the room's minimum corner. Returns (N,) int64.
    """
    cell = (points[:, :2] / np.float32(MORTON_CELL)).astype(np.uint32)
    return np.argsort(_spread(cell[:, 0]) | _spread(cell[:, 1]) << np.uint64(1), kind="stable")


def _class_instances(room: Room, classes: int) -> list[int]:
    """Count instances by class; the class of an instance is the most frequent one of its points."""
    pairs, counts = np.unique(room.instance.astype(np.int64) * 256 + room.label, return_counts=True)
    by_size = np.lexsort((counts, pairs // 256))  # of each instance the largest class last
    last = np.flatnonzero(np.diff(pairs[by_size] // 256, append=-1))
    return np.bincount(pairs[by_size][last] % 256, minlength=256)[:classes].tolist()


def _spread(values: np.ndarray) -> np.ndarray:
    """Spread the bits of (N,) uint32 to every second bit of (N,) uint64."""
    spread = values.astype(np.uint64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | spread << np.uint64(shift)) & np.uint64(mask)
    return spread
