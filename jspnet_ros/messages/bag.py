"""Clouds of a recorded ROS 2 bag, without a ROS distribution: sqlite3 bags are read with the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import PointCloud2

from jspnet_core.errors import JspnetError

CLOUDS = "select data from messages join topics on topics.id = topic_id where type = 'sensor_msgs/msg/PointCloud2'"


class BagError(JspnetError):
    """A bag that cannot be read: one sentence naming it and what is accepted."""


def read_clouds(bag: Path) -> Iterator[PointCloud2]:
    """Every PointCloud2 of a bag, of all topics, in the order of the recording.

    bag: the folder that `ros2 bag record -s sqlite3` writes, or its .db3 file. Raises `BagError`.
    """
    files = sorted(bag.glob("*.db3")) if bag.is_dir() else [bag]
    if not files or not all(file.is_file() for file in files):
        raise BagError(f"{bag} holds no .db3 file; a bag recorded with `ros2 bag record -s sqlite3` does")
    for file in files:
        try:
            with sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True) as database:
                for (data,) in database.execute(f"{CLOUDS} order by timestamp"):
                    yield deserialize_message(data, PointCloud2)
        except sqlite3.DatabaseError as error:
            raise BagError(f"{file} is not a sqlite3 bag ({error})") from error
