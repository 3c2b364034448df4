"""Read clouds from files and write labelled clouds; the suffix of a file selects the format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.io.atomic import replacing
from jspnet_core.io.cloud import Cloud, CloudFileError, Table
from jspnet_core.io.columns import colours
from jspnet_core.io.conversion import in_format, table_of, without_labels, world_coordinates
from jspnet_core.io.npz import read_npy_table, read_npz_table, write_npy, write_npz
from jspnet_core.io.pcd import read_pcd, write_pcd
from jspnet_core.io.ply import read_ply, write_vertices
from jspnet_core.io.text import read_text, write_text
from jspnet_core.segmentation import Segmentation

__all__ = [
    "READABLE",
    "WRITABLE",
    "Cloud",
    "CloudFileError",
    "check_writable",
    "read_cloud",
    "read_table",
    "write_cloud",
]

TEXT = (".xyz", ".txt", ".csv", ".pts", ".asc")
READABLE = (".ply", ".pcd", ".las", ".laz", ".e57", ".npz", ".npy", *TEXT)
WRITABLE = tuple(suffix for suffix in READABLE if suffix != ".e57")

_LARGEST = 500.0  # metres from the origin; from there on float32 steps are 0.03 mm and more
_FORMATS = {".ply": "ply", ".pcd": "pcd", ".las": "las", ".laz": "las", ".npz": "npz", ".npy": "npy"}


def read_cloud(path: Path | str, scale: float = 1.0) -> Cloud:
    """Read a cloud of any format in `READABLE`, with all its columns.

    scale: metres of one unit of the file.
    Coordinates further than 500 m from the origin in the middle are taken less an offset, kept in the cloud, so that
    float32 holds them. A pose that the file states (VIEWPOINT of .pcd) is applied to the points. Colours of any range
    become uint8. .las, .laz and .e57 need the extra `formats`. Raises `CloudFileError`.
    """
    table = read_table(path)
    try:
        return _as_cloud(table, scale)
    except ValueError as error:
        raise CloudFileError(f"{path}: {error}") from None


def read_table(path: Path | str) -> Table:
    """Read a file of any format in `READABLE` as the columns that it holds. Raises `CloudFileError`."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READABLE:
        raise CloudFileError(f"{path}: clouds are read from {', '.join(READABLE)}, not from {path.suffix or 'this'!r}")
    if not path.is_file():
        raise CloudFileError(f"{path}: no such file")
    try:
        return _reader(suffix)(path)
    except ModuleNotFoundError as error:
        raise _missing_library(path, error) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).removeprefix(f"{path}: ").split())
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
    if path.suffix.lower() in (".las", ".laz"):
        try:
            import laspy  # noqa: F401
        except ModuleNotFoundError as error:
            raise _missing_library(path, error) from None


def write_cloud(path: Path | str, cloud: Cloud, segmentation: Segmentation, classes: ClassTable | None = None) -> None:
    """Write a cloud with its labels, every point in the input's order; a file of that name is replaced at the end.

    Columns: those of the input as they were, in its units and frame, then `label` uint8 (255: none), `instance` uint32
    (0: none), `confidence` float32. Columns of these names that jspnet did not write are kept as `input_label` and so
    on. With `classes`, their names go along where the format has a place: comments of .ply and .pcd, the array
    `class_names` of .npz. Raises `CloudFileError`; nothing half-written is left behind.
    """
    path = Path(path)
    check_writable(path)
    labels: dict[str, np.ndarray] = {
        "label": segmentation.label.astype(np.uint8),
        "instance": segmentation.instance.astype(np.uint32),
        "confidence": segmentation.confidence.astype(np.float32),
    }
    if len(labels["label"]) != len(cloud):
        raise ValueError(f"{len(labels['label'])} labels for {len(cloud)} points")
    table = in_format(without_labels(cloud.table or table_of(cloud)), _FORMATS.get(path.suffix.lower(), "text"))
    try:
        with replacing(path) as file:
            _write(path, file, table, labels, list(classes.names) if classes else [])
    except OSError as error:
        raise CloudFileError(f"{path}: cannot be written ({error.strerror or error})") from None
    except ModuleNotFoundError as error:
        raise _missing_library(path, error) from None
    except ValueError as error:
        raise CloudFileError(f"{path}: cannot be written: {error}") from None


def _reader(suffix: str) -> Callable[[Path], Table]:
    if suffix in (".las", ".laz"):
        from jspnet_core.io.las import read_las

        return read_las
    if suffix == ".e57":
        from jspnet_core.io.e57 import read_e57

        return read_e57
    readers = {".ply": read_ply, ".pcd": read_pcd, ".npz": read_npz_table, ".npy": read_npy_table}
    return readers.get(suffix, read_text)


def _write(path: Path, file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], class_names: list[str]) -> None:
    suffix = path.suffix.lower()
    if suffix == ".ply":
        known = [c for c in (table.extra if isinstance(table.extra, list) else []) if not c.startswith("class ")]
        write_vertices(
            file, {**table.columns, **labels}, [*known, *(f"class {i} {name}" for i, name in enumerate(class_names))]
        )
    elif suffix == ".pcd":
        write_pcd(file, table, labels, class_names)
    elif suffix == ".npz":
        write_npz(file, table, labels, class_names)
    elif suffix == ".npy":
        write_npy(file, table, labels, class_names)
    elif suffix in (".las", ".laz"):
        from jspnet_core.io.las import write_las

        write_las(path, file, table, labels, class_names)
    else:
        write_text(file, table, labels, "," if suffix == ".csv" else " ")


def _as_cloud(table: Table, scale: float) -> Cloud:
    """Points and colours of a table."""
    xyz = world_coordinates(table, scale)
    rgb, notes = colours(table.columns)
    if table.T_world_input is not None:
        notes.append("the pose in the file (VIEWPOINT) is applied")
    offset, more = _offset(xyz)
    with np.errstate(over="ignore", invalid="ignore"):  # doubles beyond float32 become Inf: no return
        points = (xyz - offset if offset.any() else xyz).astype(np.float32)
    return Cloud(points, rgb, offset, (*table.notes, *notes, *more), table)


def _offset(xyz: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Whole metres (3,) to subtract from coordinates (N, 3), zeros where their middle is near the origin, and notes."""
    finite = xyz[np.isfinite(xyz).all(axis=1)]
    middle = np.median(finite[:: max(len(finite) // 10_000, 1)], axis=0) if len(finite) else np.zeros(3)
    if np.abs(middle).max() < _LARGEST:
        return np.zeros(3), []
    offset = np.rint(middle).astype(np.float64)
    step = float(np.spacing(np.float32(np.abs(middle).max())))
    notes = [f"an offset of ({', '.join(f'{value:.0f}' for value in offset)}) is taken off before labelling"]
    if xyz.dtype == np.float32 and step > 0.002:
        notes.append(f"coordinates are float32 so far from the origin that their steps are {step:g}; write doubles")
    return offset, notes


def _missing_library(path: Path, error: ModuleNotFoundError) -> CloudFileError:
    return CloudFileError(
        f"{path}: {path.suffix} files need {error.name}, which is not installed: pip install 'jspnet[formats]'"
    )
