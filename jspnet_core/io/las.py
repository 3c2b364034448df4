"""Read and write LAS and LAZ files with laspy (extra `formats`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jspnet_core.io.cloud import Table

_MOST_LAZ = 1000
"""Points of LAZ per byte at most: far beyond what is seen, it bounds what a header may allocate."""
_NEW_SCALE = 1e-4
"""Metres, of coordinates that come from another format."""


def read_las(path: Path) -> Table:
    """The points of a LAS or LAZ file as a table. Raises ValueError, OSError, ModuleNotFoundError."""
    import laspy

    size = path.stat().st_size
    try:
        with laspy.open(path) as reader:
            header = reader.header
            promised, left = header.point_count, size - header.offset_to_point_data
            most = left * _MOST_LAZ if header.are_points_compressed else left // header.point_format.size
            if promised > most:
                raise ValueError(f"cut short: its header promises {promised} points, there are {max(most, 0)} at most")
            las = reader.read()
    except (laspy.errors.LaspyException, RuntimeError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"not a LAS file, or damaged ({error})") from None
    if len(las.points) != promised:
        raise ValueError(f"cut short: its header promises {promised} points, {len(las.points)} are there")
    columns: dict[str, np.ndarray] = {axis: np.array(las[axis]) for axis in "xyz"}  # doubles, scaled
    for name in las.point_format.dimension_names:
        if name not in ("X", "Y", "Z"):
            columns[name] = np.array(las[name])
    return Table(columns, "las", shape=(promised,), extra=las)


def write_las(
    path: Path, file: BinaryIO, table: Table, labels: Mapping[str, np.ndarray], class_names: list[str]
) -> None:
    """Write a LAS file, compressed where `path` ends in .laz, with the labels as extra dimensions.

    The points of a LAS file keep their header, scale and offset; those of another format are stored to 0.1 mm.
    """
    import laspy

    las = table.extra if isinstance(table.extra, laspy.LasData) else _made(laspy, table)
    known = set(las.point_format.dimension_names)
    renamed = {name: values for name, values in table.columns.items() if name.startswith("input_")}
    for name, values in {**renamed, **labels}.items():
        if name not in known:
            las.add_extra_dim(laspy.ExtraBytesParams(name=name, type=values.dtype.newbyteorder("=")))
        las[name] = values
    las.write(file, do_compress=path.suffix.lower() == ".laz")


def _made(laspy: Any, table: Table) -> Any:
    """A new file of a table's columns."""
    from jspnet_core.io.columns import colours, coordinate_names, find_columns

    axes = coordinate_names(table.columns)
    xyz = np.stack([table.columns[name].astype(np.float64) for name in axes], axis=1)
    if not np.isfinite(xyz).all():
        raise ValueError("LAS files hold no points without a return (NaN); write .ply, .pcd or .npz")
    header = laspy.LasHeader(point_format=7, version="1.4")
    header.offsets = np.floor(xyz.min(axis=0)) if len(xyz) else np.zeros(3)
    header.scales = np.full(3, _NEW_SCALE)
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    rgb, _ = colours(table.columns)
    if rgb is not None:
        las.red, las.green, las.blue = (rgb.astype(np.uint16) * 257).T
    taken = {*axes, *find_columns(table.columns, (("red", "green", "blue"), ("r", "g", "b")))}
    for name, values in table.columns.items():
        if name in taken or values.ndim != 1 or name in ("rgb", "rgba"):
            continue
        if name not in set(las.point_format.dimension_names):
            las.add_extra_dim(laspy.ExtraBytesParams(name=name[:32], type=values.dtype.newbyteorder("=")))
        las[name[:32]] = values
    return las
