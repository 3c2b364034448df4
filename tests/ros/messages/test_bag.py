"""Recorded clouds: ROS 2 bags of both storages, ROS 1 bags, and files that are neither."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rclpy.serialization import serialize_message

from jspnet_ros.messages.bag import BagError, read_clouds
from tests.ros import clouds

pytest.importorskip("rosbags", reason="rosbags is not installed (requirements/demo.txt)")


def test_the_cloud_of_a_bag_is_the_sensor_s():
    cloud = clouds.bag_cloud()
    assert (cloud.height, cloud.width, cloud.point_step) == (480, 640, 32)
    assert cloud.header.frame_id == "camera_rgb_optical_frame"


def test_ros_1_and_ros_2_recordings_of_a_scene_hold_the_same_cloud():
    path = clouds.SHARED / "bags" / "moveit_perception_tutorial.bag"
    if not path.is_file():
        pytest.skip(f"{path.name} is not on this machine")
    ros1, ros2 = next(read_clouds(path)), clouds.bag_cloud()
    assert ros1.fields == ros2.fields
    np.testing.assert_array_equal(np.frombuffer(ros1.data, np.uint8), np.frombuffer(ros2.data, np.uint8))


@pytest.mark.parametrize("storage", ["SQLITE3", "MCAP"])
def test_clouds_of_a_recording_come_back_in_order(tmp_path: Path, storage: str):
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    sent = [clouds.room_cloud(second, (3, 4)) for second in (1, 2, 3)]
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin[storage]) as writer:
        connection = writer.add_connection("/points", "sensor_msgs/msg/PointCloud2", typestore=store)
        other = writer.add_connection("/name", "std_msgs/msg/String", typestore=store)
        for number, cloud in enumerate(sent):
            writer.write(other, 10 * number, b"\x00\x01\x00\x00\x02\x00\x00\x00a\x00")
            writer.write(connection, 10 * number + 1, serialize_message(cloud))
    assert list(read_clouds(tmp_path / "bag")) == sent
    (file,) = [f for f in (tmp_path / "bag").iterdir() if f.suffix != ".yaml"]
    assert list(read_clouds(file)) == sent


@pytest.mark.parametrize("name", ["broken.db3", "broken.mcap", "broken.bag", "notes.txt", "missing.db3", "folder"])
def test_what_is_no_bag_is_named_with_what_is_accepted(tmp_path: Path, name: str):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name != "missing.db3":
        path.write_bytes(b"not a bag, only text" * 100)
    with pytest.raises(BagError, match=rf"{name}.*accepted are the folder of a ROS 2 bag"):
        next(read_clouds(path))
