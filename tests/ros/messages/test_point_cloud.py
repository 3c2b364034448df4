"""Any layout that drivers send is read to the same points and colours; the rest gives an error with the reason."""

from __future__ import annotations

import struct
from array import array
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_core.classes import S3DIS, instance_palette
from jspnet_core.segmentation import Segmentation
from jspnet_core.util.threads import PART_POINTS
from jspnet_ros.messages import labelled_clouds as lc
from jspnet_ros.messages import point_cloud as pc
from tests.ros import clouds

F32, F64, U8, U32, I32, I16 = (
    PointField.FLOAT32,
    PointField.FLOAT64,
    PointField.UINT8,
    PointField.UINT32,
    PointField.INT32,
    PointField.INT16,
)
HEIGHT, WIDTH = 3, 5


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(HEIGHT * WIDTH, 3)).astype(np.float32)
    points[4], points[9, 1] = np.nan, np.inf
    return points, rng.integers(0, 256, (HEIGHT * WIDTH, 3), dtype=np.uint8)


def packed_cloud(points, colors, fields, step, *, big=False, padding=0, height=HEIGHT) -> PointCloud2:
    """A cloud written byte by byte with `struct`, as a driver would; `fields`: name -> (offset, datatype)."""
    codes = {F32: "f", F64: "d", U8: "B", U32: "I", I32: "i", I16: "h"}
    width = len(points) // height
    data = bytearray()
    for row in range(height):
        for i in range(row * width, (row + 1) * width):
            values = dict(zip("xyz", points[i].tolist(), strict=True))
            r, g, b = colors[i].tolist()
            values.update(r=r, g=g, b=b, rgb=r << 16 | g << 8 | b, rgba=0x7F000000 | r << 16 | g << 8 | b)
            point = bytearray(b"\xaa" * step)
            for name, (offset, datatype) in fields.items():
                code = "I" if name in ("rgb", "rgba") else codes[datatype]
                value = values.get(name, 7)
                struct.pack_into((">" if big else "<") + code, point, offset, value if code in "fd" else int(value))
            data += point
        data += b"\xbb" * padding
    cloud = PointCloud2(height=height, width=width, is_bigendian=big, point_step=step, row_step=width * step + padding)
    cloud.fields = [PointField(name=n, offset=o, datatype=t, count=1) for n, (o, t) in fields.items()]
    cloud.data = array("B", bytes(data))
    return cloud


