"""PointCloud2 to arrays and back: the one place that reads a cloud message, and the one that writes it.

Reading goes by field name, offset and datatype, because drivers differ in all of them. Nothing here loops
over points.
"""

from __future__ import annotations

from array import array
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from jspnet_core.classes import ClassTable, instance_palette
from jspnet_core.errors import JspnetError
from jspnet_core.segmentation import Segmentation
from jspnet_core.util.threads import parallel_parts
from jspnet_ros.messages.cdr import serialised
from jspnet_ros.messages.point_kernels import fill_instances, fill_labels, take_points

_DTYPES = {
    PointField.INT8: "i1",
    PointField.UINT8: "u1",
    PointField.INT16: "i2",
    PointField.UINT16: "u2",
    PointField.INT32: "i4",
    PointField.UINT32: "u4",
    PointField.FLOAT32: "f4",
    PointField.FLOAT64: "f8",
}
_FIELD_TYPES = {dtype: datatype for datatype, dtype in _DTYPES.items()}

_NAMES = ["x", "y", "z", "rgb", "label", "confidence"]

SEMANTIC_POINT: np.dtype = np.dtype(
    {
        "names": _NAMES,
        "formats": ["<f4", "<f4", "<f4", "<f4", "u1", "<f4"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
"""A point of the semantic cloud; float32 `rgb` and a field `label` are what PCL, rviz2 and Hydra look for."""

INSTANCE_POINT: np.dtype = np.dtype(
    {
        "names": [*_NAMES, "instance"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "u1", "<f4", "<u4"],
        "offsets": [0, 4, 8, 12, 16, 20, 24],
        "itemsize": 28,
    }
)
"""A point of the instance cloud: the semantic one, and the id of its instance."""


def _in_words(point: np.dtype) -> np.dtype:
    """The same bytes with the label as a word: what lies between the fields is written with it, as zeros."""
    fields = dict(point.fields or {})
    formats = ["<u4" if name == "label" else fields[name][0] for name in fields]
    offsets = [fields[name][1] for name in fields]
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": point.itemsize})


_SEMANTIC_WORDS, _INSTANCE_WORDS = _in_words(SEMANTIC_POINT), _in_words(INSTANCE_POINT)


class PointCloudError(JspnetError):
    """A cloud that can't be read. `reason` is a short slug for counting: `no_xyz`, `short_data`, ..."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class PointArrays:
    """The points of a cloud in message order.

    points: (N, 3) float32, metres, the message's frame; rows with NaN or Inf carry no return.
    colors: (N, 3) uint8, red green blue; None where the cloud has no colour.
    """

    points: np.ndarray
    colors: np.ndarray | None


def field_names(cloud: PointCloud2) -> str:
    """The cloud's fields for people: `x y z rgb`."""
    return " ".join(field.name for field in cloud.fields) or "none"


def read_points(cloud: PointCloud2, executor: Executor | None = None, threads: int = 1) -> PointArrays:
    """Points and colours of a cloud of any layout: organised or not, padded rows, either byte order.

    x, y and z are FLOAT32 or FLOAT64. Colour is `rgb` or `rgba` packed in four bytes (FLOAT32, UINT32 or
    INT32), or the UINT8 fields `r`, `g` and `b`; without any of them the cloud has no colour.
    executor, threads: a large cloud is read by so many side by side.

    Raises `PointCloudError` with reason `empty`, `no_xyz`, `wrong_datatype`, `bad_layout` or `short_data`.
    """
    records = _records(cloud)
    for axis in "xyz":
        if records[axis].dtype.kind != "f":
            raise PointCloudError(
                "wrong_datatype", f"field {axis} is {records[axis].dtype.name}, FLOAT32 or FLOAT64 is accepted"
            )
    words = _words(records, executor, threads)
    if words is not None:
        return PointArrays(*words)
    points = np.empty((len(records), 3), np.float32)  # (N, 3)
    for column, axis in enumerate("xyz"):
        points[:, column] = records[axis]
    return PointArrays(points, _colors(records))


def read_field(cloud: PointCloud2, name: str) -> np.ndarray:
    """One field of a cloud: (N,) in the field's datatype, native byte order.

    Raises `PointCloudError` with reason `no_field`, or those of a cloud that can't be read.
    """
    records = _records(cloud, required=())
    if name not in (records.dtype.names or ()):
        raise PointCloudError("no_field", f"no field {name}; found {field_names(cloud)}")
    column = records[name]
    return np.ascontiguousarray(column, column.dtype.newbyteorder("="))


def cloud_of(point: np.dtype, header: Header, shape: tuple[int, int]) -> PointCloud2:
    """A cloud of such points, (height, width) of them, still without their bytes."""
    height, width = shape
    cloud = PointCloud2(header=header, height=height, width=width, is_bigendian=False, is_dense=False)
    for name, (dtype, offset, *_) in (point.fields or {}).items():
        cloud.fields.append(PointField(name=name, offset=offset, datatype=_FIELD_TYPES[dtype.str[1:]], count=1))
    cloud.point_step = point.itemsize
    cloud.row_step = width * cloud.point_step
    return cloud


def record_cloud(header: Header, shape: tuple[int, int], records: np.ndarray) -> PointCloud2:
    """The cloud of records (N,) of numbers, field by field; shape: (height, width), of N points."""
    cloud = cloud_of(records.dtype, header, shape)
    cloud._data = array("B", records.tobytes())  # the setter copies it once more
    return cloud


def semantic_cloud(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    classes: ClassTable,
    executor: Executor | None = None,
    threads: int = 1,
) -> bytes:
    """Every point with its label and confidence, coloured by class, as bytes to be published.

    shape: (height, width) of the input cloud. points: (N, 3) float32, metres, in the frame of `header`.
    executor, threads: a large cloud is written by so many side by side.
    """
    s, palette = segmentation, pack_rgb(classes.palette())

    def fill(records: np.ndarray) -> None:
        parallel_parts(
            lambda part: fill_labels(records[part], points[part], palette, s.label[part], s.confidence[part]),
            len(points),
            executor,
            threads,
        )

    return serialised(cloud_of(SEMANTIC_POINT, header, shape), _SEMANTIC_WORDS, fill)


def instance_cloud(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    executor: Executor | None = None,
    threads: int = 1,
) -> bytes:
    """Every point with label, confidence and instance id, coloured by instance; as `semantic_cloud` otherwise."""
    s = segmentation
    palette = pack_rgb(instance_palette(np.arange(int(s.instance.max(initial=0)) + 1, dtype=np.uint32)))

    def fill(records: np.ndarray) -> None:
        parallel_parts(
            lambda part: fill_instances(
                records[part], points[part], palette, s.label[part], s.confidence[part], s.instance[part]
            ),
            len(points),
            executor,
            threads,
        )

    return serialised(cloud_of(INSTANCE_POINT, header, shape), _INSTANCE_WORDS, fill)


def labelled_clouds(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    classes: ClassTable,
    executor: Executor,
    threads: int,
) -> tuple[bytes, bytes]:
    """`semantic_cloud` and `instance_cloud`, side by side. executor: one thread of it waits for the others."""
    half = max(threads // 2, 1)
    semantic = executor.submit(semantic_cloud, header, shape, points, segmentation, classes, executor, half)
    instances = instance_cloud(header, shape, points, segmentation, executor, half)
    return semantic.result(), instances


def color_cloud(
    header: Header, shape: tuple[int, int], points: np.ndarray, colors: np.ndarray | None = None
) -> PointCloud2:
    """A cloud as a depth camera sends it: x y z, and rgb where `colors` ((N, 3) uint8) are given."""
    names = ["x", "y", "z"] if colors is None else ["x", "y", "z", "rgb"]
    records = np.empty(len(points), np.dtype({"names": names, "formats": ["<f4"] * len(names)}))
    for column, axis in enumerate("xyz"):
        records[axis] = points[:, column]
    if colors is not None:
        records["rgb"] = pack_rgb(colors)
    return record_cloud(header, shape, records)


def pack_rgb(colors: np.ndarray) -> np.ndarray:
    """(N, 3) uint8, red green blue, to (N,) float32 whose bytes are 0x00RRGGBB, as drivers and viewers have it."""
    packed = np.zeros((len(colors), 4), np.uint8)
    packed[:, :3] = colors[:, ::-1]
    return packed.view("<f4")[:, 0]


def _records(cloud: PointCloud2, required: tuple[str, ...] = ("x", "y", "z")) -> np.ndarray:
    """The cloud's points as (N,) records of its fields, without a copy where rows are not padded."""
    dtype = _record_dtype(cloud, required)
    height, width, row = cloud.height, cloud.width, cloud.width * cloud.point_step
    if height * width == 0:
        raise PointCloudError("empty", f"the cloud holds no point: width {width}, height {height}")
    row_step = cloud.row_step if height > 1 else row
    if row_step < row:
        raise PointCloudError("bad_layout", f"row_step {row_step} is less than width * point_step = {row}")
    needed = (height - 1) * row_step + row
    if len(cloud.data) < needed:
        raise PointCloudError(
            "short_data", f"data holds {len(cloud.data)} bytes, {width} x {height} points of its layout take {needed}"
        )
    data = np.frombuffer(cloud.data, np.uint8, count=needed)
    if row_step == row:
        return data.view(dtype)
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (row_step, 1), writeable=False)
    return np.ascontiguousarray(rows).reshape(-1).view(dtype)


def _record_dtype(cloud: PointCloud2, required: tuple[str, ...]) -> np.dtype:
    order = ">" if cloud.is_bigendian else "<"
    fields = {field.name: field for field in cloud.fields if field.count <= 1 and field.name}
    missing = [name for name in required if name not in fields]
    if missing:
        raise PointCloudError("no_xyz", f"no field {' '.join(missing)}; fields x, y and z are needed")
    for field in fields.values():
        if field.datatype not in _DTYPES:
            raise PointCloudError("wrong_datatype", f"field {field.name} has the unknown datatype {field.datatype}")
        if field.offset + np.dtype(_DTYPES[field.datatype]).itemsize > cloud.point_step:
            raise PointCloudError(
                "bad_layout", f"field {field.name} at offset {field.offset} ends beyond point_step {cloud.point_step}"
            )
    return np.dtype(
        {
            "names": list(fields),
            "formats": [order + _DTYPES[field.datatype] for field in fields.values()],
            "offsets": [field.offset for field in fields.values()],
            "itemsize": cloud.point_step,
        }
    )


def _words(records: np.ndarray, executor: Executor | None, threads: int) -> tuple[np.ndarray, np.ndarray | None] | None:
    """Points and colours of the layouts that drivers send, in one pass: x, y and z float32 and packed colour, or none,
    each at a multiple of four bytes and in this machine's order. None for other layouts."""
    fields, packed = dict(records.dtype.fields or {}), _packed_color(records)
    wanted = [*"xyz", *([packed] if packed else [])]
    offsets = [fields[name][1] for name in wanted]
    fits = all(fields[name][0].isnative and fields[name][0].itemsize == 4 for name in wanted)
    single = packed is None and bool(fields.keys() & set("rgb"))
    if single or not fits or any(offset % 4 for offset in (*offsets, records.dtype.itemsize)):
        return None
    words = records.view(np.uint32).reshape(len(records), -1)
    points = np.empty((len(records), 3), np.uint32)
    colors = np.empty((len(records) if packed else 0, 3), np.uint8)
    x, y, z, *rest = (offset // 4 for offset in offsets)
    rgb = rest[0] if packed else -1
    parallel_parts(
        lambda part: take_points(words[part], x, y, z, rgb, points[part], colors[part]), len(words), executor, threads
    )
    return points.view(np.float32), colors if packed else None


def _colors(records: np.ndarray) -> np.ndarray | None:
    names, packed = records.dtype.names or (), _packed_color(records)
    if packed is not None:
        return _unpack_rgb(records[packed], packed)
    if not {"r", "g", "b"} <= set(names):
        return None
    for name in "rgb":
        if records[name].dtype != np.uint8:
            raise PointCloudError("wrong_datatype", f"field {name} is {records[name].dtype.name}, UINT8 is accepted")
    return np.stack([records["r"], records["g"], records["b"]], axis=1)  # (N, 3)


def _packed_color(records: np.ndarray) -> str | None:
    """The field that holds red, green and blue in four bytes."""
    return next((name for name in ("rgb", "rgba") if name in (records.dtype.names or ())), None)


def _unpack_rgb(column: np.ndarray, name: str) -> np.ndarray:
    """(N,) four-byte values 0xAARRGGBB, whatever type they are declared as, to (N, 3) uint8."""
    if column.dtype.itemsize != 4:
        raise PointCloudError(
            "wrong_datatype", f"field {name} is {column.dtype.name}, FLOAT32, UINT32 or INT32 is accepted"
        )
    order = ">" if column.dtype.byteorder == ">" else "<"
    value = np.ascontiguousarray(column).view(order + "u4").astype("<u4")
    return np.ascontiguousarray(value.view(np.uint8).reshape(-1, 4)[:, 2::-1])  # bytes: blue green red alpha
