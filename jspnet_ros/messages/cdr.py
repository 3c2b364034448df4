"""Clouds as the bytes that go over the wire, their points written where they are sent from."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2

_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
_new_bytes.restype, _new_bytes.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_ssize_t)
_address = ctypes.pythonapi.PyBytes_AsString
_address.restype, _address.argtypes = ctypes.c_void_p, (ctypes.py_object,)


def serialised(cloud: PointCloud2, point: np.dtype, fill: Callable[[np.ndarray], None]) -> bytes:
    """What `rclpy.serialization.serialize_message` would make of a cloud of points that `fill` writes: to be given to a
    publisher in its place.

    cloud: without data. point: a point of it. fill: takes the records, (height * width,) of `point`, to be written
    whole, for they hold whatever was in that memory, and not to be kept.
    A publisher copies the points of a message into one of C, and from there into the wire's format. Here the message
    without its points is serialised, and the points are written where they belong: in CDR, `data` is a number of bytes,
    in four bytes, and the bytes; `is_dense` follows, in one.
    """
    count = cloud.height * cloud.width
    empty = serialize_message(cloud)
    before, is_dense = empty[:-5] + (count * point.itemsize).to_bytes(4, sys.byteorder), empty[-1:]
    end = len(before) + count * point.itemsize
    raw = _new_bytes(None, end + 1)  # CPython lets its maker write to new bytes, until somebody else has them
    memory = memoryview((ctypes.c_char * len(raw)).from_address(_address(raw))).cast("B")
    memory[: len(before)], memory[end:] = before, is_dense
    fill(np.frombuffer(memory, point, count, len(before)))
    return raw
