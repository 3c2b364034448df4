"""Rows of numbers from text, with the spellings of NaN and infinity that other programs write."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np

_ODD = re.compile(rb"[-+]?nan\([^)\s]*\)|[-+]?1\.#(?:QNAN|SNAN|IND|INF)\d*|[-+]?1\.#[A-Z]+\d*", re.IGNORECASE)


def most_rows(size: int, columns: int) -> int:
    """Return the largest number of rows of `columns` numbers that `size` bytes of text can hold."""
    return (size + 1) // (2 * max(columns, 1))


def parse_rows(text: bytes, dtype: np.dtype, delimiter: str | None = None, rows: int | None = None) -> np.ndarray:
    """The first `rows` rows of a text: (N,) structured. Raises ValueError for what is not a number.

    delimiter: None for blanks and tabs.
    """
    if rows == 0 or not text.strip():
        return np.empty(0, dtype)
    try:
        return _load(text, dtype, delimiter, rows)
    except ValueError:
        mended = _ODD.sub(lambda odd: b"inf" if b"INF" in odd[0].upper() else b"nan", text)
    try:
        return _cast(mended, dtype, delimiter, rows)
    except ValueError as error:
        raise ValueError(str(error).partition("; use `")[0]) from None  # numpy's advice is to programmers


def _load(text: bytes, dtype: np.dtype, delimiter: str | None, rows: int | None) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about empty lines, which do not count as rows
        return np.loadtxt(io.BytesIO(text), dtype=dtype, comments=None, delimiter=delimiter, max_rows=rows, ndmin=1)


def _cast(text: bytes, dtype: np.dtype, delimiter: str | None, rows: int | None) -> np.ndarray:
    """Parse as doubles, then cast: for whole numbers that are written as 255.0 or 2.55e2."""
    names = dtype.names or ()
    doubles = _load(text, np.dtype([(name, np.float64, dtype[name].shape) for name in names]), delimiter, rows)
    result = np.empty(len(doubles), dtype)
    for name in names:
        with np.errstate(invalid="ignore", over="ignore"):
            result[name] = doubles[name]
        if dtype[name].base.kind in "iu" and (result[name] != doubles[name]).any():
            odd = doubles[name][result[name] != doubles[name]][0]
            raise ValueError(f"{name!r} is {odd:g} somewhere, must be a whole number of {dtype[name].base}")
    return result
