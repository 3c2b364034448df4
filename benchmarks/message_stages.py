"""What a node does around a frame: read the message, build and serialise the two labelled clouds."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.segmentation import Segmentation


class MessageStages:
    """Times both with the node's own functions."""

    def __init__(self, read: Callable[[], object], publish: Callable[[Segmentation], object]):
        self._read, self._publish = read, publish

    @classmethod
    def of(cls, points: np.ndarray, colors: np.ndarray, classes: ClassTable) -> MessageStages | None:
        """For one cloud; None where there is no ROS."""
        try:
            from std_msgs.msg import Header

            from jspnet_ros.point_cloud import (
                INSTANCE_POINT,
                SEMANTIC_POINT,
                CloudBuffer,
                color_cloud,
                instance_cloud,
                read_points,
                semantic_cloud,
            )  # fmt: skip
            from jspnet_ros.serialisation import serialise
        except ImportError:
            return None
        header, shape = Header(), (1, len(points))
        message = color_cloud(header, shape, points, colors)
        semantic, instance = CloudBuffer(SEMANTIC_POINT), CloudBuffer(INSTANCE_POINT)

        def publish(found: Segmentation) -> None:
            serialise(semantic_cloud(semantic, header, shape, points, found, classes))
            serialise(instance_cloud(instance, header, shape, points, found))

        return cls(lambda: read_points(message), publish)

    def time(self, found: Segmentation) -> dict[str, float]:
        """Milliseconds of reading, and of publishing without the transport."""
        begin = time.perf_counter()
        self._read()
        read = time.perf_counter()
        self._publish(found)
        return {"read": 1e3 * (read - begin), "publish": 1e3 * (time.perf_counter() - read)}
