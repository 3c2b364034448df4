"""Read and write the vertices of PLY files: the header is a table of columns, numpy does the rest.

Why not a library: the complete one is GPL, the others lose colours, NaN or cut-off files. Only scalar vertex
properties are read; faces and whatever else follows the vertices is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

_DTYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
_NAMES = {"u1": "uchar", "u4": "uint", "f4": "float"}
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 1000  # lines


def read_vertices(path: Path) -> np.ndarray:
    """The vertices of a PLY file: (N,) structured, one field per property. Raises ValueError, OSError."""
    with path.open("rb") as file:
        encoding, count, dtype = _read_header(file)
        if encoding == "ascii":
            vertices = np.empty(0, dtype)
            if count:  # loadtxt warns where there is nothing to load
                vertices = np.loadtxt(file, dtype=dtype, comments=None, max_rows=count, ndmin=1)
        else:
            left = os.fstat(file.fileno()).st_size - file.tell()
            vertices = np.fromfile(file, dtype=dtype, count=min(count, left // dtype.itemsize))
    if len(vertices) != count:
        raise ValueError(f"cut short: its header promises {count} vertices, {len(vertices)} are there")
    return vertices


def read_comments(path: Path) -> list[str]:
    """The comments of a PLY file's header. Raises ValueError, OSError."""
    with path.open("rb") as file:
        return [line.removeprefix("comment ") for line in _header_lines(file) if line.startswith("comment ")]


def write_vertices(file: BinaryIO, columns: Mapping[str, np.ndarray], comments: Iterable[str] = ()) -> None:
    """Write a binary little-endian PLY file. columns: (N,) arrays of uint8, uint32 or float32 by property name."""
    types = {name: values.dtype.str[1:] for name, values in columns.items()}
    vertices = np.empty(len(next(iter(columns.values()))), [(name, "<" + kind) for name, kind in types.items()])
    for name, values in columns.items():
        vertices[name] = values
    header = ["ply", "format binary_little_endian 1.0", *(f"comment {line}" for line in comments)]
    header += [f"element vertex {len(vertices)}", *(f"property {_NAMES[kind]} {name}" for name, kind in types.items())]
    file.write("\n".join([*header, "end_header", ""]).encode("ascii"))
    file.write(vertices.tobytes())


def _read_header(file: BinaryIO) -> tuple[str, int, np.dtype]:
    """Encoding, number of vertices and their dtype; leaves the file at the first vertex."""
    lines = _header_lines(file)
    encoding, elements = "", []
    fields: list[tuple[str, str]] = []
    for line in lines:
        match line.split():
            case ["format", encoding, "1.0"] if encoding in _ORDERS:
                pass
            case ["element", name, count] if count.isdigit():
                elements.append((name, int(count)))
            case ["property", "list", *_] if len(elements) == 1:
                raise ValueError("a vertex property is a list; only single numbers are read")
            case ["property", kind, name] if kind in _DTYPES:
                if len(elements) == 1:
                    fields.append((name, _DTYPES[kind]))
            case ["property", "list", _, _, _] | ["comment", *_] | ["obj_info", *_] | []:
                pass
            case _:
                raise ValueError(f"a header line that is not PLY: {line!r}")
    if not encoding or not elements or elements[0][0] != "vertex" or not fields:
        raise ValueError("its header must name a format and then, before any other element, 'vertex' with properties")
    dtype = np.dtype([(name, _ORDERS[encoding] + kind) for name, kind in fields])
    return encoding, elements[0][1], dtype


def _header_lines(file: BinaryIO) -> list[str]:
    if file.readline(8).strip() != b"ply":
        raise ValueError("not a PLY file: it does not start with 'ply'")
    lines: list[str] = []
    while len(lines) < _LONGEST_HEADER:
        line = file.readline(1000)
        if line.strip() == b"end_header":
            return lines
        if not line:
            break
        lines.append(line.decode("ascii", "replace").strip())
    raise ValueError("its header has no 'end_header'")
