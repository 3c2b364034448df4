"""Labelled rooms of a folder: prepared by `jspnet prepare` (rooms.json), or npz files with a split.json.

Prepared rooms are memory-mapped: a data set may be larger than memory. docs/data.md describes the format.
An npz file of a room contains

    xyz_mm  (N, 3) integers, millimetres, z up; or xyz (N, 3) float, metres
    rgb     (N, 3) uint8, red green blue
    sem     (N,) integers, class ids in the order of the class table
    ins     (N,) integers, one id per instance of the room, structure (wall, floor) included

and split.json maps the name of a split to the names of its rooms (file names without .npz).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import S3DIS, UNLABELLED, ClassTable
from jspnet_core.data.provenance import DataSource
from jspnet_core.data.room_index import (
    INDEX_NAME,
    SUFFIX,
    RoomEntry,
    RoomFileError,
    check_file,
    file_hash,
    map_column,
    read_index,
)
from jspnet_core.io.npz import read_npz, take_array, take_metres

MIN_ROOM_POINTS = 100
"""Fewest points of a room, and of a block of the paper."""


@dataclass(frozen=True)
class Room:
    """One labelled room.

    points: (N, 3) float32, metres, z up, from the room's minimum corner; of a single view z is above the floor.
    colors: (N, 3) uint8, red green blue.
    label: (N,) uint8, class id; 255: unlabelled.
    instance: (N,) int32, id of the instance in this room; walls, floor and ceiling have ids, too.
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


def lacks_instances(room: Room) -> bool:
    """Return whether points of several classes share one instance id, so that there are no instances to learn."""
    return int(room.instance.min()) == int(room.instance.max()) and int(room.label.min()) != int(room.label.max())


class MappedRoom(Room):
    """Room whose arrays are read-only memory maps, created at each access.

    Rooms need neither memory nor open files, and are sent to other processes as a path.
    """

    path: Path
    entry: RoomEntry

    def __init__(self, folder: Path, name: str, entry: RoomEntry):
        self.__dict__.update(name=name, path=folder / f"{name}{SUFFIX}", entry=entry)  # the dataclass is frozen

    def __len__(self) -> int:
        return self.entry.points

    def __repr__(self) -> str:
        return f"MappedRoom({self.name}, {self.entry.points} points, {self.path})"

    @property
    def points(self) -> np.ndarray:  # type: ignore[override]
        return map_column(self.path, self.entry.points, "points")

    @property
    def colors(self) -> np.ndarray:  # type: ignore[override]
        return map_column(self.path, self.entry.points, "colors")

    @property
    def label(self) -> np.ndarray:  # type: ignore[override]
        return map_column(self.path, self.entry.points, "label")

    @property
    def instance(self) -> np.ndarray:  # type: ignore[override]
        return map_column(self.path, self.entry.points, "instance")


def open_rooms(folder: Path | str, split: str) -> list[Room]:
    """Open the rooms of one split, in its order: memory-mapped from a prepared folder, loaded from npz files.

    Raises `RoomFileError` for an unknown split and for rooms that are missing, truncated or of another format.
    """
    paths = room_paths(folder, split)
    if not is_prepared(folder):
        return [_read_npz(path) for path in paths]
    entries = read_index(folder).rooms
    return [_map_room(path, entries) for path in paths]


def room_classes(folder: Path | str) -> ClassTable:
    """Return the class table of a folder's labels: that of the index, or S3DIS for npz. Raises `RoomFileError`."""
    return read_index(folder).class_table() if is_prepared(folder) else S3DIS


def room_geometry(folder: Path | str) -> dict[str, bool | float]:
    """Return the network settings that a folder's rooms determine: `color`, and `block_size` if they state one.

    Raises `RoomFileError`.
    """
    if not is_prepared(folder):
        return {}
    index = read_index(folder)
    geometry: dict[str, bool | float] = {"color": index.color}
    return geometry if index.block_size is None else {**geometry, "block_size": index.block_size}


def are_single_views(folder: Path | str) -> bool:
    """Return whether each of a folder's rooms is one frame of a camera. Raises `RoomFileError`."""
    return is_prepared(folder) and read_index(folder).single_views


