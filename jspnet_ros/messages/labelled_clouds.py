"""Arrays to PointCloud2: the clouds that the node publishes, and clouds as a depth camera sends them."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from jspnet_core.classes import ClassTable, instance_palette
from jspnet_core.segmentation import Segmentation
from jspnet_core.util.threads import parallel_parts
from jspnet_ros.messages.cdr import serialised
from jspnet_ros.messages.cloud_colors import pack_rgb
from jspnet_ros.messages.cloud_layout import DTYPES
from jspnet_ros.messages.point_kernels import fill_instances, fill_labels

_FIELD_TYPES = {dtype: datatype for datatype, dtype in DTYPES.items()}


def _point(xyz: str, instance: bool) -> np.dtype:
    """The layout of a labelled point; xyz: `<f4` or `<f8`."""
    size = np.dtype(xyz).itemsize
    names = ["x", "y", "z", "rgb", "label", "confidence"] + (["instance"] if instance else [])
    formats = [xyz] * 3 + ["<f4", "u1", "<f4"] + (["<u4"] if instance else [])
    end = 3 * size
    offsets = [0, size, 2 * size, end, end + 4, end + 8] + ([end + 12] if instance else [])
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": offsets[-1] + 4})


SEMANTIC_POINT = _point("<f4", instance=False)
"""A point of the semantic cloud, 24 bytes; float32 `rgb` and a field `label` are what PCL, rviz2 and Hydra look for."""

INSTANCE_POINT = _point("<f4", instance=True)
"""A point of the instance cloud, 28 bytes: the semantic one, and the id of its instance."""


def record_cloud(header: Header, shape: tuple[int, int], records: np.ndarray) -> PointCloud2:
    """Make a cloud of records (N,) of numbers, field by field; shape: (height, width), of N points."""
    cloud = cloud_of(records.dtype, header, shape)
    cloud._data = array("B", records.tobytes())  # the setter copies it once more
    return cloud


def cloud_of(point: np.dtype, header: Header, shape: tuple[int, int]) -> PointCloud2:
    """Make a cloud of (height, width) such points, still without their bytes."""
    height, width = shape
    cloud = PointCloud2(header=header, height=height, width=width, is_bigendian=False, is_dense=False)
    for name, (dtype, offset, *_) in (point.fields or {}).items():
        cloud.fields.append(PointField(name=name, offset=offset, datatype=_FIELD_TYPES[dtype.str[1:]], count=1))
    cloud.point_step = point.itemsize
    cloud.row_step = width * cloud.point_step
    return cloud


def color_cloud(
    header: Header, shape: tuple[int, int], points: np.ndarray, colors: np.ndarray | None = None
) -> PointCloud2:
    """Make a cloud as a depth camera sends it: x y z, and rgb where `colors` ((N, 3) uint8) are given."""
    names = ["x", "y", "z"] if colors is None else ["x", "y", "z", "rgb"]
    records = np.empty(len(points), np.dtype({"names": names, "formats": ["<f4"] * len(names)}))
    for column, axis in enumerate("xyz"):
        records[axis] = points[:, column]
    if colors is not None:
        records["rgb"] = pack_rgb(colors)
    return record_cloud(header, shape, records)


def semantic_cloud(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    classes: ClassTable,
    executor: Executor | None = None,
    threads: int = 1,
) -> bytes:
    """Serialise every point with its label and confidence, coloured by class, for a publisher.

    shape: (height, width) of the input cloud. points: (N, 3) float32 or float64, metres, in the frame of `header`;
    x, y and z are written in that datatype.
    executor, threads: a large cloud is written in that many parts in parallel.
    """
    s, palette = segmentation, pack_rgb(classes.palette())

    def fill(records: np.ndarray) -> None:
        parallel_parts(
            lambda part: fill_labels(records[part], points[part], palette, s.label[part], s.confidence[part]),
            len(points),
            executor,
            threads,
        )

    return _serialised(header, shape, points, False, fill)


def instance_cloud(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    executor: Executor | None = None,
    threads: int = 1,
) -> bytes:
    """Serialise every point with label, confidence and instance id, coloured by instance; see `semantic_cloud`."""
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

    return _serialised(header, shape, points, True, fill)


def labelled_clouds(
    header: Header,
    shape: tuple[int, int],
    points: np.ndarray,
    segmentation: Segmentation,
    classes: ClassTable,
    executor: Executor,
    threads: int,
) -> tuple[bytes, bytes]:
    """Serialise `semantic_cloud` and `instance_cloud` in parallel. executor: one thread of it waits for the others."""
    half = max(threads // 2, 1)
    semantic = executor.submit(semantic_cloud, header, shape, points, segmentation, classes, executor, half)
    instances = instance_cloud(header, shape, points, segmentation, executor, half)
    return semantic.result(), instances


def _serialised(
    header: Header, shape: tuple[int, int], points: np.ndarray, instance: bool, fill: Callable[[np.ndarray], None]
) -> bytes:
    point = _point(f"<{points.dtype.str[1:]}", instance)
    return serialised(cloud_of(point, header, shape), _in_words(point), fill)


def _in_words(point: np.dtype) -> np.dtype:
    """Return the data type with the label as a 32-bit word, which also writes the three padding bytes, as zeros."""
    fields = dict(point.fields or {})
    formats = ["<u4" if name == "label" else fields[name][0] for name in fields]
    offsets = [fields[name][1] for name in fields]
    return np.dtype({"names": list(fields), "formats": formats, "offsets": offsets, "itemsize": point.itemsize})
