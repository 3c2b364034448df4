"""Read npz files of known content, with errors that say what was found and what is accepted."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

_KINDS = {"integer": "ui", "float": "f", "number": "uif", "uint8": "u"}


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an npz file. Raises ValueError, one sentence naming the file, where it cannot be read."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an npz file, or cut short")
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: damaged npz file ({error})") from None


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
