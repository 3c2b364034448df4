"""Clouds as bytes: the message that rclpy makes of them again is the one that they were."""

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_ros.point_cloud import color_cloud, read_points
from jspnet_ros.serialisation import serialise


@pytest.mark.parametrize("frame", ["", "c", "ca", "cam", "camera", "camera_color_optical_frame"])
@pytest.mark.parametrize("count", [1, 3, 640])
def test_the_message_comes_back(frame, count):
    points = np.random.default_rng(0).random((count, 3)).astype(np.float32)
    for colors in (None, (255 * points).astype(np.uint8)):
        cloud = color_cloud(Header(frame_id=frame), (1, count), points, colors)
        for cloud.is_dense in (False, True):
            raw = serialise(cloud)
            assert len(raw) == len(serialize_message(cloud))  # bytes between the fields are whatever was there
            again = deserialize_message(raw, PointCloud2)
            assert again == cloud
            np.testing.assert_array_equal(read_points(again).points, points)


def test_a_cloud_without_points_is_a_message_too():
    assert deserialize_message(serialise(PointCloud2()), PointCloud2) == PointCloud2()