def rooms_source(folder: Path | str) -> DataSource:
    """Return name and licence of a folder's data, as recorded in its index. Raises `RoomFileError`."""
    name = Path(folder).resolve().name
    if not is_prepared(folder):
        return DataSource(name)
    index = read_index(folder)
    return DataSource(index.title or name, index.licence)


def rooms_hash(folder: Path | str) -> str:
    """Compute one sha256, hexadecimal, of all rooms of a folder and their splits. Raises `RoomFileError`.

    For a prepared folder it is that of the index, which contains those of the files; npz files are all read.
    """
    folder = Path(folder)
    if is_prepared(folder):
        return file_hash(folder / INDEX_NAME)
    whole = hashlib.sha256()
    for split in read_split(folder):
        for path in room_paths(folder, split):
            whole.update(f"{split} {path.name} {file_hash(path)}\n".encode())
    return whole.hexdigest()


def is_prepared(folder: Path | str) -> bool:
    """Return whether a folder has the prepared format."""
    return (Path(folder) / INDEX_NAME).is_file()


def read_room(path: Path | str) -> Room:
    """Read one room: FOLDER/NAME.room, memory-mapped, or an npz file.

    Raises `RoomFileError` for a file that is missing, damaged or of another format.
    """
    path = Path(path)
    return _read_npz(path) if path.suffix != SUFFIX else _map_room(path, read_index(path.parent).rooms)


def _map_room(path: Path, entries: Mapping[str, RoomEntry]) -> MappedRoom:
    if path.stem not in entries:
        raise RoomFileError(f"{path}: not listed in {path.parent / INDEX_NAME}")
    check_file(path, entries[path.stem].points)
    return MappedRoom(path.parent, path.stem, entries[path.stem])


def _read_npz(path: Path) -> Room:
    try:
        arrays = read_npz(path)
        points = take_metres(path, arrays)
        n = len(points)
        if n == 0 or not np.isfinite(points).all():
            raise RoomFileError(
                f"{path}: {n} points, not all finite; a room needs at least one point, and all of them finite"
            )
        return Room(
            name=path.stem,
            points=points - points.min(axis=0),
            colors=take_array(path, arrays, "rgb", (n, 3), "uint8"),
            label=_ids(path, "sem", take_array(path, arrays, "sem", (n,), "integer"), UNLABELLED).astype(np.uint8),
            instance=_ids(path, "ins", take_array(path, arrays, "ins", (n,), "integer"), 2**31 - 1).astype(np.int32),
        )
    except ValueError as error:
        raise RoomFileError(f"{error}; a room needs xyz_mm (or xyz), rgb, sem and ins") from None


def read_split(folder: Path | str) -> dict[str, list[str]]:
    """Read room names by split from FOLDER/rooms.json or split.json. Raises `RoomFileError`."""
    if is_prepared(folder):
        return read_index(folder).splits
    path = Path(folder) / "split.json"
    try:
        split = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RoomFileError(f"{path}: file not found; a folder of npz rooms needs one") from None
    except (OSError, ValueError) as error:
        raise RoomFileError(f"{path}: not a JSON file ({error})") from None
    valid = isinstance(split, dict) and all(
        isinstance(rooms, list) and all(isinstance(room, str) for room in rooms) for rooms in split.values()
    )
    if not valid:
        raise RoomFileError(f'{path}: must map split names to lists of room names, as {{"train": ["office_1"]}}')
    return split


def room_paths(folder: Path | str, split: str) -> list[Path]:
    """Return the paths of the rooms of one split, in its order.

    Raises `RoomFileError` for an unknown split and for rooms that are missing.
    """
    splits = read_split(folder)
    if split not in splits:
        where = Path(folder) / (INDEX_NAME if is_prepared(folder) else "split.json")
        raise RoomFileError(f"{where}: split {split!r} does not exist; accepted are {', '.join(splits)}")
    suffix = SUFFIX if is_prepared(folder) else ".npz"
    paths = [Path(folder) / f"{name}{suffix}" for name in splits[split]]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise RoomFileError(f"{folder}: files of split {split!r} not found: {', '.join(missing[:5])}")
    return paths


def _ids(path: Path, key: str, ids: np.ndarray, highest: int) -> np.ndarray:
    if ids.min() < 0 or ids.max() > highest:
        raise RoomFileError(f"{path}: {key!r} has values {ids.min()} to {ids.max()}, accepted are 0 to {highest}")
    return ids
