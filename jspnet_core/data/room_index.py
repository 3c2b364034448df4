"""Prepared room format: rooms.json and one memory-mapped NAME.room per room.

NAME.room contains the columns one after the other, without header, each aligned to `ALIGNMENT` bytes:

    points    (N, 3) float32 little endian, metres, z up, from the room's minimum corner; of single views z is above
              the floor, also where none of it is in sight
    colors    (N, 3) uint8, red green blue
    label     (N,) uint8, class id; 255: unlabelled
    instance  (N,) int32 little endian, one id per instance of the room, structure included

Columns instead of records: a search for a class reads one byte per point, not twenty.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.io.atomic import replacing

INDEX_NAME = "rooms.json"
SUFFIX = ".room"
ALIGNMENT = 64
COLUMNS: dict[str, tuple[str, int]] = {
    "points": ("<f4", 3),
    "colors": ("|u1", 3),
    "label": ("|u1", 1),
    "instance": ("<i4", 1),
}
"""Type and width of each column, in the order of the file."""


class RoomFileError(JspnetError):
    """A room, split or index that cannot be used."""


class RoomEntry(BaseModel):
    """Entry of one room in the index."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    points: int = Field(ge=1)
    extent: tuple[float, float, float] = Field(description="metres, x y z")
    origin: tuple[float, float, float] = Field(description="metres, the minimum corner in the frame of the source")
    instances: int = Field(ge=1)
    class_instances: list[int] = Field(description="instances of each class; the most frequent one of its points")
    class_points: list[int] = Field(description="points of each class, in the table's order")
    source: str = Field(description="file or folder that the room was made from, relative to the input folder")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="of the room's file")


class RoomIndex(BaseModel):
    """Content of rooms.json."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["jspnet rooms"] = "jspnet rooms"
    version: Literal[1] = 1
    data: str = Field(description="kind of data that the rooms were made from")
    title: str = Field("", description="name of the data; empty: that of the folder")
    licence: str = Field("", description="licence of the data; empty: unknown")
    settings: dict[str, str | bool | int | float] = Field(description="options of the preparation")
    color: bool = Field(True, description="whether the rooms have colours")
    single_views: bool = Field(False, description="whether each room is one frame of a camera, with z above the floor")
    block_size: float | None = Field(
        None, gt=0, description="metres, edge of the blocks for these rooms; null: that of the network"
    )
    classes: dict[str, list]
    splits: dict[str, list[str]] = Field(description="names of rooms by split")
    rooms: dict[str, RoomEntry] = Field(description="by name")

    @model_validator(mode="after")
    def _names_are_known(self) -> RoomIndex:
        self.class_table()
        unknown = {name for names in self.splits.values() for name in names} - set(self.rooms)
        if unknown:
            raise ValueError(f"splits name rooms that are not listed: {', '.join(sorted(unknown)[:5])}")
        return self

    def class_table(self) -> ClassTable:
        try:
            return ClassTable.from_dict(self.classes)
        except (KeyError, TypeError) as error:
            raise ValueError(f"classes must hold names, colors and things ({error})") from None


def read_index(folder: Path | str) -> RoomIndex:
    """Read FOLDER/rooms.json. Raises `RoomFileError` if it is missing or of another format or version."""
    path = Path(folder) / INDEX_NAME
    try:
        return RoomIndex.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RoomFileError(f"{path}: no such file; 'jspnet prepare' writes one") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "content"
        raise RoomFileError(f"{path}: not an index of rooms of version 1: {where}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise RoomFileError(f"{path}: not a JSON file ({error})") from None


def write_index(folder: Path, index: RoomIndex) -> None:
    """Write FOLDER/rooms.json atomically, one line per room; equal content gives equal bytes."""
    head = json.dumps(index.model_dump(mode="json", exclude={"rooms"}), indent=1).removesuffix("\n}")
    rooms = (f"  {json.dumps(name)}: {entry.model_dump_json()}" for name, entry in index.rooms.items())
    with replacing(folder / INDEX_NAME) as file:
        file.write((head + ',\n "rooms": {\n' + ",\n".join(rooms) + "\n }\n}\n").encode())


def column_offsets(points: int) -> tuple[dict[str, int], int]:
    """Return the offset of each column of a room of `points` points, and the size of the file, in bytes."""
    offsets, end = {}, 0
    for name, (dtype, width) in COLUMNS.items():
        offsets[name] = -(-end // ALIGNMENT) * ALIGNMENT
        end = offsets[name] + points * width * np.dtype(dtype).itemsize
    return offsets, end


def map_column(path: Path, points: int, name: str) -> np.memmap:
    """Memory-map a column of a room file, read-only. Raises `RoomFileError`."""
    dtype, width = COLUMNS[name]
    shape = (points,) if width == 1 else (points, width)
    try:
        return np.memmap(path, dtype, "r", column_offsets(points)[0][name], shape)
    except (OSError, ValueError) as error:
        raise RoomFileError(f"{path}: cannot be memory-mapped ({error})") from None


def check_file(path: Path, points: int) -> None:
    """Raise `RoomFileError` if a room's file is missing or has the wrong size. Does not read it."""
    expected = column_offsets(points)[1]
    if not path.is_file():
        raise RoomFileError(f"{path}: file not found, but listed in {INDEX_NAME}")
    found = path.stat().st_size
    if found != expected:
        raise RoomFileError(f"{path}: has {found} bytes, expected {expected} for the {points} points of {INDEX_NAME}")


def file_hash(path: Path) -> str:
    """Return the sha256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()
