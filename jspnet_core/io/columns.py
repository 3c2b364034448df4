"""Find coordinates and colours among the columns of a file, of any usual name, dtype and range."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Columns = Mapping[str, np.ndarray]

_XYZ = (("x", "y", "z"), ("cartesianx", "cartesiany", "cartesianz"))
_RGB = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("diffuse_red", "diffuse_green", "diffuse_blue"),
    ("colorred", "colorgreen", "colorblue"),
    ("rf", "gf", "bf"),
)
_HARMONICS = ("f_dc_0", "f_dc_1", "f_dc_2")  # colours of Gaussian splats
_HARMONIC_0 = 0.28209479177387814  # the constant spherical harmonic
_PACKED = ("rgb", "rgba")
_STACKED = ("rgb", "color", "colors", "colour", "colours")


def find_columns(columns: Columns, wanted: tuple[tuple[str, ...], ...]) -> list[str]:
    """Return the names in `columns` that equal one of the tuples, ignoring case; empty if none do."""
    by_lower = {name.lower(): name for name in reversed(list(columns))}
    for names in wanted:
        if all(name in by_lower for name in names):
            return [by_lower[name] for name in names]
    return []


def is_coordinate_or_colour(name: str) -> bool:
    """Return whether a column of this name is one of a point's coordinates or of its colour."""
    return name.lower() in {*_PACKED, *_STACKED, *(one for names in (*_XYZ, *_RGB) for one in names)}


def coordinate_names(columns: Columns) -> list[str]:
    """The names of x, y and z. Raises ValueError where they are missing."""
    found = find_columns(columns, _XYZ)
    if not found:
        raise ValueError(f"has no x, y and z among {', '.join(columns) or 'no columns at all'}")
    return found


def coordinates(columns: Columns) -> np.ndarray:
    """(N, 3) float64, or float32 where all three columns are, in the units of the file. Raises ValueError."""
    parts = [columns[name] for name in coordinate_names(columns)]
    odd = [str(part.dtype) for part in parts if part.dtype.kind not in "fiu" or part.ndim != 1]
    if odd:
        raise ValueError(f"x, y and z are {', '.join(odd)}, must be one number each")
    exact = np.float32 if all(part.dtype == np.float32 for part in parts) else np.float64
    return np.stack([part.astype(exact) for part in parts], axis=1)


def colours(columns: Columns) -> tuple[np.ndarray | None, list[str]]:
    """Colours of a table: (N, 3) uint8, or None, and notes about a conversion or why there are none."""
    names = find_columns(columns, _RGB)
    if names:
        return to_uint8(np.stack([columns[name] for name in names], axis=1), ", ".join(names))
    packed = next((name for name in columns if name.lower() in _PACKED and columns[name].ndim == 1), None)
    if packed is not None:
        return _unpacked(columns[packed], packed)
    stacked = next((n for n in columns if n.lower() in _STACKED and columns[n].ndim == 2), None)
    if stacked is not None and columns[stacked].shape[1] in (3, 4):
        return to_uint8(columns[stacked][:, :3], stacked)
    harmonics = find_columns(columns, (_HARMONICS,))
    if harmonics:
        values = np.stack([columns[name] for name in harmonics], axis=1).astype(np.float32)
        shares = np.clip(0.5 + _HARMONIC_0 * np.nan_to_num(values, nan=0.0), 0.0, 1.0)
        return np.rint(255 * shares).astype(np.uint8), ["colours from the spherical harmonics f_dc_0, f_dc_1, f_dc_2"]
    return None, ["no colours in the file: labelled by shape alone"]


def to_uint8(values: np.ndarray, name: str) -> tuple[np.ndarray | None, list[str]]:
    """Colours (N, 3) of any number type as uint8, by their range, and notes. None where no range fits."""
    if values.dtype == np.uint8:
        return values, []
    if values.dtype == np.int8:
        return np.ascontiguousarray(values).view(np.uint8), [f"colours {name} are int8, read as uint8"]
    if values.dtype.kind not in "fiu":
        return None, [f"colours {name} are {values.dtype}, must be numbers: labelled by shape alone"]
    known = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) if values.dtype.kind == "f" else values
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    kind = f"{values.dtype} {low:g} to {high:g}"
    if low < 0 or high > 65535:
        return None, [f"colours {name} are {kind}, accepted are 0 to 1, 255 or 65535: labelled by shape alone"]
    if values.dtype.kind == "f" and (high <= 1.0 or (high < 2.0 and (known != np.rint(known)).any())):
        return np.rint(known.clip(0.0, 1.0) * 255.0).astype(np.uint8), [
            f"colours {name} are {kind}, scaled from 0 to 1"
        ]
    if high <= 255:
        return np.rint(known).astype(np.uint8), [f"colours {name} are {kind}, read as 0 to 255"]
    return (known.astype(np.uint16) >> 8).astype(np.uint8), [f"colours {name} are {kind}, scaled from 0 to 65535"]


def _unpacked(values: np.ndarray, name: str) -> tuple[np.ndarray | None, list[str]]:
    """Red, green and blue of 4 bytes 0xAARRGGBB."""
    if values.dtype.itemsize == 8 and values.dtype.kind in "iu":
        values = values.astype(np.uint32)
    if values.dtype.itemsize != 4:
        return None, [f"column {name!r} is {values.dtype}, must be 4 bytes of packed colour: labelled by shape alone"]
    bits = np.ascontiguousarray(values).view(np.uint32)
    return np.stack([bits >> 16, bits >> 8, bits], axis=1).astype(np.uint8), []
