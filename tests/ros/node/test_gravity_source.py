"""Gravity given by the user: a sensor's pose, or a tf2 frame."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2

from jspnet_ros.messages.point_cloud import read_points
from jspnet_ros.messages.transforms import parse_pose, pose_message
from jspnet_ros.msg import InstanceArray
from tests.ros import clouds
from tests.ros.poses import CAMERA_POSE, pose_matrix

needs_tf2 = pytest.mark.skipif(
    importlib.util.find_spec("tf2_ros") is None, reason="tf2_ros is not installed; it comes with a ROS distribution"
)


def test_the_sensor_pose_is_the_gravity_frame(start):
    _, client = start(sensor_pose=CAMERA_POSE)
    array = client.collect(InstanceArray, "output/instance_array")
    client.label(clouds.room_cloud(), array)
    assert array[-1].gravity_source == "parameter sensor_pose"
    np.testing.assert_allclose(pose_matrix(array[-1].gravity_pose), np.linalg.inv(parse_pose(CAMERA_POSE)), atol=1e-6)
    heights = [(i.minimum.z, i.maximum.z) for i in array[-1].instances]
    assert heights
    assert min(low for low, _ in heights) == pytest.approx(0.0, abs=0.05)  # the floor, 1.2 m below the camera
    assert max(high for _, high in heights) < 2.7  # the ceiling


@pytest.mark.skipif(importlib.util.find_spec("tf2_ros") is not None, reason="tf2_ros is installed")
def test_a_target_frame_without_tf2_fails_configure_with_one_sentence(start):
    node, client = start(target_frame="map")
    client.until(lambda: "needs tf2_ros, which cannot be imported" in node.log, "the sentence")
    assert "install ros-jazzy-tf2-ros-py" in node.log
    assert client.state() == "unconfigured"


@needs_tf2
def test_a_target_frame_is_where_clouds_are_published(start):
    from tf2_msgs.msg import TFMessage

    _, client = start(target_frame="map")
    semantic = client.collect(PointCloud2, "output/semantic")
    array = client.collect(InstanceArray, "output/instance_array")
    refused = client.until(lambda: refused_without_transform(client), "a refusal without a transform")
    assert refused > 0
    T_map_camera = parse_pose(CAMERA_POSE)
    transform = TransformStamped(header=clouds.header(frame="map"), child_frame_id=clouds.FRAME)
    pose = pose_message(T_map_camera)
    transform.transform.translation.x, transform.transform.translation.y = pose.position.x, pose.position.y
    transform.transform.translation.z, transform.transform.rotation = pose.position.z, pose.orientation
    static = client.node.create_publisher(
        TFMessage, "/tf_static", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    )
    static.publish(TFMessage(transforms=[transform]))
    sent = clouds.room_cloud(second=5)
    client.label(sent, semantic, array)
    assert semantic[-1].header.frame_id == "map"
    assert semantic[-1].header.stamp == sent.header.stamp
    points = read_points(sent).points
    expected = points @ T_map_camera[:3, :3].T + T_map_camera[:3, 3]
    np.testing.assert_allclose(read_points(semantic[-1]).points, expected, atol=1e-5)
    np.testing.assert_allclose(pose_matrix(array[-1].gravity_pose), np.eye(4), atol=1e-12)
    assert array[-1].gravity_source == "tf2 frame map"


def refused_without_transform(client) -> int:
    client.publish(clouds.room_cloud())
    return client.counts().get("refused no_transform", 0)
