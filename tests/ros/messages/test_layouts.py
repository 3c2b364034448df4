"""Ten thousand drawn layouts of one cloud are read to the same points and colours; no number in a message raises."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_ros.messages.cloud_layout import DTYPES, PointCloudError
from jspnet_ros.messages.point_cloud import read_points

pytest.importorskip("hypothesis", reason="hypothesis is not installed (requirements/test.txt)")
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = settings(max_examples=10_000, deadline=None, database=None)
MUTATIONS = settings(max_examples=3_000, deadline=None, database=None)
TYPES = {dtype: datatype for datatype, dtype in DTYPES.items()}


@dataclass
class Column:
    """A field of the drawn cloud: name, numpy's datatype, and its values (N,), if they matter."""

    name: str
    dtype: str
    values: np.ndarray | None = None
    datatype: int | None = None
    count: int = 1
    gap: int = 0


def xyz(rng: np.random.Generator, count: int) -> np.ndarray:
    """Coordinates (N, 3) float64 that float32 holds, with some points without a return."""
    points = rng.normal(scale=3.0, size=(count, 3)).astype(np.float32).astype(np.float64)
    points[rng.random(count) < 0.2, rng.integers(3)] = rng.choice([np.nan, np.inf, -np.inf])
    return points


@st.composite
def layouts(draw: Any) -> tuple[PointCloud2, np.ndarray, np.ndarray | None]:
    """A cloud with what it holds: points (N, 3) float32, and colours (N, 3) uint8 or None."""
    height, width = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    points, colors = xyz(rng, height * width), rng.integers(0, 256, (height * width, 3), dtype=np.uint8)
    columns = [Column(axis, draw(st.sampled_from(["f4", "f8"])), points[:, i]) for i, axis in enumerate("xyz")]
    color = draw(st.sampled_from(["rgb", "rgba", "channels", "none"]))
    packed = colors.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    if color in ("rgb", "rgba"):
        columns.append(Column(color, draw(st.sampled_from(["f4", "u4", "i4"])), packed))
    elif color == "channels":
        columns += [Column(name, "u1", colors[:, i]) for i, name in enumerate("rgb")]
    for number in range(draw(st.integers(0, 3))):  # fields that are not needed may be anything
        size = draw(st.integers(1, 9))
        columns.append(Column(f"extra_{number}", f"V{size}", None, draw(st.integers(0, 12)), draw(st.integers(0, 9))))
    columns = draw(st.permutations(columns))
    for column in columns:
        column.gap = draw(st.integers(0, 5))
    big, tail = draw(st.booleans()), draw(st.integers(0, 9))
    padding, trailing = draw(st.integers(0, 17)), draw(st.integers(0, 9))
    cloud = message(rng, (height, width), columns, big, tail, padding, trailing)
    return cloud, points.astype(np.float32), None if color == "none" else colors


def message(
    rng: np.random.Generator,
    shape: tuple[int, int],
    columns: list[Column],
    big: bool,
    tail: int,
    padding: int,
    trailing: int,
) -> PointCloud2:
    """Write the columns point by point into random bytes."""
    offsets, end = [], 0
    for column in columns:
        offsets.append(end + column.gap)
        end = offsets[-1] + np.dtype(column.dtype).itemsize
    step = end + tail
    (height, width), order = shape, ">" if big else "<"
    data = rng.integers(0, 256, (height, width * step + padding), dtype=np.uint8)
    points = data[:, : width * step].reshape(height * width, step).copy()
    for column, offset in zip(columns, offsets, strict=True):
        if column.values is not None:
            values = column.values.astype(f"{order}u4") if column.name in ("rgb", "rgba") else column.values
            raw = values.astype(values.dtype if column.name in ("rgb", "rgba") else order + column.dtype)
            points[:, offset : offset + raw.itemsize] = np.ascontiguousarray(raw).view(np.uint8).reshape(len(raw), -1)
    data[:, : width * step] = points.reshape(height, width * step)
    cloud = PointCloud2(height=height, width=width, is_bigendian=big, point_step=step)
    cloud.row_step = width * step + padding
    cloud.fields = [
        PointField(name=c.name, offset=o, datatype=c.datatype if c.values is None else TYPES[c.dtype], count=c.count)
        for c, o in zip(columns, offsets, strict=True)
    ]
    cloud.data = array("B", data.tobytes() + bytes(trailing))
    return cloud


@EXAMPLES
@given(layouts())
def test_every_layout_gives_the_points_and_colours_of_the_plain_one(drawn):
    cloud, points, colors = drawn
    read = read_points(cloud)
    np.testing.assert_array_equal(read.points, points)
    if colors is None:
        assert read.colors is None
    else:
        np.testing.assert_array_equal(read.colors, colors)
    assert not read.notes


NUMBERS = st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1), st.sampled_from([2**31 - 1, 2**31, 2**32 - 1]))
FIELDS = ("height", "width", "point_step", "row_step")


@MUTATIONS
@given(
    layouts(), st.dictionaries(st.sampled_from(FIELDS), NUMBERS, min_size=1), NUMBERS, st.integers(0, 255), st.data()
)
def test_no_number_in_a_message_raises_anything_undocumented(drawn, changes, offset, datatype, data):
    cloud = drawn[0]
    for name, value in changes.items():
        setattr(cloud, name, value)
    changed = cloud.fields[data.draw(st.integers(0, len(cloud.fields) - 1))]
    if data.draw(st.booleans()):
        changed.offset, changed.datatype = offset, datatype
    if data.draw(st.booleans()):
        cloud.data = array("B", bytes(cloud.data)[: data.draw(st.integers(0, len(cloud.data)))])
    try:
        assert len(read_points(cloud).points) == cloud.height * cloud.width
    except PointCloudError as error:
        reason = error.reason
    else:
        reason = ""
    assert reason in ("", "empty", "no_xyz", "wrong_datatype", "bad_layout", "short_data")
