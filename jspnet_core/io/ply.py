"""Read and write the vertices of PLY files: the header is a table of columns, numpy does the rest.

Why not a library: the complete one is GPL, the others lose colours, NaN or cut-off files. List properties of a
vertex, and elements before and after the vertices, are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jspnet_core.io.cloud import Table
from jspnet_core.io.numbers import most_rows, parse_rows
from jspnet_core.io.ply_header import Element, Header, read_header, skip_rows, vertices_with_lists

_NAMES = {"i1": "char", "u1": "uchar", "i2": "short", "u2": "ushort", "i4": "int", "u4": "uint"} | {
    "f4": "float",
    "f8": "double",
}


def read_ply(path: Path) -> Table:
    """The vertices of a PLY file as a table. Raises ValueError, OSError."""
    vertices, header = _read(path)
    notes = []
    vertex = header.vertex
    if vertex.lists:
        notes.append(f"list properties of the vertices are not kept: {', '.join(vertex.lists)}")
    others = [f"{e.count} {e.name}" for e in header.elements if e is not vertex and e.count]
    if others:
        notes.append(f"elements other than the vertices are not kept: {', '.join(others)}")
    words = [comment.split(maxsplit=2) for comment in header.comments]
    names = {int(w[1]): w[2] for w in words if len(w) == 3 and w[0] == "class" and w[1].isdecimal()}
    columns = {name: vertices[name] for name in vertices.dtype.names or ()}
    return Table(columns, "ply", tuple(notes), (len(vertices),), extra=header.comments, class_names=names)


def read_vertices(path: Path) -> np.ndarray:
    """The vertices of a PLY file: (N,) structured, one field per property. Raises ValueError, OSError."""
    return _read(path)[0]


def read_comments(path: Path) -> list[str]:
    """The comments of a PLY file's header. Raises ValueError, OSError."""
    with path.open("rb") as file:
        return read_header(file).comments


def write_vertices(file: BinaryIO, columns: Mapping[str, np.ndarray], comments: Iterable[str] = ()) -> None:
    """Write a binary little-endian PLY file.

    columns: (N,) numbers by property name; (N, K) become K properties with a number behind the name. Whole numbers of
    8 bytes, which PLY does not have, become doubles.
    """
    flat = dict(_flattened(columns))
    kinds = {name: _kind(values.dtype) for name, values in flat.items()}
    vertices = np.empty(len(next(iter(flat.values()))), [(name, "<" + kind) for name, kind in kinds.items()])
    for name, values in flat.items():
        vertices[name] = values
    header = ["ply", "format binary_little_endian 1.0", *(f"comment {line}" for line in comments)]
    header += [f"element vertex {len(vertices)}", *(f"property {_NAMES[kind]} {name}" for name, kind in kinds.items())]
    file.write("\n".join([*header, "end_header", ""]).encode())
    file.write(vertices.tobytes())


def _flattened(columns: Mapping[str, np.ndarray]) -> Iterable[tuple[str, np.ndarray]]:
    for name, values in columns.items():
        name = "_".join(name.split()) or "unnamed"
        if values.ndim == 1:
            yield name, values
        else:
            yield from ((f"{name}_{k}", column) for k, column in enumerate(values.reshape(len(values), -1).T))


def _kind(dtype: np.dtype) -> str:
    kind = dtype.str[1:].replace("b1", "u1")
    return kind if kind in _NAMES else {"f2": "f4"}.get(kind, "f8")


def _read(path: Path) -> tuple[np.ndarray, Header]:
    with path.open("rb") as file:
        header = read_header(file)
        left = os.fstat(file.fileno()).st_size - file.tell()
        before = header.elements[: header.elements.index(header.vertex)]
        if header.encoding == "ascii":
            return _read_ascii(file.read(), header, before), header
        for element in before:
            skip_rows(file, element, left)
        if header.vertex.lists:
            return vertices_with_lists(file, header.vertex), header
        return _read_binary(file, header.vertex), header


def _read_binary(file: BinaryIO, vertex: Element) -> np.ndarray:
    left = os.fstat(file.fileno()).st_size - file.tell()
    count = min(vertex.count, left // vertex.dtype.itemsize)
    return _complete(np.fromfile(file, dtype=vertex.dtype, count=count), vertex)


def _read_ascii(text: bytes, header: Header, before: list[Element]) -> np.ndarray:
    vertex, skipped = header.vertex, sum(element.count for element in before)
    if vertex.count > most_rows(len(text), len(vertex.names)):
        most = most_rows(len(text), len(vertex.names))
        raise ValueError(f"cut short: its header promises {vertex.count} vertices, there is room for {most} at most")
    if skipped or vertex.lists:
        lines = text.split(b"\n")
        lines = [line for line in lines[: skipped + 2 * vertex.count] if line.strip()][skipped:][: vertex.count]
        if vertex.lists:
            lines = [vertex.without_lists(line) for line in lines]
        text = b"\n".join(lines)
    return _complete(parse_rows(text, vertex.dtype, rows=vertex.count), vertex)


def _complete(vertices: np.ndarray, vertex: Element) -> np.ndarray:
    if len(vertices) != vertex.count:
        raise ValueError(f"cut short: its header promises {vertex.count} vertices, {len(vertices)} are there")
    return vertices
