"""Clouds from files, labelled clouds to files: .ply, .pcd and .npz in, .ply and .npz out."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import DTypeLike

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.io.atomic import replacing
from jspnet_core.io.npz import read_npz, take_array, take_metres
from jspnet_core.io.ply import read_vertices, write_vertices
from jspnet_core.segmentation import Segmentation

READABLE = (".ply", ".pcd", ".npz")
WRITABLE = (".ply", ".npz")


class CloudFileError(JspnetError):
    """A cloud file that cannot be read or written: one sentence naming the file, what was found, what is accepted."""


@dataclass(frozen=True)
class Cloud:
    """A cloud as its file holds it, in the file's order.

    points: (N, 3) float32, metres, any frame; NaN or Inf where there was no return.
    colors: (N, 3) uint8, red green blue; None where the file has none.
    """

    points: np.ndarray
    colors: np.ndarray | None

    def __len__(self) -> int:
        return len(self.points)


def read_cloud(path: Path | str) -> Cloud:
    """Read a cloud; the file's suffix says which format.

    .ply: x y z and, if there, red green blue (uchar); ascii or binary.
    .pcd: x y z and, if there, rgb or rgba (packed, float or unsigned); ascii, binary or binary_compressed.
    .npz: xyz (float, metres) or xyz_mm (integer, millimetres) and, if there, rgb (uint8).
    Raises `CloudFileError`.
    """
    path = Path(path)
    readers = {".ply": _read_ply, ".pcd": _read_pcd, ".npz": _read_npz}
    if path.suffix.lower() not in readers:
        raise CloudFileError(f"{path}: clouds are read from {', '.join(READABLE)}, not from {path.suffix or 'this'!r}")
    if not path.is_file():
        raise CloudFileError(f"{path}: no such file")
    try:
        return readers[path.suffix.lower()](path)
    except CloudFileError:
        raise
    except (OSError, ValueError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise CloudFileError(f"{path}: {reason}") from None


def check_writable(path: Path | str) -> None:
    """Raise `CloudFileError` where `write_cloud` would refuse `path`, before any work is done for it."""
    path = Path(path)
    if path.suffix.lower() not in WRITABLE:
        raise CloudFileError(f"{path}: labelled clouds are written to {', '.join(WRITABLE)}, not to {path.suffix!r}")
    if path.is_dir() or not path.parent.is_dir():
        raise CloudFileError(f"{path}: {'is a folder' if path.is_dir() else f'no folder {path.parent}'}")
    if not os.access(path.parent, os.W_OK):
        raise CloudFileError(f"{path}: no permission to write in {path.parent}")


def write_cloud(path: Path | str, cloud: Cloud, segmentation: Segmentation, classes: ClassTable | None = None) -> None:
    """Write a cloud with its labels, every point in the input's order; a file of that name is replaced at the end.

    Columns: the input's coordinates (metres, input frame) and colours if it has any, `label` uint8 (255: none),
    `instance` uint32 (0: none), `confidence` float32. With `classes`, their names go along: as comments of a .ply,
    as array `class_names` of an .npz. Raises `CloudFileError`; nothing half-written is left behind.
    """
    path = Path(path)
    check_writable(path)
    labels: dict[str, np.ndarray] = {
        "label": segmentation.label.astype(np.uint8),
        "instance": segmentation.instance.astype(np.uint32),
        "confidence": segmentation.confidence.astype(np.float32),
    }
    try:
        with replacing(path) as file:
            (_write_ply if path.suffix.lower() == ".ply" else _write_npz)(file, cloud, labels, classes)
    except OSError as error:
        raise CloudFileError(f"{path}: cannot be written ({error.strerror or error})") from None


def _read_ply(path: Path) -> Cloud:
    vertices = read_vertices(path)
    return Cloud(stack_xyz(vertices), stack_rgb(vertices))


def _read_pcd(path: Path) -> Cloud:
    from pypcd4 import PointCloud  # half a second to import

    try:
        cloud = PointCloud.from_path(path)
    except (KeyError, IndexError, TypeError, RuntimeError, struct.error) as error:  # what it raises for odd files
        raise CloudFileError(f"{path}: not a PCD file, or damaged ({type(error).__name__}: {error})") from None
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise CloudFileError(f"{path}: not a PCD file, or damaged ({first})") from None
    data = np.atleast_1d(cloud.pc_data)
    if len(data) != cloud.metadata.points:
        raise CloudFileError(f"{path}: cut short: {cloud.metadata.points} points promised, {len(data)} there")
    points = stack_xyz(data)
    packed = next((name for name in ("rgb", "rgba") if name in (data.dtype.names or ())), None)
    if packed is None:
        return Cloud(points, stack_rgb(data))
    if data.dtype[packed].itemsize != 4:
        raise CloudFileError(
            f"{path}: {packed!r} is {data.dtype[packed]}, must be 4 bytes that pack red, green and blue"
        )
    bits = np.ascontiguousarray(data[packed]).view(np.uint32)
    return Cloud(points, np.stack([bits >> 16, bits >> 8, bits], axis=1).astype(np.uint8))


def _read_npz(path: Path) -> Cloud:
    arrays = read_npz(path)
    points = take_metres(path, arrays)
    colors = take_array(path, arrays, "rgb", (len(points), 3), "uint8") if "rgb" in arrays else None
    return Cloud(points, colors)


def stack_xyz(columns: np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
    """(N, 3) from x y z of a structured array. Raises ValueError where it has none."""
    names = columns.dtype.names or ()
    if not {"x", "y", "z"} <= set(names):
        raise ValueError(f"has no x, y and z among {', '.join(names)}")
    with np.errstate(over="ignore"):  # doubles beyond float32 become Inf: no return
        return np.stack([columns[axis].astype(dtype) for axis in "xyz"], axis=1)


def stack_rgb(columns: np.ndarray) -> np.ndarray | None:
    """(N, 3) uint8 from red green blue or r g b of a structured array, None where it has neither. Raises ValueError."""
    for names in (("red", "green", "blue"), ("r", "g", "b")):
        if set(names) <= set(columns.dtype.names or ()):
            odd = [f"{name} is {columns.dtype[name]}" for name in names if columns.dtype[name] != np.uint8]
            if odd:
                raise ValueError(f"{', '.join(odd)}; colours must be uint8 (uchar)")
            return np.stack([columns[name] for name in names], axis=1)
    return None


def _write_ply(file: BinaryIO, cloud: Cloud, labels: dict[str, np.ndarray], classes: ClassTable | None) -> None:
    columns = dict(zip("xyz", cloud.points.astype(np.float32).T, strict=True))
    if cloud.colors is not None:
        columns |= dict(zip(("red", "green", "blue"), cloud.colors.T, strict=True))
    names = [f"class {label} {name}" for label, name in enumerate(classes.names)] if classes else []
    write_vertices(file, columns | labels, comments=["coordinates in metres", *names])


def _write_npz(file: BinaryIO, cloud: Cloud, labels: dict[str, np.ndarray], classes: ClassTable | None) -> None:
    arrays = {"xyz": cloud.points.astype(np.float32)}
    if cloud.colors is not None:
        arrays["rgb"] = cloud.colors
    if classes is not None:
        arrays["class_names"] = np.array(classes.names)
    np.savez_compressed(file, allow_pickle=False, **arrays, **labels)
