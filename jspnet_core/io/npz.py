"""Read npz and npy files of known content, with errors that name what was found and what is accepted."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import DTypeLike

from jspnet_core.io.cloud import Table

_KINDS = {"integer": "ui", "float": "f", "number": "uif", "uint8": "u"}
_POINTS = ("xyz", "points", "coord", "coords", "coordinates", "positions")
MILLIMETRES = "xyz_mm"
MOST_UNPACKED = 1 << 30
"""Bytes that the arrays of an npz file may take, or a hundred times the file's size where that is more."""


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an npz file, at most `MOST_UNPACKED` bytes of them.

    Raises ValueError, one sentence naming the file, where it cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an npz file, or cut short")
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(f"{path}: damaged npz file ({str(error).removeprefix(f'{path}: ')})") from None


def read_npy(path: Path) -> np.ndarray:
    """The array of an npy file. Raises ValueError, OSError."""
    with path.open("rb") as file:
        _check_array(file, path.stat().st_size, path.name)
    return np.load(path, allow_pickle=False)


def read_npz_table(path: Path) -> Table:
    """The arrays of an npz file as a table; arrays of another length than its points are kept aside.

    The points are `xyz`, `points` or `coord` (N, 3) or (H, W, 3) in metres, or `xyz_mm` in whole millimetres.
    Raises ValueError.
    """
    arrays = read_npz(path)
    key = next((name for name in (*_POINTS, MILLIMETRES) if name in arrays), None)
    if key is None:
        there = ", ".join(sorted(arrays)) or "no arrays"
        raise ValueError(f"{path}: none of {', '.join(_POINTS)} (metres) or {MILLIMETRES!r} among {there}")
    points = arrays[key]
    if points.ndim not in (2, 3) or points.shape[-1] != 3 or points.dtype.kind not in "fiu":
        raise ValueError(f"{path}: {key!r} is {points.shape} {points.dtype}, must be (N, 3) or (H, W, 3) numbers")
    if key == MILLIMETRES and points.dtype.kind == "f":
        raise ValueError(f"{path}: {key!r} is {points.shape} {points.dtype}, must be (N, 3) integer")
    shape = points.shape[:-1]
    columns, aside = _split(path, arrays, shape)
    names = arrays.get("class_names", np.empty(0, "U1"))
    return Table(
        columns,
        "npz",
        shape=shape,
        extra=NpzExtra(key, aside),
        class_names=dict(enumerate(map(str, names.ravel().tolist()))),
    )


class NpzExtra:
    """points: the key of the points; aside: arrays that are not one row per point."""

    def __init__(self, points: str, aside: dict[str, np.ndarray]):
        self.points, self.aside = points, aside


def read_npy_table(path: Path) -> Table:
    """The columns of an npy file, (N, 3) or more, or structured. Raises ValueError, OSError."""
    from jspnet_core.io.text import name_columns

    array = read_npy(path)
    if array.dtype.names:
        return Table({name: array[name].ravel() for name in array.dtype.names}, "npy", shape=array.shape)
    if array.ndim not in (2, 3) or array.shape[-1] < 3 or array.dtype.kind not in "fiu":
        raise ValueError(f"is an array {array.shape} {array.dtype}, must be (N, 3) numbers or more columns")
    columns = array.reshape(-1, array.shape[-1])
    names, notes = name_columns(columns, intensity_first=False)
    return Table(dict(zip(names, columns.T, strict=True)), "npy", notes=tuple(notes), shape=array.shape[:-1])


def write_npz(file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], class_names: list[str]) -> None:
    """Write the arrays of a table, organised as they were, and the labels."""
    arrays = {**(table.extra.aside if isinstance(table.extra, NpzExtra) else {}), **table.columns, **labels}
    if table.shape and len(table.shape) > 1:
        arrays = {
            key: array.reshape(*table.shape, *array.shape[1:]) if key in table.columns or key in labels else array
            for key, array in arrays.items()
        }
    if class_names:
        arrays["class_names"] = np.array(class_names)
    np.savez_compressed(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]


