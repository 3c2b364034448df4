"""CDR serialisation: rclpy deserialises the bytes to the original message."""

import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_ros.messages.cdr import serialised
from jspnet_ros.messages.labelled_clouds import SEMANTIC_POINT, cloud_of, record_cloud

POINT = np.dtype({"names": ["x", "y", "z"], "formats": ["<f4"] * 3})


@pytest.mark.parametrize("frame", ["", "c", "ca", "cam", "camera", "camera_color_optical_frame"])
@pytest.mark.parametrize("point", [POINT, SEMANTIC_POINT])
@pytest.mark.parametrize("count", [0, 1, 3, 640])
def test_the_message_comes_back(frame, point, count):
    points = np.zeros(count, point)
    for name in point.names:
        points[name] = 100 * np.random.default_rng(0).random(count)
    header, shape = Header(frame_id=frame), (1, count)
    for is_dense in (False, True):
        whole, shell = record_cloud(header, shape, points), cloud_of(point, header, shape)
        whole.is_dense = shell.is_dense = is_dense

        def fill(records):
            records.view(np.uint8)[:] = points.view(np.uint8)  # the gaps as well

        raw = serialised(shell, point, fill)
        assert len(raw) == len(serialize_message(whole))  # bytes between the fields are whatever was there
        assert deserialize_message(raw, PointCloud2) == whole


def test_two_clouds_are_two_objects():
    """New bytes of the same length may not be the ones that were sent before."""
    first, second = (
        serialised(cloud_of(POINT, Header(), (1, 1)), POINT, lambda r, v=v: r["x"].fill(v)) for v in (1, 2)
    )
    values = [deserialize_message(raw, PointCloud2).data[:4] for raw in (first, second)]
    assert [np.frombuffer(value, "<f4")[0] for value in values] == [1.0, 2.0]
