"""Point clouds of recorded bags: ROS 2 (sqlite3, MCAP) and ROS 1. Needs `rosbags`, no ROS command line."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_core.errors import JspnetError
from jspnet_ros.messages.cloud_layout import CLOUD_TYPE

ACCEPTED = "accepted are the folder of a ROS 2 bag (sqlite3 or MCAP), a .db3 or .mcap file, and a ROS 1 .bag file"


class BagError(JspnetError):
    """A bag that cannot be read: one sentence naming it, what was found and what is accepted."""


def read_clouds(bag: Path) -> Iterator[PointCloud2]:
    """Read every PointCloud2 of a bag, of all topics, in the order of the recording.

    bag: the folder or file of a ROS 2 bag, or the .bag file of ROS 1. Raises `BagError`.
    """
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.typesys import Stores, get_typestore

    try:
        with AnyReader([_bag_path(bag)], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
            connections = [c for c in reader.connections if c.msgtype == CLOUD_TYPE]
            for connection, _, raw in reader.messages(connections) if connections else ():
                if reader.is2:
                    yield deserialize_message(raw, PointCloud2)
                else:
                    yield _cloud_message(reader.deserialize(raw, connection.msgtype))
    except (AnyReaderError, OSError) as error:
        raise BagError(f"{bag} cannot be read as a bag ({error}); {ACCEPTED}") from error


def _bag_path(bag: Path) -> Path:
    """The path that `rosbags` opens. Raises `BagError` where there is no bag."""
    if bag.is_dir() and not (bag / "metadata.yaml").is_file():
        files = sorted([*bag.glob("*.db3"), *bag.glob("*.mcap"), *bag.glob("*.bag")])
        if len(files) != 1:
            raise BagError(f"{bag} holds no metadata.yaml and {len(files)} bag files; {ACCEPTED}")
        return files[0]
    if not bag.exists():
        raise BagError(f"{bag} does not exist; {ACCEPTED}")
    return bag


def _cloud_message(cloud: Any) -> PointCloud2:
    """Convert a cloud as `rosbags` deserialises it to the message of this ROS distribution."""
    message = PointCloud2(
        height=cloud.height,
        width=cloud.width,
        is_bigendian=bool(cloud.is_bigendian),
        point_step=cloud.point_step,
        row_step=cloud.row_step,
        is_dense=bool(cloud.is_dense),
    )
    message.header.frame_id = cloud.header.frame_id
    message.header.stamp.sec, message.header.stamp.nanosec = cloud.header.stamp.sec, cloud.header.stamp.nanosec
    message.fields = [
        PointField(name=f.name, offset=int(f.offset), datatype=int(f.datatype), count=int(f.count))
        for f in cloud.fields
    ]
    message.data = array("B", cloud.data.tobytes())
    return message
