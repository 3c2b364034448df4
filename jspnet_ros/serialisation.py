"""Clouds as the bytes that go over the wire, made with one copy of the points."""

from __future__ import annotations

import sys

from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2


def serialise(cloud: PointCloud2) -> bytes:
    """What `rclpy.serialization.serialize_message` makes of a cloud, to be given to a publisher in its place.

    A publisher copies the points of a message into one of C, and from there into the wire's format. Here the message
    without its points is serialised, and they are put where they belong: in CDR, `data` is a number of bytes, in four
    bytes, and the bytes; `is_dense` follows, in one.
    """
    shell = PointCloud2(
        header=cloud.header, height=cloud.height, width=cloud.width, fields=cloud.fields,
        is_bigendian=cloud.is_bigendian, point_step=cloud.point_step, row_step=cloud.row_step, is_dense=cloud.is_dense,
    )  # fmt: skip
    empty = serialize_message(shell)
    before, is_dense = empty[:-5], empty[-1:]
    return b"".join((before, len(cloud.data).to_bytes(4, sys.byteorder), memoryview(cloud.data), is_dense))
