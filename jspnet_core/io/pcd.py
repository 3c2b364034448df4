"""Read and write PCD files (.pcd), with the defaults of the Point Cloud Library where a header leaves something out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jspnet_core.io.cloud import Table
from jspnet_core.io.numbers import most_rows, parse_rows

_MOST_LZF = 90
"""Bytes that one byte of LZF stands for at most: 3 bytes repeat 264."""
_KEYS = ("VERSION", "FIELDS", "COLUMNS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT", "POINTS", "DATA")
_KINDS = {"F": "f", "I": "i", "U": "u"}
_PADDING = "_"


@dataclass(frozen=True)
class Header:
    """The header of a PCD file. viewpoint: tx ty tz qw qx qy qz."""

    dtype: np.dtype
    points: int
    shape: tuple[int, ...]
    viewpoint: tuple[float, ...]
    encoding: str
    notes: tuple[str, ...]


def read_pcd(path: Path) -> Table:
    """The points of a PCD file as a table. Raises ValueError, OSError."""
    data = path.read_bytes()
    header, start = _read_header(data)
    body = memoryview(data)[start:]
    if header.encoding == "ascii":
        rows = _read_ascii(bytes(body), header)
    elif header.encoding == "binary":
        rows = _read_binary(body, header)
    else:
        rows = _read_compressed(body, header)
    names = [name for name in header.dtype.names or () if not name.startswith(_PADDING)]
    columns = {name: rows[name] for name in names}
    T = _pose(header.viewpoint)
    return Table(columns, "pcd", header.notes, header.shape, T, extra=header.viewpoint)


def write_pcd(file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], class_names: list[str]) -> None:
    """Write a binary PCD file: the columns of a table, and the labels."""
    columns = {"".join(name.split()): values for name, values in [*table.columns.items(), *labels.items()]}
    columns = {name: _storable(values) for name, values in columns.items()}
    count = len(next(iter(columns.values())))
    rows = np.empty(
        count, [(name, values.dtype.newbyteorder("<"), values.shape[1:]) for name, values in columns.items()]
    )
    for name, values in columns.items():
        rows[name] = values
    kinds = [values.dtype for values in columns.values()]
    height, width = table.shape if len(table.shape) == 2 else (1, count)
    viewpoint = table.extra if isinstance(table.extra, tuple) and len(table.extra) == 7 else (0, 0, 0, 1, 0, 0, 0)
    lines = [
        "# .PCD v0.7 - Point Cloud Data file format",
        *(f"# class {i} {name}" for i, name in enumerate(class_names)),
    ]
    lines += [
        "VERSION 0.7",
        f"FIELDS {' '.join(columns)}",
        f"SIZE {' '.join(str(kind.itemsize) for kind in kinds)}",
        f"TYPE {' '.join(kind.kind.upper() for kind in kinds)}",
        f"COUNT {' '.join(str(int(np.prod(values.shape[1:], dtype=int))) for values in columns.values())}",
        f"WIDTH {width}",
        f"HEIGHT {height}",
        f"VIEWPOINT {' '.join(f'{float(value)!r}' for value in viewpoint)}",
        f"POINTS {count}",
        "DATA binary",
    ]
    file.write("\n".join([*lines, ""]).encode())
    file.write(rows.tobytes())


def _storable(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) if values.dtype.itemsize == 2 and values.dtype.kind == "f" else values


def _read_header(data: bytes) -> tuple[Header, int]:
    """The header and where it ends. Raises ValueError naming the line."""
    entries: dict[str, list[str]] = {}
    at = 0
    while "DATA" not in entries:
        end = data.find(b"\n", at, at + 20_000)
        if end < 0:
            raise ValueError("not a PCD file, or cut short: its header has no line DATA")
        line, at = data[at:end].decode("ascii", "replace").strip(), end + 1
        key, *values = line.split() or [""]
        if key in _KEYS:
            entries["FIELDS" if key == "COLUMNS" else key] = values
        elif key and not key.startswith("#"):
            raise ValueError(f"not a PCD file: a header line {line[:60]!r}; known are {', '.join(_KEYS)}")
    return _checked(entries), at


def _checked(entries: dict[str, list[str]]) -> Header:
    fields = entries.get("FIELDS")
    if not fields:
        raise ValueError("its header has no line FIELDS")
    sizes = _whole(entries, "SIZE", ["4"] * len(fields), len(fields))
    kinds = [kind.upper() for kind in entries.get("TYPE", ["F"] * len(fields))]
    counts = _whole(entries, "COUNT", ["1"] * len(fields), len(fields))
    if len(kinds) != len(fields) or not set(kinds) <= set(_KINDS):
        raise ValueError(
            f"header line TYPE {' '.join(kinds)[:60]!r} must be one of F, I, U for each of {len(fields)} FIELDS"
        )
    empty = [name for name, count in zip(fields, counts, strict=True) if count == 0 and name != _PADDING]
    notes = [f"COUNT of {name} is 0: not read" for name in empty]
    dtype = _row(fields, sizes, kinds, counts)
    width, height = _whole(entries, "WIDTH", ["0"], 1)[0], _whole(entries, "HEIGHT", ["1"], 1)[0]
    points = _whole(entries, "POINTS", [str(width * height)], 1)[0]
    encoding = " ".join(entries["DATA"]).lower()
    if encoding not in ("ascii", "binary", "binary_compressed"):
        raise ValueError(f"header line DATA {encoding[:40]!r} must be ascii, binary or binary_compressed")
    organised = height > 1 and width * height == points
    if width * height != points and "POINTS" in entries:
        notes.append(f"WIDTH {width} times HEIGHT {height} is not POINTS {points}: read as {points} points in a row")
    return Header(
        dtype, points, (height, width) if organised else (points,), _viewpoint(entries), encoding, tuple(notes)
    )


def _row(fields: list[str], sizes: list[int], kinds: list[str], counts: list[int]) -> np.dtype:
    """The dtype of one point. Padding, which may occur several times, gets names of its own."""
    row: list[tuple] = []
    for i, (name, size, kind, count) in enumerate(zip(fields, sizes, kinds, counts, strict=True)):
        if size not in ((4, 8) if kind == "F" else (1, 2, 4, 8)):
            raise ValueError(
                f"header line SIZE: {name} of type {kind} has {size} bytes, must be 1, 2, 4 or 8; F 4 or 8"
            )
        if count * size > 1 << 24:
            raise ValueError(f"header line COUNT: {name} has {count} values per point")
        name = f"{_PADDING}{i}" if name == _PADDING else name
        if count:
            row.append((name, f"<{_KINDS[kind]}{size}", (count,)) if count > 1 else (name, f"<{_KINDS[kind]}{size}"))
    return np.dtype(row)


def _whole(entries: dict[str, list[str]], key: str, default: list[str], wanted: int) -> list[int]:
    words = entries.get(key) or default
    if len(words) != wanted or not all(word.isdecimal() for word in words):
        raise ValueError(f"header line {key} {' '.join(words)[:60]!r} must be {wanted} whole number{'s'[: wanted - 1]}")
    return [int(word) for word in words]


def _viewpoint(entries: dict[str, list[str]]) -> tuple[float, ...]:
    words = entries.get("VIEWPOINT") or ["0", "0", "0", "1", "0", "0", "0"]
    try:
        numbers = tuple(float(word) for word in words)
    except ValueError:
        numbers = ()
    if len(numbers) != 7 or not np.isfinite(numbers).all():
        raise ValueError(f"header line VIEWPOINT {' '.join(words)[:60]!r} must be tx ty tz qw qx qy qz")
    return numbers


def _pose(viewpoint: tuple[float, ...]) -> np.ndarray | None:
    """(4, 4) of a VIEWPOINT, None for that of a cloud in no other frame."""
    translation, quaternion = np.array(viewpoint[:3]), np.array(viewpoint[3:])
    length = np.linalg.norm(quaternion)
    if length < 1e-6 or (not translation.any() and np.allclose(quaternion / length, [1, 0, 0, 0])):
        return None
    w, x, y, z = quaternion / length
    T = np.eye(4)
    T[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    T[:3, 3] = translation
    return T


def _read_ascii(text: bytes, header: Header) -> np.ndarray:
    values = sum(int(np.prod(header.dtype[name].shape, dtype=int)) for name in header.dtype.names or ())
    if header.points > most_rows(len(text), values):
        raise _cut_short(header, most_rows(len(text), values))
    packed = [name for name in ("rgb", "rgba") if name in (header.dtype.names or ()) and header.dtype[name] == "<f4"]
    dtype = header.dtype
    if packed:  # some writers put the packed bits there as a whole number
        dtype = np.dtype([(n, "f8" if n in packed else dtype[n].base, dtype[n].shape) for n in dtype.names or ()])
    rows = parse_rows(text, dtype, rows=header.points)
    if len(rows) != header.points:
        raise _cut_short(header, len(rows))
    if not packed:
        return rows
    result = np.empty(len(rows), header.dtype)
    for name in header.dtype.names or ():
        result[name] = _packed_bits(rows[name]) if name in packed else rows[name]
    return result


def _packed_bits(values: np.ndarray) -> np.ndarray:
    """Colours (N,) float32 of doubles that are either the float of the bits or the bits as a whole number."""
    whole = values.size > 0 and values.max() >= 1.0 and (values == np.floor(values)).all() and values.max() < 2**32
    return values.astype(np.uint32).view(np.float32) if whole else values.astype(np.float32)


def _read_binary(body: memoryview, header: Header) -> np.ndarray:
    there = len(body) // header.dtype.itemsize
    if there < header.points:
        raise _cut_short(header, there)
    return np.frombuffer(body, header.dtype, header.points)


def _read_compressed(body: memoryview, header: Header) -> np.ndarray:
    import lzf

    if len(body) < 8:
        raise _cut_short(header, 0)
    packed, size = (int(number) for number in np.frombuffer(body[:8], "<u4"))
    if packed > len(body) - 8:
        raise ValueError(f"cut short: {packed} compressed bytes promised, {len(body) - 8} there")
    if size != header.points * header.dtype.itemsize or size > _MOST_LZF * max(packed, 1):
        raise ValueError(
            f"damaged: {size} bytes of {packed} compressed ones promised, {header.points} points take "
            f"{header.points * header.dtype.itemsize}"
        )
    if not size:
        return np.empty(0, header.dtype)
    try:
        plain = lzf.decompress(bytes(body[8 : 8 + packed]), size)
    except ValueError as error:
        raise ValueError(f"damaged: its compressed data cannot be unpacked ({error})") from None
    if plain is None or len(plain) != size:
        raise ValueError("damaged: its compressed data cannot be unpacked")
    rows, at = np.empty(header.points, header.dtype), 0
    for name in header.dtype.names or ():  # column by column
        kind = header.dtype[name]
        column = np.frombuffer(plain, kind.base, header.points * int(np.prod(kind.shape, dtype=int)), at)
        rows[name] = column.reshape(header.points, *kind.shape)
        at += column.nbytes
    return rows


def _cut_short(header: Header, there: int) -> ValueError:
    return ValueError(f"cut short: its header promises {header.points} points, there are {there} at most")
