"""Layout of a PointCloud2: which bytes of `data` are which field of which point. Every number in it is checked."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_core.errors import JspnetError

CLOUD_TYPE = "sensor_msgs/msg/PointCloud2"
"""Name of the message type."""

DTYPES = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}
"""numpy's name of each datatype, without the byte order."""

MAX_POINT_STEP = 1 << 16
"""Bytes; the largest point that is accepted, far more than descriptors of hundreds of numbers take."""

XYZ = ("x", "y", "z")
_SAMPLE = 512
_SMALLEST, _LARGEST = 1e-6, 1e8


class PointCloudError(JspnetError):
    """A cloud that cannot be read. `reason` is a short slug for counting: `no_xyz`, `short_data`, ..."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


def field_names(cloud: PointCloud2) -> str:
    """List the cloud's fields for a log line: `x y z rgb`."""
    return " ".join(field.name for field in cloud.fields) or "none"


def records(cloud: PointCloud2, names: Iterable[str], notes: dict[str, str]) -> np.ndarray:
    """View the named fields of a cloud as (N,) records; copied only where rows are padded.

    names: fields to read, in lower case; those that the cloud does not have, or with a datatype that is unknown, are
    left out, and no other field is looked at. notes: takes a sentence, by kind, for each contradiction resolved.
    Raises `PointCloudError` with reason `bad_layout` or `short_data`.
    """
    fields = _fields(cloud, names)
    if cloud.height * cloud.width == 0:
        return np.empty(0, np.dtype([(name, DTYPES[field.datatype]) for name, field in fields.items()]))
    rows, row_step = _rows(cloud, notes)
    _check_offsets(cloud, fields)
    little = {name: f"<{DTYPES[field.datatype]}" for name, field in fields.items()}
    offsets = [field.offset for field in fields.values()]
    width = cloud.width * cloud.point_step
    data = np.frombuffer(cloud.data, np.uint8, count=(rows - 1) * row_step + width)
    if row_step != width:
        padded = np.lib.stride_tricks.as_strided(data, (rows, width), (row_step, 1), writeable=False)
        data = np.ascontiguousarray(padded).reshape(-1)
    points = data.view(_record(list(fields), list(little.values()), offsets, cloud.point_step))
    big = points.dtype.newbyteorder(">")
    return points.view(big) if _is_big_endian(cloud, points, big, notes) else points


def _record(names: list[str], formats: list[str], offsets: list[int], itemsize: int) -> np.dtype:
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": itemsize})


def _rows(cloud: PointCloud2, notes: dict[str, str]) -> tuple[int, int]:
    """Number of rows and bytes from one row to the next; rows are packed where `row_step` contradicts `data`."""
    step, size = cloud.point_step, len(cloud.data)
    if not 0 < step <= MAX_POINT_STEP:
        raise PointCloudError("bad_layout", f"point_step is {step} bytes, 1 to {MAX_POINT_STEP} are accepted")
    row = cloud.width * step
    packed = cloud.height * row
    row_step = cloud.row_step if cloud.height > 1 else row
    needed = (cloud.height - 1) * row_step + row
    if row_step >= row and needed <= size:
        return cloud.height, row_step
    if packed == size:
        notes["row_step"] = (
            f"row_step is {row_step}, which contradicts {cloud.width} x {cloud.height} points of {step} bytes in "
            f"{size} bytes of data: rows are read as packed"
        )
        return cloud.height, row
    if row_step < row:
        raise PointCloudError("bad_layout", f"row_step {row_step} is less than width * point_step = {row}")
    raise PointCloudError(
        "short_data", f"data holds {size} bytes, {cloud.width} x {cloud.height} points of its layout take {needed}"
    )


def _fields(cloud: PointCloud2, names: Iterable[str]) -> dict[str, PointField]:
    """The fields to read by name, `X` as `x` where there is no `x`; of several elements the first one is read."""
    wanted = set(names)
    known = [field for field in cloud.fields if field.datatype in DTYPES]
    found = {field.name.lower(): field for field in known if field.name.lower() in wanted}
    return {**found, **{field.name: field for field in known if field.name in wanted}}


def _check_offsets(cloud: PointCloud2, fields: dict[str, PointField]) -> None:
    for field in fields.values():
        if field.offset + np.dtype(DTYPES[field.datatype]).itemsize > cloud.point_step:
            raise PointCloudError(
                "bad_layout", f"field {field.name} at offset {field.offset} ends beyond point_step {cloud.point_step}"
            )


def _is_big_endian(cloud: PointCloud2, points: np.ndarray, big: np.dtype, notes: dict[str, str]) -> bool:
    """Return the byte order as declared, or the other where only that gives coordinates of a scene."""
    declared = bool(cloud.is_bigendian)
    names = points.dtype.names or ()
    if not all(axis in names and points.dtype[axis].kind == "f" for axis in XYZ):
        return declared
    sample = points[:: max(len(points) // _SAMPLE, 1)]
    shares = _plausible(sample), _plausible(sample.view(big))
    if shares[declared] < 0.5 and shares[not declared] > 0.9:
        order = "little" if declared else "big"
        notes["byte order"] = (
            f"is_bigendian is {declared}, but only {order}-endian coordinates are plausible: read as {order}-endian"
        )
        return not declared
    return declared


def _plausible(sample: np.ndarray) -> float:
    """Share of the points with a return, not NaN, whose coordinates have the size of a scene's; 1 without any."""
    with np.errstate(invalid="ignore"):
        xyz = np.abs(np.stack([sample[axis].astype(np.float64) for axis in XYZ], axis=1))
    fits = (xyz == 0) | ((xyz > _SMALLEST) & (xyz < _LARGEST)) | np.isinf(xyz)
    returns = ~np.isnan(xyz).any(axis=1)
    return float(fits[returns].all(axis=1).mean()) if returns.any() else 1.0
