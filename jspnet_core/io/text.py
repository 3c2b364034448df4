"""Read and write points as text: .xyz, .txt, .csv, .pts and .asc, with or without a line of names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jspnet_core.io.cloud import Table
from jspnet_core.io.numbers import parse_rows

_NUMBER = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[ed][-+]?\d+)?|[-+]?(?:nan|inf|infinity).*|[-+]?1\.#\w+", re.IGNORECASE
)
_DECIMAL_COMMA = re.compile(rb"(?<=\d),(?=\d)")
_COMMENTS = ("#", "//", ";", "%")
_MOST_HEADER = 50  # lines


@dataclass(frozen=True)
class TextExtra:
    """Layout of a text file, so that the writer can repeat it.

    head: the lines before the points; names: whether the last of them names the columns; lines: the rows as they
    were; delimiter: between two columns.
    """

    head: list[bytes]
    names: bool
    lines: list[bytes]
    delimiter: bytes


def read_text(path: Path) -> Table:
    """The rows of a text file as a table. Raises ValueError, OSError.

    Columns are named by a header line where there is one. Without it the first three are x, y and z, and three whole
    numbers from 0 to 255 are red, green and blue.
    """
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        raise ValueError("not text: it holds zero bytes")
    lines = data.splitlines()
    start, names = _head(lines)
    rows = [line for line in lines[start:] if line.strip()]
    if not rows:
        raise ValueError(f"no rows of numbers in {len(lines)} lines")
    _check_count(lines[:start], len(rows))
    delimiter, comma = _delimiter(rows[0].decode("latin-1"))
    numeric = [row.rstrip().removesuffix(delimiter.encode()) for row in rows] if delimiter else rows
    text = b"\n".join(numeric)
    if comma:
        text = _DECIMAL_COMMA.sub(b".", text)
    width = len(numeric[0].decode("latin-1").split(delimiter))
    if width < 3:
        raise ValueError(f"its first row has {width} columns, at least x, y and z are needed: {rows[0][:60]!r}")
    dtype = np.dtype([(f"c{i}", np.float64) for i in range(width)])
    numbers = np.ascontiguousarray(parse_rows(text, dtype, delimiter)).view(np.float64).reshape(-1, width)
    notes: list[str] = []
    named = names is not None and len(names) == width
    if names is None or len(names) != width:
        names, notes = name_columns(numbers, intensity_first=path.suffix.lower() == ".pts")
    blank = b"\t" if b"\t" in rows[0] else b" "
    extra = TextExtra(lines[:start], named, rows, delimiter.encode() if delimiter else blank)
    return Table(dict(zip(names, numbers.T, strict=True)), "text", tuple(notes), (len(numbers),), extra=extra)


def holds_rows(path: Path) -> bool:
    """Return whether a text file begins as one of points, not as prose. Raises OSError."""
    with path.open("rb") as file:
        begin = file.read(20_000)
    try:
        lines = begin.splitlines()
        return b"\0" not in begin and _head(lines)[0] < len(lines)
    except ValueError:
        return False


def write_text(file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], delimiter: str) -> None:
    """Write the rows of a table, unchanged if it was read from text, with the labels as last columns."""
    added = [*labels.values()]
    if isinstance(table.extra, TextExtra):
        extra, mark = table.extra, table.extra.delimiter
        head = list(extra.head)
        if extra.names:
            head[-1] = mark.join([head[-1].rstrip(), *(name.encode() for name in labels)])
        rows = [line.rstrip().removesuffix(mark.strip() or b"\0") for line in extra.lines]
    else:
        mark = delimiter.encode()
        columns = _flat(table.columns)
        head = [mark.join(name.encode() for name in (*columns, *labels))] if delimiter == "," else []
        texts = [_shortest(values) for values in columns.values()]
        rows = [mark.join(words) for words in zip(*texts, strict=True)]
    tails = [_shortest(values) for values in added]
    for line in head:
        file.write(line + b"\n")
    if len(rows) != len(tails[0]):
        raise ValueError(f"{len(tails[0])} labels for {len(rows)} rows")
    for row, *words in zip(rows, *tails, strict=True):
        file.write(mark.join([row, *words]) + b"\n")


def name_columns(numbers: np.ndarray, *, intensity_first: bool) -> tuple[list[str], list[str]]:
    """Names of columns that have none, and a note about what was assumed. numbers: (N, K) of any type, K >= 3.

    intensity_first: 7 columns are x y z intensity red green blue, as in .pts.
    """
    width = numbers.shape[1]
    names = ["x", "y", "z", *(f"column_{i}" for i in range(3, width))]
    for at in (4, 3) if intensity_first and width in (7, 10) else (3, 4, 6):  # 10: with the labels
        if at + 3 <= width and _like_colours(numbers[:, at : at + 3]):
            names[at : at + 3] = ["red", "green", "blue"]
            if at == 4:
                names[3] = "intensity"
            break
    return names, [f"no names of columns: taken as {' '.join(names)}"] if width > 3 else []


def _like_colours(values: np.ndarray) -> bool:
    """Whole numbers from 0 to 255, or 0 to 1 where they are no normals and no few labels."""
    known = values[np.isfinite(values).all(axis=1)]
    if not len(known) or known.min() < 0 or known.max() > 255:
        return False
    if (known == np.rint(known)).all():
        return known.max() > 1 or not known.any()
    lengths = np.linalg.norm(known.astype(np.float64), axis=1)
    return bool(known.max() <= 1.0) and not (np.abs(lengths - 1.0) < 0.01).mean() > 0.9


def _head(lines: list[bytes]) -> tuple[int, list[str] | None]:
    """Return the number of lines before the rows, and the names of the columns where one of them lists some."""
    names: list[str] | None = None
    for i, line in enumerate(lines[:_MOST_HEADER]):
        text = line.decode("latin-1").removeprefix("\xef\xbb\xbf").strip()  # a byte order mark
        bare = text
        while bare.startswith(_COMMENTS):
            bare = bare[2:].strip() if bare.startswith("//") else bare[1:].strip()
        words = [word.strip("\"'") for word in re.split(r"[,;\t ]+", bare) if word]
        if bare == text and len(words) >= 3 and all(_NUMBER.fullmatch(word) for word in words[:3]):
            return i, names
        if len(words) >= 3 and not any(_NUMBER.fullmatch(word) for word in words):
            names = words
        elif not (not bare or bare != text or len(words) == 1 and words[0].isdecimal()):
            raise ValueError(f"line {i + 1} is neither a row of numbers nor names of columns: {text[:60]!r}")
    return len(lines), names


def _delimiter(row: str) -> tuple[str | None, bool]:
    """The delimiter of a row, None for blanks, and whether its numbers have decimal commas."""
    if ";" in row:
        return ";", "," in row
    if "," not in row:
        return None, False
    by_blanks = row.split()
    if len(by_blanks) >= 3 and not any(word.endswith(",") or word.startswith(",") for word in by_blanks):
        return None, all(word.count(",") <= 1 for word in by_blanks)
    return ",", False


def _check_count(head: list[bytes], rows: int) -> None:
    """Raise ValueError where a line before the rows, as the first of .pts files, states a larger number."""
    for line in head:
        if line.strip().isdigit() and int(line) > rows:
            raise ValueError(f"cut short: its first line promises {int(line)} points, {rows} are there")


def _flat(columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    flat: dict[str, np.ndarray] = {}
    for name, values in columns.items():
        if values.ndim == 1:
            flat[name] = values
        else:
            flat |= {f"{name}_{k}": column for k, column in enumerate(values.reshape(len(values), -1).T)}
    return flat


def _shortest(values: np.ndarray) -> list[bytes]:
    """The shortest text of each number that reads back as the same one."""
    return [str(value).encode() for value in values]