def write_npy(file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], class_names: list[str]) -> None:
    """Write the columns of a table, and the labels, as one array of numbers, or a structured one as the input was."""
    columns = {**table.columns, **labels}
    rows = np.empty(len(next(iter(columns.values()))), [(n, v.dtype, v.shape[1:]) for n, v in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    np.save(file, rows.reshape(table.shape or -1), allow_pickle=False)


def take_array(
    path: Path, arrays: Mapping[str, np.ndarray], key: str, shape: tuple[int | None, ...], kind: str
) -> np.ndarray:
    """The array under `key`, checked.

    shape: the size of each axis, None for any.
    kind: "integer", "float", "number" (either) or "uint8".
    Raises ValueError where the key is missing or the array is another.
    """
    if key not in arrays:
        raise ValueError(f"{path}: no array {key!r} among {', '.join(sorted(arrays)) or 'no arrays at all'}")
    array = arrays[key]
    fits = array.ndim == len(shape) and all(b is None or a == b for a, b in zip(array.shape, shape, strict=True))
    known = array.dtype.kind in _KINDS[kind] and (kind != "uint8" or array.dtype.itemsize == 1)
    if not (fits and known):
        wanted = ", ".join("N" if size is None else str(size) for size in shape)
        raise ValueError(f"{path}: {key!r} is {array.shape} {array.dtype}, must be ({wanted}) {kind}")
    return array


def take_metres(path: Path, arrays: Mapping[str, np.ndarray], dtype: DTypeLike = np.float32) -> np.ndarray:
    """Points in metres from `xyz` (metres) or `xyz_mm` (integer millimetres): (N, 3). Raises ValueError."""
    if "xyz" not in arrays and "xyz_mm" not in arrays:
        raise ValueError(
            f"{path}: neither 'xyz' (metres) nor 'xyz_mm' among {', '.join(sorted(arrays)) or 'no arrays'}"
        )
    if "xyz" in arrays:
        return take_array(path, arrays, "xyz", (None, 3), "float").astype(dtype)
    return take_array(path, arrays, "xyz_mm", (None, 3), "integer").astype(dtype) / np.dtype(dtype).type(1000)


def _split(
    path: Path, arrays: Mapping[str, np.ndarray], shape: tuple[int, ...]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Arrays with one row per point, flattened to (N, ...), and the others."""
    count, columns, aside = math.prod(shape), {}, {}
    for key, array in arrays.items():
        per_point = array.ndim >= len(shape) and array.shape[: len(shape)] == shape and array.dtype.kind in "biuf"
        if per_point or (array.shape[:1] == (count,) and array.dtype.kind in "biuf"):
            columns[key] = array.reshape(count, *array.shape[len(shape) if per_point else 1 :])
        elif key.lower() in ("rgb", "color", "colors"):
            raise ValueError(f"{path}: {key!r} is {array.shape} {array.dtype}, must be {(*shape, 3)} uint8")
        else:
            aside[key] = array
    return columns, aside


def _check_sizes(path: Path) -> None:
    """Raise ValueError if the sizes in the file's directory exceed the limit, before anything is allocated."""
    most = max(MOST_UNPACKED, 100 * path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > most:
            raise ValueError(f"its arrays take {sum(m.file_size for m in members)} bytes, at most {most} are read")
        for member in members:
            if member.filename.endswith(".npy"):
                with archive.open(member) as file:
                    _check_array(file, member.file_size, member.filename)


def _check_array(file: IO[bytes], size: int, name: str) -> None:
    """Raise ValueError if the header of an npy file describes more than `size` bytes."""
    version = npy_format.read_magic(file)
    readers = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{name} has version {version[0]}.{version[1]} of the npy format, must be 1.0 or 2.0")
    try:
        shape, _, dtype = readers[version](file)
    except tokenize.TokenError as error:  # which numpy lets through
        raise ValueError(f"{name} has a damaged header ({error})") from None
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which are not read")
    if math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"{name} promises {math.prod(shape)} values of {dtype}, it has {size} bytes")
