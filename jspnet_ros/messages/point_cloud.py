"""PointCloud2 to arrays: the one place that reads a cloud message, and nothing here loops over points in Python.

Fields are found by name, offset and datatype, because drivers differ in all of them.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np
from sensor_msgs.msg import PointCloud2

from jspnet_core.util.threads import parallel_parts
from jspnet_ros.messages.cloud_colors import COLOR_NAMES, packed_field, read_colors
from jspnet_ros.messages.cloud_layout import DTYPES, XYZ, PointCloudError, field_names, records
from jspnet_ros.messages.point_kernels import take_points
from jspnet_ros.messages.transforms import FAR, MAX_TRANSLATION, OFFSET_STEP

_SAMPLE = 4096


@dataclass(frozen=True)
class PointArrays:
    """The points of a cloud in message order.

    points: (N, 3) float32, metres, the message's frame less `offset`; rows with NaN or Inf carry no return.
    colors: (N, 3) uint8, red green blue; None where the cloud has no colour.
    offset: (3,) float64, metres, to be added to `points`; 0 but for clouds far from their frame's origin.
    notes: sentences, by kind, on what in the message was contradictory or converted.
    """

    points: np.ndarray
    colors: np.ndarray | None
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    notes: dict[str, str] = field(default_factory=dict)


def scaled(arrays: PointArrays, factor: float) -> PointArrays:
    """Multiply coordinates by a factor, from their unit to metres; the points are overwritten."""
    if factor == 1.0:
        return arrays
    np.multiply(arrays.points, np.float32(factor), out=arrays.points)
    return replace(arrays, offset=arrays.offset * factor)


def read_points(cloud: PointCloud2, executor: Executor | None = None, threads: int = 1) -> PointArrays:
    """Read points and colours of a cloud of any layout: organised or not, padded rows, either byte order.

    x, y and z are FLOAT32 or FLOAT64; (0, 0, 0) is no return and becomes NaN. Colour is `rgb` or `rgba` packed in four
    bytes, or three fields (`r g b`, `red green blue`, `diffuse_red` ...); without any of them the cloud has no colour.
    A cloud of no points and no data is an empty view and gives empty arrays.
    executor, threads: a large cloud is read in that many parts in parallel.

    Raises `PointCloudError` with reason `empty`, `no_xyz`, `wrong_datatype`, `bad_layout` or `short_data`.
    """
    if cloud.height * cloud.width == 0:
        return _empty_view(cloud)
    notes: dict[str, str] = {}
    _check_xyz(cloud)
    points = records(cloud, [*XYZ, *COLOR_NAMES], notes)
    offset = _offset(points)
    if not offset.any():
        packed = _packed_words(points, executor, threads)
        if packed is not None:
            return PointArrays(*packed, offset, notes)
    return PointArrays(_xyz(points, offset), read_colors(points, notes), offset, notes)


def read_field(cloud: PointCloud2, name: str) -> np.ndarray:
    """Read one field of a cloud: (N,) in the field's datatype, native byte order.

    Raises `PointCloudError` with reason `no_field`, or those of a cloud that cannot be read.
    """
    found = records(cloud, (name, *XYZ), {})
    if name not in (found.dtype.names or ()):
        raise PointCloudError("no_field", f"no field {name}; found {field_names(cloud)}")
    column = found[name]
    return np.ascontiguousarray(column, column.dtype.newbyteorder("="))


def _empty_view(cloud: PointCloud2) -> PointArrays:
    if len(cloud.data):
        raise PointCloudError(
            "empty",
            f"the cloud has width {cloud.width} and height {cloud.height}, no point, but {len(cloud.data)} bytes",
        )
    return PointArrays(np.empty((0, 3), np.float32), None)


def _check_xyz(cloud: PointCloud2) -> None:
    datatypes = {f.name.lower(): f.datatype for f in cloud.fields} | {f.name: f.datatype for f in cloud.fields}
    missing = [axis for axis in XYZ if axis not in datatypes]
    if missing:
        raise PointCloudError("no_xyz", f"no field {' '.join(missing)}; fields x, y and z are needed")
    for axis in XYZ:
        if DTYPES.get(datatypes[axis]) not in ("f4", "f8"):
            name = np.dtype(DTYPES[datatypes[axis]]).name if datatypes[axis] in DTYPES else "of an unknown datatype"
            raise PointCloudError(
                "wrong_datatype",
                f"field {axis} is {name} ({datatypes[axis]}), FLOAT32 (7) or FLOAT64 (8) in metres is accepted",
            )


def _offset(points: np.ndarray) -> np.ndarray:
    """Offset (3,) that brings a cloud far from its origin near it, in whole steps; zeros where it is near already."""
    sample = points[:: max(len(points) // _SAMPLE, 1)]
    with np.errstate(invalid="ignore"):
        xyz = np.stack([sample[axis].astype(np.float64) for axis in XYZ], axis=1)
    seen = xyz[np.isfinite(xyz).all(axis=1)]
    middle = np.median(seen, axis=0) if len(seen) else np.zeros(3)
    far = (np.abs(middle) > FAR) & (np.abs(middle) < MAX_TRANSLATION)
    return np.where(far, np.round(middle / OFFSET_STEP) * OFFSET_STEP, 0.0)


def _xyz(points: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Coordinates (N, 3) float32 less `offset`, which is subtracted before anything is rounded."""
    xyz = np.empty((len(points), 3), np.float32)
    no_return = np.ones(len(points), bool)
    with np.errstate(invalid="ignore", over="ignore"):  # beyond float32: Inf, which is no return
        for column, axis in enumerate(XYZ):
            no_return &= points[axis] == 0
            xyz[:, column] = points[axis] - offset[column]
    xyz[no_return] = np.nan
    return xyz


def _packed_words(
    points: np.ndarray, executor: Executor | None, threads: int
) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Read the layouts of common drivers in one pass: x, y and z float32 and packed colour or none, each at a multiple
    of four bytes and in native byte order. None for other layouts."""
    fields, packed = dict(points.dtype.fields or {}), packed_field(points)
    names = [*XYZ, *([packed] if packed else [])]
    offsets = [fields[name][1] for name in names]
    fits = all(fields[name][0].isnative and fields[name][0].itemsize == 4 for name in names)
    other_color = packed is None and bool(fields.keys() & COLOR_NAMES)
    if other_color or not fits or any(offset % 4 for offset in (*offsets, points.dtype.itemsize)):
        return None
    words = points.view(np.uint32).reshape(len(points), -1)
    xyz = np.empty((len(points), 3), np.uint32)
    colors = np.empty((len(points) if packed else 0, 3), np.uint8)
    x, y, z, *rest = (offset // 4 for offset in offsets)
    rgb = rest[0] if packed else -1
    parallel_parts(
        lambda part: take_points(words[part], x, y, z, rgb, xyz[part], colors[part]), len(words), executor, threads
    )
    return xyz.view(np.float32), colors if packed else None
