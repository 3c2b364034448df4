"""Message stages of a frame: read the cloud, build and serialise the two labelled clouds."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.segmentation import Segmentation
from jspnet_core.util.threads import available_cores


class MessageStages:
    """Times both with the node's own functions."""

    def __init__(self, read: Callable[[], object], publish: Callable[[Segmentation], object]):
        self._read, self._publish = read, publish

    @classmethod
    def of(cls, points: np.ndarray, colors: np.ndarray, classes: ClassTable) -> MessageStages | None:
        """Create the stages of one cloud; None without ROS."""
        try:
            from std_msgs.msg import Header

            from jspnet_ros.messages.labelled_clouds import color_cloud, labelled_clouds
            from jspnet_ros.messages.point_cloud import read_points
        except ImportError:
            return None
        header, shape = Header(), (1, len(points))
        message = color_cloud(header, shape, points, colors)
        threads = ThreadPoolExecutor(available_cores() + 1), available_cores()

        def publish(found: Segmentation) -> None:
            labelled_clouds(header, shape, points, found, classes, *threads)

        return cls(lambda: read_points(message, *threads), publish)

    def time(self, found: Segmentation) -> dict[str, float]:
        """Milliseconds of reading, and of publishing without the transport."""
        begin = time.perf_counter()
        self._read()
        read = time.perf_counter()
        self._publish(found)
        return {"read": 1e3 * (read - begin), "publish": 1e3 * (time.perf_counter() - read)}
