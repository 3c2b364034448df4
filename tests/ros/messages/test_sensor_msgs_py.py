"""Conformance with sensor_msgs_py, the usual Python reader and writer of PointCloud2: in both directions."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_core.classes import S3DIS
from jspnet_core.segmentation import Segmentation
from jspnet_ros.messages.cloud_colors import pack_rgb
from jspnet_ros.messages.labelled_clouds import color_cloud, instance_cloud, semantic_cloud
from jspnet_ros.messages.point_cloud import read_field, read_points
from tests.ros import clouds

point_cloud2 = pytest.importorskip(
    "sensor_msgs_py.point_cloud2", reason="sensor_msgs_py is not installed; it comes with a ROS distribution"
)

SHAPE = (6, 8)
COUNT = SHAPE[0] * SHAPE[1]


@pytest.fixture
def scene():
    """Points with and without returns, colours, and a segmentation of them."""
    rng = np.random.default_rng(4)
    points = rng.normal(size=(COUNT, 3)).astype(np.float32)
    points[5] = np.nan
    colors = rng.integers(0, 256, (COUNT, 3), dtype=np.uint8)
    label, instance = rng.integers(0, 13, COUNT, dtype=np.uint8), rng.integers(0, 5, COUNT, dtype=np.uint32)
    return points, colors, Segmentation(label, instance, rng.random(COUNT, np.float32), [], np.eye(4), "", 1, 0)


@pytest.mark.parametrize("shape", [SHAPE, (1, COUNT)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_reads_our_labelled_clouds(scene, shape, dtype):
    points, _, found = scene
    points = points.astype(dtype)
    semantic = deserialize_message(semantic_cloud(clouds.header(), shape, points, found, S3DIS), PointCloud2)
    instances = deserialize_message(instance_cloud(clouds.header(), shape, points, found), PointCloud2)
    for cloud in (semantic, instances):
        records = point_cloud2.read_points(cloud)
        for column, axis in enumerate("xyz"):
            np.testing.assert_array_equal(records[axis], points[:, column])
        np.testing.assert_array_equal(records["label"], found.label)
        np.testing.assert_array_equal(records["confidence"], found.confidence)
    np.testing.assert_array_equal(point_cloud2.read_points(instances, ["instance"])["instance"], found.instance)
    np.testing.assert_array_equal(
        np.ascontiguousarray(point_cloud2.read_points(semantic)["rgb"]).view("<u4"),
        pack_rgb(S3DIS.palette()[found.label]).view("<u4"),
    )
    assert len(point_cloud2.read_points(semantic, skip_nans=True)) == COUNT - 1
    np.testing.assert_array_equal(point_cloud2.read_points_numpy(semantic, ["x", "y", "z"]), points)


def test_it_reads_our_camera_clouds(scene):
    points, colors, _ = scene
    records = point_cloud2.read_points(color_cloud(clouds.header(), SHAPE, points, colors))
    np.testing.assert_array_equal(np.stack([records[axis] for axis in "xyz"], axis=1), points)
    np.testing.assert_array_equal(records["rgb"].view("<u4"), pack_rgb(colors).view("<u4"))


@pytest.mark.parametrize("point_step", [None, 16, 20, 32])
@pytest.mark.parametrize("datatype", ["FLOAT32", "UINT32", "INT32"])
def test_we_read_its_clouds(scene, point_step, datatype):
    points, colors, _ = scene
    fields = [
        PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, n in enumerate(["x", "y", "z"])
    ]
    fields.append(PointField(name="rgb", offset=12, datatype=getattr(PointField, datatype), count=1))
    records = np.zeros(COUNT, point_cloud2.dtype_from_fields(fields, point_step))
    for column, axis in enumerate("xyz"):
        records[axis] = points[:, column]
    records["rgb"] = pack_rgb(colors).view(records.dtype["rgb"])
    read = read_points(point_cloud2.create_cloud(clouds.header(), fields, records, point_step))
    np.testing.assert_array_equal(read.points, points)
    np.testing.assert_array_equal(read.colors, colors)


def test_we_read_its_plain_clouds_and_its_lists_of_points(scene):
    points, _, _ = scene
    plain = point_cloud2.create_cloud_xyz32(clouds.header(), points)
    np.testing.assert_array_equal(read_points(plain).points, points)
    fields = [PointField(name=n, offset=8 * i, datatype=PointField.FLOAT64, count=1) for i, n in enumerate("xyz")]
    fields.append(PointField(name="label", offset=24, datatype=PointField.UINT8, count=1))
    listed = point_cloud2.create_cloud(clouds.header(), fields, [(*p, i % 7) for i, p in enumerate(points.tolist())])
    np.testing.assert_array_equal(read_points(listed).points, points)
    np.testing.assert_array_equal(read_field(listed, "label"), np.arange(COUNT) % 7)
