"""Gravity given by the user: a sensor's pose, or a tf2 frame."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.messages.transforms import parse_pose, pose_message
from jspnet_ros.msg import InstanceArray
from tests.ros import clouds
from tests.ros.poses import CAMERA_POSE, pose_matrix

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

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


@pytest.fixture(scope="module")
def in_map(start):
    """A node that labels in frame `map`, its client, and the outputs."""
    _, client = start(target_frame="map")
    client.semantic = client.collect(PointCloud2, "output/semantic")
    client.array = client.collect(InstanceArray, "output/instance_array")
    static = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    client.static = client.node.create_publisher(TFMessage, "/tf_static", static)
    client.moving = client.node.create_publisher(TFMessage, "/tf", 100)
    return client


def transform(T: np.ndarray, header: Header, child: str) -> TFMessage:
    stamped = TransformStamped(header=header, child_frame_id=child)
    pose = pose_message(T)
    stamped.transform.translation.x, stamped.transform.translation.y = pose.position.x, pose.position.y
    stamped.transform.translation.z, stamped.transform.rotation = pose.position.z, pose.orientation
    return TFMessage(transforms=[stamped])


def shifted(x: float, y: float) -> np.ndarray:
    T = parse_pose(CAMERA_POSE)
    T[:2, 3] += x, y
    return T


@needs_tf2
def test_without_a_transform_clouds_are_refused(in_map):
    assert in_map.until(lambda: refusals(in_map, clouds.room_cloud(), "no_transform"), "a refusal") > 0


@needs_tf2
@pytest.mark.parametrize("origin", [(0.0, 0.0), (500_000.0, 5_500_000.0), (-3000.0, 123_456.75)])
def test_a_target_frame_is_where_clouds_are_published_however_far_its_origin(in_map, origin):
    client, T_map_camera = in_map, shifted(*origin)
    client.static.publish(transform(T_map_camera, clouds.header(frame="map"), clouds.FRAME))
    client.label(clouds.room_cloud(second=4), client.semantic)  # the one after it has the new transform for certain
    sent = clouds.room_cloud(second=5)
    client.label(sent, client.semantic, client.array)
    assert client.semantic[-1].header.frame_id == "map"
    assert client.semantic[-1].header.stamp == sent.header.stamp
    arrays, found = read_points(sent), read_points(client.semantic[-1])
    expected = arrays.points.astype(np.float64) @ T_map_camera[:3, :3].T + T_map_camera[:3, 3]
    np.testing.assert_allclose(found.points.astype(np.float64) + found.offset, expected, atol=1e-3)
    np.testing.assert_allclose(pose_matrix(client.array[-1].gravity_pose), np.eye(4), atol=1e-12)
    assert client.array[-1].gravity_source == "tf2 frame map"
    low, high = np.nanmin(expected, axis=0), np.nanmax(expected, axis=0)
    for instance in client.array[-1].instances:
        corner = np.array([instance.minimum.x, instance.minimum.y, instance.minimum.z])
        assert (corner > low - 0.1).all()
        assert (corner < high + 0.1).all()


@needs_tf2
def test_a_map_frame_far_away_changes_no_label(in_map):
    labels = []
    for origin in ((0.0, 0.0), (512_000.0, 5_120_000.0)):
        in_map.static.publish(transform(shifted(*origin), clouds.header(frame="map"), clouds.FRAME))
        for second in (6, 7):
            in_map.label(clouds.room_cloud(second), in_map.semantic)
        labels.append(read_field(in_map.semantic[-1], "label"))
    np.testing.assert_array_equal(*labels)


@needs_tf2
def test_absurd_transforms_and_stamps_are_refused_by_reason(in_map):
    in_map.static.publish(transform(shifted(1e300, 0.0), clouds.header(frame="map"), "absurd"))
    cloud = clouds.room_cloud()
    cloud.header.frame_id = "absurd"
    assert in_map.until(lambda: refusals(in_map, cloud, "bad_transform"), "a refusal") > 0
    cloud = clouds.room_cloud()
    cloud.header.stamp.sec = -1
    assert in_map.until(lambda: refusals(in_map, cloud, "bad_stamp"), "a refusal") > 0


@needs_tf2
def test_a_recording_that_starts_again_is_labelled_again(in_map):
    """Without /clock: the stamps of clouds and transforms go back by minutes, and tf2 drops older transforms."""
    for _ in range(3):
        for second in (1000, 1020, 1040):
            cloud = clouds.room_cloud(second)
            cloud.header.frame_id = "moving"
            in_map.semantic.clear()

            def labelled(cloud: PointCloud2 = cloud) -> bool:
                in_map.moving.publish(
                    transform(shifted(0, 0), Header(stamp=cloud.header.stamp, frame_id="map"), "moving")
                )
                in_map.publish(cloud)
                in_map.counts()
                return bool(in_map.semantic)

            in_map.until(labelled, f"the cloud of second {second}")
            assert in_map.semantic[-1].header.stamp.sec == second


def refusals(client, cloud: PointCloud2, reason: str) -> int:
    client.publish(cloud)
    return client.counts().get(f"refused {reason}", 0)
