"""Find the cloud to label when nobody names it: the only PointCloud2 on the graph."""

from __future__ import annotations

import time

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import PointCloud2

from jspnet_core.errors import JspnetError
from jspnet_ros.node.missing_input import cloud_topics

OWN_NODE = "jspnet_segmenter"
QUIET_SECONDS = 5.0
"""Publishers on the same machine were seen to take up to 3.4 s to be discovered."""


class InputTopicError(JspnetError):
    """No cloud, or several: the sentence lists what was found and names the argument to pass."""


def find_cloud_topic(quiet: float = QUIET_SECONDS) -> str:
    """The topic of the only PointCloud2 publisher that is not the segmenter itself.

    quiet: the graph is listened to until no cloud has been discovered for so many seconds.
    Raises `InputTopicError` where there is none, or more than one.
    """
    with _Listener() as listener:
        found = listener.cloud_topics(quiet)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputTopicError(
            f"no PointCloud2 is published (listened for {quiet:.0f} s): start the camera, or pass input:=TOPIC"
        )
    raise InputTopicError(
        f"{len(found)} PointCloud2 topics are published, pass one of them: " + ", ".join(f"input:={t}" for t in found)
    )


def find_frame(topic: str, seconds: float = 2 * QUIET_SECONDS) -> str:
    """The frame of the next cloud on `topic`, empty if none arrives in time."""
    with _Listener() as listener:
        return listener.frame(topic, seconds)


class _Listener:
    """A short-lived node with a context of its own, beside whatever else runs in the process."""

    def __enter__(self) -> _Listener:
        self._context = Context()
        rclpy.init(args=[], context=self._context)  # those of the process are launch's: rcl takes them for old remaps
        self._node = Node("jspnet_find_input", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def cloud_topics(self, quiet: float) -> list[str]:
        found, end = cloud_topics(self._node, OWN_NODE), time.monotonic() + quiet
        while time.monotonic() < end:
            time.sleep(0.1)
            now = cloud_topics(self._node, OWN_NODE)
            if now != found:
                found, end = now, time.monotonic() + quiet
        return found

    def frame(self, topic: str, seconds: float) -> str:
        frames: list[str] = []
        self._node.create_subscription(
            PointCloud2, topic, lambda cloud: frames.append(cloud.header.frame_id), qos_profile_sensor_data
        )
        end = time.monotonic() + seconds
        while not frames and time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.1)
        return frames[0] if frames else ""