XYZ = {"x": (0, F32), "y": (4, F32), "z": (8, F32)}
LAYOUTS = {
    "12 bytes, no colour": (XYZ, 12, {}),
    "16 bytes, rgb float at 12": ({**XYZ, "rgb": (12, F32)}, 16, {}),
    "20 bytes, rgb uint at 12 and a ring": ({**XYZ, "rgb": (12, U32), "ring": (16, I16)}, 20, {}),
    "24 bytes, rgba uint at 16": ({**XYZ, "rgba": (16, U32)}, 24, {}),
    "32 bytes, rgb float at 16": ({**XYZ, "rgb": (16, F32)}, 32, {}),
    "48 bytes, rgb float at 32": ({**XYZ, "normal_x": (16, F32), "rgb": (32, F32)}, 48, {}),
    "rgb as signed": ({**XYZ, "rgb": (12, I32)}, 16, {}),
    "three fields r g b": ({**XYZ, "r": (12, U8), "g": (13, U8), "b": (14, U8)}, 16, {}),
    "fields in another order": ({"rgb": (0, F32), "z": (4, F32), "y": (8, F32), "x": (12, F32)}, 16, {}),
    "odd offsets": ({"x": (1, F32), "y": (5, F32), "z": (9, F32), "rgb": (13, F32)}, 19, {}),
    "doubles": ({"x": (0, F64), "y": (8, F64), "z": (16, F64), "rgb": (24, F32)}, 28, {}),
    "big endian": ({**XYZ, "rgb": (12, F32)}, 16, {"big": True}),
    "big endian, rgba uint": ({**XYZ, "rgba": (12, U32)}, 16, {"big": True}),
    "padded rows": ({**XYZ, "rgb": (12, F32)}, 16, {"padding": 24}),
    "not organised": ({**XYZ, "rgb": (12, F32)}, 16, {"height": 1}),
    "one point a row": ({**XYZ, "rgb": (12, F32)}, 16, {"height": HEIGHT * WIDTH, "padding": 4}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_drivers(arrays, layout):
    points, colors = arrays
    fields, step, how = LAYOUTS[layout]
    read = pc.read_points(packed_cloud(points, colors, fields, step, **how))
    assert read.points.dtype == np.float32
    np.testing.assert_array_equal(read.points, points)
    if fields.keys() & {"rgb", "rgba", "r"}:
        np.testing.assert_array_equal(read.colors, colors)
    else:
        assert read.colors is None


def test_the_real_layout_of_a_bag():
    read = pc.read_points(clouds.bag_cloud())
    finite = np.isfinite(read.points).all(axis=1)
    assert read.points.shape == (640 * 480, 3)
    assert 0.5 < finite.mean() < 1.0
    assert 0.3 < np.median(read.points[finite, 2]) < 5.0  # metres in front of the camera
    assert read.colors is not None
    assert read.colors[finite].std() > 20


def broken(fields=None, step=16, **changes) -> PointCloud2:
    points, colors = np.ones((HEIGHT * WIDTH, 3), np.float32), np.zeros((HEIGHT * WIDTH, 3), np.uint8)
    cloud = packed_cloud(points, colors, fields or {**XYZ, "rgb": (12, F32)}, step)
    for name, value in changes.items():
        setattr(cloud, name, value)
    return cloud


BROKEN = {
    "no z": (broken({"x": (0, F32), "y": (4, F32), "rgb": (12, F32)}), "no_xyz", "no field z"),
    "no fields": (broken(fields={"a": (0, F32)}), "no_xyz", "no field x y z"),
    "z as int16": (broken({"x": (0, F32), "y": (4, F32), "z": (8, I16)}), "wrong_datatype", "field z is int16"),
    "unknown datatype": (broken(fields=XYZ), "wrong_datatype", "unknown datatype .77."),
    "short data": (broken(data=array("B", bytes(100))), "short_data", "100 bytes"),
    "no data": (broken(data=array("B")), "short_data", "0 bytes"),
    "no point, but data": (broken(width=0, row_step=0), "empty", "width 0"),
    "row shorter than its points": (broken(row_step=20, data=array("B", bytes(239))), "bad_layout", "row_step 20"),
    "field beyond the point": (broken(point_step=10, row_step=50), "bad_layout", "field z at offset 8"),
    "no point step": (broken(point_step=0), "bad_layout", "point_step is 0 bytes"),
    "a huge point step": (broken(point_step=0xFFFFFFFF), "bad_layout", "point_step is 4294967295 bytes"),
    "a point step of 2^31": (broken(point_step=2**31, width=1, height=1), "bad_layout", "point_step"),
    "a huge width": (broken(width=2**32 - 1, height=2**32 - 1), "bad_layout", "row_step 80"),
}
BROKEN["unknown datatype"][0].fields[2].datatype = 77


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_says_why(name):
    cloud, reason, words = BROKEN[name]
    with pytest.raises(pc.PointCloudError, match=words) as caught:
        pc.read_points(cloud)
    assert caught.value.reason == reason


def test_labels_can_be_read_back(arrays):
    points, _ = arrays
    rng = np.random.default_rng(2)
    n = len(points)
    label = rng.integers(0, 13, n, dtype=np.uint8)
    label[4] = 255
    instance = rng.integers(0, 5, n, dtype=np.uint32)
    found = Segmentation(label, instance, rng.random(n, np.float32), [], np.eye(4), "", 1, 0)
    header, shape = clouds.header(), (HEIGHT, WIDTH)
    semantic = deserialize_message(lc.semantic_cloud(header, shape, points, found, S3DIS), PointCloud2)
    instances = deserialize_message(lc.instance_cloud(header, shape, points, found), PointCloud2)
    for cloud in (semantic, instances):
        assert (cloud.height, cloud.width) == shape
        assert len(cloud.data) == cloud.row_step * cloud.height == cloud.point_step * n
        np.testing.assert_array_equal(pc.read_points(cloud).points, points)
        np.testing.assert_array_equal(pc.read_field(cloud, "label"), label)
        assert not np.frombuffer(cloud.data, np.uint8).reshape(n, -1)[:, 17:20].any()  # nothing of memory gets out
        np.testing.assert_array_equal(pc.read_field(cloud, "confidence"), found.confidence)
    np.testing.assert_array_equal(pc.read_field(instances, "instance"), instance)
    np.testing.assert_array_equal(pc.read_points(semantic).colors, S3DIS.palette()[label])
    np.testing.assert_array_equal(pc.read_points(instances).colors, instance_palette(instance))


def test_several_threads_read_and_write_what_one_does():
    """Clouds that are large enough to be cut into parts, of a size that leaves them unequal."""
    rng, n = np.random.default_rng(0), 3 * PART_POINTS + 7
    points, colors = rng.random((n, 3), np.float32), rng.integers(0, 256, (n, 3), dtype=np.uint8)
    found = Segmentation(
        rng.integers(0, 13, n, dtype=np.uint8),
        rng.integers(0, 9, n, dtype=np.uint32),
        rng.random(n, np.float32),
        [],
        np.eye(4),
        "",
        1,
        0,
    )
    header, shape = clouds.header(), (1, n)
    cloud = lc.color_cloud(header, shape, points, colors)
    with ThreadPoolExecutor(2) as executor:
        arrays = pc.read_points(cloud, executor, 3)
        written = [
            lc.semantic_cloud(header, shape, points, found, S3DIS, executor, 3),
            lc.instance_cloud(header, shape, points, found, executor, 3),
        ]
        written += lc.labelled_clouds(header, shape, points, found, S3DIS, executor, 4)
    np.testing.assert_array_equal(arrays.points, points)
    np.testing.assert_array_equal(arrays.colors, colors)
    alone = [lc.semantic_cloud(header, shape, points, found, S3DIS), lc.instance_cloud(header, shape, points, found)]
    for many, one in zip(written, 2 * alone, strict=True):
        a, b = (deserialize_message(raw, PointCloud2) for raw in (many, one))
        for field in a.fields:
            np.testing.assert_array_equal(pc.read_field(a, field.name), pc.read_field(b, field.name))


def test_an_empty_view_is_no_error():
    for cloud in (PointCloud2(), broken(width=0, row_step=0, data=array("B"))):
        read = pc.read_points(cloud)
        assert read.points.shape == (0, 3)
        assert read.colors is None


def test_points_at_zero_are_no_return(arrays):
    points, colors = arrays
    points[3], points[6] = 0.0, (0.0, -0.0, 0.0)
    points[7] = 0.0, 0.0, 1e-9
    for fields, step in ((XYZ, 12), ({**XYZ, "rgb": (12, F32)}, 17)):  # read in one pass, and field by field
        read = pc.read_points(packed_cloud(points, colors, fields, step))
        assert np.isnan(read.points[[3, 6]]).all()
        np.testing.assert_array_equal(np.delete(read.points, [3, 6], 0), np.delete(points, [3, 6], 0))


def test_rows_are_packed_where_row_step_contradicts_the_data(arrays):
    points, colors = arrays
    cloud = packed_cloud(points, colors, {**XYZ, "rgb": (12, F32)}, 16)
    for row_step in (len(cloud.data), 0, 3, 2**32 - 1):
        cloud.row_step = row_step
        read = pc.read_points(cloud)
        np.testing.assert_array_equal(read.points, points)
        np.testing.assert_array_equal(read.colors, colors)
        assert f"row_step is {row_step}" in read.notes["row_step"]


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("kind", [F32, F64])
def test_the_plausible_byte_order_is_taken_with_a_note(arrays, big, kind):
    points, colors = arrays
    size = 4 if kind == F32 else 8
    fields = {axis: (size * i, kind) for i, axis in enumerate("xyz")} | {"rgb": (3 * size, F32)}
    cloud = packed_cloud(points, colors, fields, 3 * size + 4, big=big)
    assert not pc.read_points(cloud).notes
    cloud.is_bigendian = not big
    read = pc.read_points(cloud)
    np.testing.assert_array_equal(read.points, points)
    np.testing.assert_array_equal(read.colors, colors)
    assert f"is_bigendian is {not big}" in read.notes["byte order"]


def test_fields_that_are_not_needed_are_not_looked_at(arrays):
    points, colors = arrays
    cloud = packed_cloud(points, colors, {**XYZ, "rgb": (12, F32), "t": (16, U32)}, 20)
    cloud.fields[-1].datatype, cloud.fields[-1].offset = 10, 4_000_000_000
    np.testing.assert_array_equal(pc.read_points(cloud).points, points)


@pytest.mark.parametrize("count", [0, 2, HEIGHT * WIDTH])
def test_a_wrong_count_of_elements_is_ignored(arrays, count):
    points, colors = arrays
    cloud = packed_cloud(points, colors, {**XYZ, "rgb": (12, F32)}, 16)
    for field in cloud.fields:
        field.count = count
    read = pc.read_points(cloud)
    np.testing.assert_array_equal(read.points, points)
    np.testing.assert_array_equal(read.colors, colors)


COLORS = {
    "floats 0 to 1": ("<f4", 1 / 255),
    "floats 0 to 255": ("<f4", 1),
    "doubles 0 to 1": ("<f8", 1 / 255),
    "uint16 0 to 65535": ("<u2", 257),
    "uint16 0 to 255": ("<u2", 1),
    "int32 0 to 255": ("<i4", 1),
    "int32 0 to 65535": ("<i4", 257),
}


@pytest.mark.parametrize("names", ["r g b", "R G B", "red green blue", "diffuse_red diffuse_green diffuse_blue"])
@pytest.mark.parametrize("case", COLORS)
def test_colour_channels_are_converted_by_their_range_with_a_note(arrays, names, case):
    points, colors = arrays
    colors[0] = 255
    dtype, factor = COLORS[case]
    channels = names.split()
    records = np.zeros(len(points), [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), *((name, dtype) for name in channels)])
    for column, axis in enumerate("xyz"):
        records[axis] = points[:, column]
    for column, name in enumerate(channels):
        records[name] = colors[:, column] * np.float64(factor)
    read = pc.read_points(lc.record_cloud(clouds.header(), (HEIGHT, WIDTH), records))
    np.testing.assert_array_equal(read.colors, colors)
    assert "read as colours from 0 to" in read.notes["colours"]


UNREADABLE = {
    "rgb as double": {**XYZ, "rgb": (12, F64)},
    "channels out of range": {**XYZ, "r": (12, F32), "g": (16, F32), "b": (20, F32)},
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_colours_that_cannot_be_read_are_left_out_with_a_note(arrays, case):
    points, colors = arrays
    cloud = packed_cloud(points, colors, UNREADABLE[case], 24)
    if case == "channels out of range":
        np.frombuffer(cloud.data, "<f4").reshape(-1, 6)[:, 3:] *= -7
    read = pc.read_points(cloud)
    np.testing.assert_array_equal(read.points, points)
    assert read.colors is None
    assert "colours are left out" in read.notes["colours"]


@pytest.mark.parametrize("origin", [(500_000.0, 5_500_000.0, 112.0), (-4_000_123.25, 3_000.0, 0.0)])
def test_clouds_far_from_their_origin_keep_their_precision(arrays, origin):
    points, colors = arrays
    doubles = points.astype(np.float64) + origin
    fields = {"x": (0, F64), "y": (8, F64), "z": (16, F64), "rgb": (24, F32)}
    read = pc.read_points(packed_cloud(doubles, colors, fields, 28))
    assert read.offset.any()
    np.testing.assert_allclose(read.points.astype(np.float64) + read.offset, doubles, atol=1e-4)
    np.testing.assert_array_equal(read.colors, colors)
