"""The header of a PLY file, and rows whose length depends on the list properties in them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
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
_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_LONGEST_HEADER = 1000  # lines


@dataclass(frozen=True)
class Property:
    """One property. kind: numpy's name of its dtype, or of a list's items; counted_by: of a list's length, or empty."""

    name: str
    kind: str
    counted_by: str = ""


@dataclass(frozen=True)
class Element:
    """One element of the header, such as `vertex` or `face`."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.properties]

    @property
    def lists(self) -> list[str]:
        return [one.name for one in self.properties if one.counted_by]

    @cached_property
    def dtype(self) -> np.dtype:
        """Data type of a row without its lists. Raises ValueError for a property that occurs twice."""
        return np.dtype([(one.name, one.kind) for one in self.properties if not one.counted_by])

    def without_lists(self, line: bytes) -> bytes:
        """A row of text without the lists in it. Raises ValueError."""
        words, kept, at = line.split(), [], 0
        for one in self.properties:
            if at >= len(words):
                raise ValueError(f"cut short: a vertex has no {one.name!r}")
            if one.counted_by:
                at += 1 + _length(words[at])
            else:
                kept.append(words[at])
                at += 1
        return b" ".join(kept)


@dataclass(frozen=True)
class Header:
    """encoding: ascii, binary_little_endian or binary_big_endian; elements in their order."""

    encoding: str
    elements: list[Element]
    comments: list[str]

    @property
    def vertex(self) -> Element:
        return next(element for element in self.elements if element.name == "vertex")


def read_header(file: BinaryIO) -> Header:
    """The header; leaves the file at its first row. Raises ValueError."""
    encoding, elements, comments = "", [], []
    for line in _header_lines(file):
        match line.split():
            case ["comment", *_]:
                comments.append(line.removeprefix("comment").strip())
            case ["format", encoding, "1.0"] if encoding in _ORDERS:
                pass
            case ["element", name, count] if count.isdecimal():
                elements.append(Element(name, int(count)))
            case ["property", "list", counted_by, kind, name] if elements and {counted_by, kind} <= set(_DTYPES):
                elements[-1].properties.append(Property(name, _dtype(kind, encoding), _dtype(counted_by, encoding)))
            case ["property", kind, name] if elements and kind in _DTYPES:
                elements[-1].properties.append(Property(name, _dtype(kind, encoding)))
            case ["obj_info", *_] | []:
                pass
            case _:
                raise ValueError(f"a header line that is not PLY: {line[:80]!r}")
    vertex = next((element for element in elements if element.name == "vertex"), None)
    if not encoding or vertex is None or len(vertex.lists) == len(vertex.properties):
        found = ", ".join(element.name for element in elements) or "none"
        raise ValueError(
            f"its header must name a format and an element 'vertex' with numbers; its elements are: {found}"
        )
    return Header(encoding, elements, comments)


def skip_rows(file: BinaryIO, element: Element, left: int) -> None:
    """Move a binary file past the rows of an element. Raises ValueError where they do not fit into `left` bytes."""
    if not element.lists:
        if element.count * element.dtype.itemsize > left:
            raise ValueError(f"cut short: its header promises {element.count} {element.name}, the file ends before")
        file.seek(element.count * element.dtype.itemsize, os.SEEK_CUR)
        return
    start, data = file.tell(), file.read()
    file.seek(start + _end_of_rows(data, element))


def vertices_with_lists(file: BinaryIO, vertex: Element) -> np.ndarray:
    """The vertices of a binary file, their lists left out: (N,) structured. Raises ValueError."""
    data = file.read()
    same = _rows_of_one_length(data, vertex)
    if same is not None:
        return same
    pieces = bytearray()
    _end_of_rows(data, vertex, pieces)
    return np.frombuffer(bytes(pieces), vertex.dtype)


def _rows_of_one_length(data: bytes, vertex: Element) -> np.ndarray | None:
    """The rows where the lists of all are as long as those of the first; None where they are not."""
    if not vertex.count:
        return np.empty(0, vertex.dtype)
    fields: list[tuple] = []
    at = 0
    for i, one in enumerate(vertex.properties):
        if one.counted_by:
            length = _count_at(data, at, one)
            fields += [(f"{i} count", one.counted_by), (f"{i} items", one.kind, (length,))]
            at += np.dtype(one.counted_by).itemsize + length * np.dtype(one.kind).itemsize
        else:
            fields.append((f"{i}", one.kind))
            at += np.dtype(one.kind).itemsize
        if at > len(data):
            return None
    row = np.dtype(fields)
    if vertex.count * row.itemsize > len(data):
        return None
    rows = np.frombuffer(data, row, vertex.count)
    counts = [rows[name] for name in row.names or () if name.endswith("count")]
    if any((count != count[0]).any() for count in counts):
        return None
    result = np.empty(len(rows), vertex.dtype)
    for i, one in enumerate(vertex.properties):
        if not one.counted_by:
            result[one.name] = rows[str(i)]
    return result


def _end_of_rows(data: bytes, element: Element, kept: bytearray | None = None) -> int:
    """The offset after the last row; appends the bytes beside the lists to `kept`. Row by row: slow."""
    at = 0
    smallest = sum(np.dtype(one.counted_by or one.kind).itemsize for one in element.properties)
    if element.count * smallest > len(data):
        raise ValueError(f"cut short: its header promises {element.count} {element.name}, the file ends before")
    for _ in range(element.count):
        for one in element.properties:
            size = np.dtype(one.kind).itemsize
            if one.counted_by:
                size = np.dtype(one.counted_by).itemsize + size * _count_at(data, at, one)
            elif kept is not None:
                kept += data[at : at + size]
            at += size
        if at > len(data):
            raise ValueError(f"cut short: its header promises {element.count} {element.name}, the file ends before")
    return at


def _count_at(data: bytes, at: int, one: Property) -> int:
    kind = np.dtype(one.counted_by)
    if at + kind.itemsize > len(data):
        raise ValueError(f"cut short: the length of {one.name!r} is missing")
    return _length(np.frombuffer(data, kind, 1, at)[0])


def _length(value: bytes | np.generic) -> int:
    length = int(value) if not isinstance(value, np.floating) else round(float(value))
    if length < 0:
        raise ValueError(f"a list of {length} numbers")
    return length


def _dtype(kind: str, encoding: str) -> str:
    return _ORDERS.get(encoding, "=") + _DTYPES[kind]


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
        lines.append(line.decode("utf-8", "replace").strip())
    raise ValueError("its header has no 'end_header'")
