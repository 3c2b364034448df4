"""Reader of number columns in text files: fast, with a line-by-line repair of malformed lines."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from jspnet_core.data.room_index import RoomFileError

_PLAIN = b"0123456789+-.eE \t\r\n"
_NUMBER = rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_NOTES = 20  # per file: a file of another format would fill the screen


def read_table(path: Path, columns: int, shown: str) -> tuple[np.ndarray, list[str]]:
    """Read lines of `columns` numbers, separated by blanks or tabs; empty lines are ignored.

    A line with control bytes is read with each of them as a separator or, if that does not fit, without them. Other
    malformed lines are skipped. Both are reported with file and line. shown: name of the file in the report.
    Returns (N, columns) float64, and the report. Raises `RoomFileError`.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RoomFileError(f"{shown}: cannot be read ({error.strerror})") from None
    if not text.translate(None, _PLAIN):
        table = _parse(text, columns)
        if table is not None:
            return table, []
    text, layout = _to_layout(text, columns, shown)
    table = _parse(text, columns) if layout else None
    if table is not None:
        return table, layout
    text, notes = _repair(text, columns, shown)
    notes = [*layout, *notes]
    table = _parse(text, columns)
    if table is None:  # every line was compared with a pattern
        raise AssertionError(f"{shown}: a repaired file that does not parse")
    return table, notes


def _to_layout(text: bytes, columns: int, shown: str) -> tuple[bytes, list[str]]:
    """Turn other layouts into rows of `columns` numbers between blanks, with a note for each change.

    Other layouts have a line of names, commas or semicolons, or more columns. Raises `RoomFileError` for fewer.
    """
    lines = text[:20_000].splitlines()[:20]
    notes: list[str] = []
    if len(lines) > 1 and _is_heading(lines[0]) and not _is_heading(lines[1]):
        notes.append(f"{shown}: a line of names, left out: {lines[0][:60].decode('latin-1')!r}")
        text, lines = text.partition(b"\n")[2], lines[1:]
    if lines and all(re.search(rb"\d\s*[,;]", line) for line in lines if line.strip()):
        notes.append(f"{shown}: commas or semicolons read as separators")
        text, lines = re.sub(rb"[,;]", b" ", text), [re.sub(rb"[,;]", b" ", line) for line in lines]
    rows = [line.split() for line in lines if line.strip()]
    found = [len(row) for row in rows if all(re.fullmatch(_NUMBER, word) for word in row)]
    if len(found) < max(2, len(rows)) or min(found) != max(found) or found[0] == columns:
        return text, notes
    if found[0] < columns:
        raise RoomFileError(f"{shown}: rows of {found[0]} columns, {columns} are needed")
    notes.append(f"{shown}: {found[0]} columns, the first {columns} read")
    first = rb"^[ \t]*((?:\S+[ \t]+){%d}\S+)[^\n]*" % (columns - 1)
    return re.sub(first, rb"\1", text, flags=re.MULTILINE), notes


def _is_heading(line: bytes) -> bool:
    """Return whether none of a line's words is a number."""
    words = re.split(rb"[\s,;]+", line.strip().lstrip(b"#/").strip())
    return bool(words[0]) and not any(re.fullmatch(_NUMBER, word) for word in words)


def _parse(text: bytes, columns: int) -> np.ndarray | None:
    """Parse to (N, columns) float64; None if a line has another number of columns."""
    if not text.strip():
        return np.empty((0, columns))
    try:
        frame = pd.read_csv(io.BytesIO(text), sep=r"\s+", header=None, dtype=np.float64)
    except (ValueError, pd.errors.ParserError):
        return None
    table = frame.to_numpy()
    fits = table.shape[1] == columns and not np.isnan(table[:, -1]).any()  # a short line ends in NaN
    return table if fits else None


def _repair(text: bytes, columns: int, shown: str) -> tuple[bytes, list[str]]:
    """Return the well-formed and repaired lines, and the report."""
    good = rb"[ \t]*" + rb"[ \t]+".join([_NUMBER] * columns) + rb"[ \t]*\r?"
    whole = re.compile(good)
    kept, notes, begin, number = [], [], 0, 1
    for bad in re.finditer(rb"^(?!" + good + rb"$)[^\n]*[^ \t\r\n][^\n]*$", text, re.MULTILINE):
        number += text.count(b"\n", begin, bad.start())
        kept.append(text[begin : bad.start()])
        begin = bad.start()
        line, how = _repair_line(bad[0], whole)
        notes.append(f"{shown}:{number}: {how}")
        kept.append(line)
        begin = bad.end()
    kept.append(text[begin:])
    if len(notes) > _MAX_NOTES:
        notes[_MAX_NOTES:] = [f"{shown}: {len(notes) - _MAX_NOTES} more lines like these"]
    return b"".join(kept), notes


def _repair_line(line: bytes, whole: re.Pattern[bytes]) -> tuple[bytes, str]:
    controls = _CONTROL.findall(line)
    names = ", ".join(f"0x{control[0]:02x}" for control in controls)
    for replacement, how in ((b" ", "as a separator"), (b"", "as if it were absent")):
        repaired = _CONTROL.sub(replacement, line)
        if controls and whole.fullmatch(repaired):
            return repaired, f"control byte {names} read {how}"
    return b"", f"skipped: {line[:60]!r}"
