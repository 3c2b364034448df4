"""Read labelled rooms: one npz per room, and a split.json beside them.

A room file holds

    xyz_mm  (N, 3) integers, millimetres, z up; or xyz (N, 3) float, metres
    rgb     (N, 3) uint8, red green blue
    sem     (N,) integers, class ids in the order of the class table
    ins     (N,) integers, one id per instance of the room, structure (wall, floor) included

and split.json maps the name of a split to the names of its rooms (file names without .npz).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.npz import read_npz, take_array, take_metres


class RoomFileError(ValueError):
    """A room or split file that cannot be used: one sentence naming the file, what was found and what is accepted."""


@dataclass(frozen=True)
class Room:
    """One labelled room.

    points: (N, 3) float32, metres, z up, from the room's minimum corner.
    colors: (N, 3) uint8, red green blue.
    label: (N,) uint8, class id; 255 where the truth is unknown.
    instance: (N,) int32, id of the instance in this room; every point has one, structure included.
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


def read_room(path: Path | str) -> Room:
    """Read one room file. Raises `RoomFileError` for a missing, damaged or foreign file."""
    path = Path(path)
    try:
        arrays = read_npz(path)
        points = take_metres(path, arrays)
        n = len(points)
        if n == 0 or not np.isfinite(points).all():
            raise RoomFileError(f"{path}: {n} points, not all finite; a room holds at least one point, all finite")
        return Room(
            name=path.stem,
            points=points - points.min(axis=0),
            colors=take_array(path, arrays, "rgb", (n, 3), "uint8"),
            label=_ids(path, "sem", take_array(path, arrays, "sem", (n,), "integer"), UNLABELLED).astype(np.uint8),
            instance=_ids(path, "ins", take_array(path, arrays, "ins", (n,), "integer"), 2**31 - 1).astype(np.int32),
        )
    except ValueError as error:
        raise RoomFileError(f"{error}; a room holds xyz_mm (or xyz), rgb, sem and ins") from None


def read_split(folder: Path | str) -> dict[str, list[str]]:
    """Read FOLDER/split.json: room names by split name. Raises `RoomFileError`."""
    path = Path(folder) / "split.json"
    try:
        split = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RoomFileError(f"{path}: no such file; a folder of rooms has one beside its npz files") from None
    except (OSError, ValueError) as error:
        raise RoomFileError(f"{path}: not a JSON file ({error})") from None
    valid = isinstance(split, dict) and all(
        isinstance(rooms, list) and all(isinstance(room, str) for room in rooms) for rooms in split.values()
    )
    if not valid:
        raise RoomFileError(f'{path}: must map split names to lists of room names, as {{"train": ["office_1"]}}')
    return split


def room_paths(folder: Path | str, split: str) -> list[Path]:
    """Paths of the rooms of one split, in the split's order.

    Raises `RoomFileError` for an unknown split and for rooms that are not in the folder.
    """
    splits = read_split(folder)
    if split not in splits:
        raise RoomFileError(f"{Path(folder) / 'split.json'}: no split named {split!r}; it has {', '.join(splits)}")
    paths = [Path(folder) / f"{name}.npz" for name in splits[split]]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise RoomFileError(f"{folder}: split {split!r} names rooms that are not there: {', '.join(missing[:5])}")
    return paths


def _ids(path: Path, key: str, ids: np.ndarray, highest: int) -> np.ndarray:
    if ids.min() < 0 or ids.max() > highest:
        raise RoomFileError(f"{path}: {key!r} holds values {ids.min()} to {ids.max()}, accepted are 0 to {highest}")
    return ids
