"""CDR serialisation of clouds whose points are written in place, without a copy."""

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
    """Serialise a cloud as `rclpy.serialization.serialize_message` does; a publisher takes the bytes as a message.

    cloud: without data. point: the layout of its points. fill: writes all records, (height * width,) of `point`, which
    are not initialised, and keeps no reference to them.
    A publisher copies the points of a message to a C message, and from there to the wire format. Here the message is
    serialised without points, and the points are written to their place: in CDR, `data` is a four-byte length and the
    bytes; `is_dense` follows, in one byte.
    """
    count = cloud.height * cloud.width
    empty = serialize_message(cloud)
    before, is_dense = empty[:-5] + (count * point.itemsize).to_bytes(4, sys.byteorder), empty[-1:]
    end = len(before) + count * point.itemsize
    raw = _new_bytes(None, end + 1)  # CPython allows writing to new bytes until they are shared
    memory = memoryview((ctypes.c_char * len(raw)).from_address(_address(raw))).cast("B")
    memory[: len(before)], memory[end:] = before, is_dense
    fill(np.frombuffer(memory, point, count, len(before)))
    return raw
