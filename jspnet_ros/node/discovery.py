"""Input topic discovery: the only PointCloud2 on the graph, its frame, and why no cloud arrives on a topic."""

from __future__ import annotations

import time

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import PointCloud2

from jspnet_core.errors import JspnetError
from jspnet_ros.messages.cloud_layout import CLOUD_TYPE

SEGMENTER_TYPE = "jspnet_ros/msg/InstanceArray"
"""A node that publishes this is a segmenter, whatever its name: its clouds are outputs."""

QUIET_SECONDS = 5.0
"""Publishers on the same machine took up to 3.4 s to be discovered."""


class InputTopicError(JspnetError):
    """No cloud, or several: the sentence lists the topics found and names the argument to pass."""


def find_cloud_topic(quiet: float = QUIET_SECONDS) -> str:
    """Find the topic of the only PointCloud2 publisher that is not a segmenter.

    quiet: seconds without a newly discovered topic after which the search ends.
    Raises `InputTopicError` where there is none, or more than one.
    """
    with _Listener() as listener:
        found = listener.cloud_topics(quiet)
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputTopicError(
            f"no PointCloud2 is published (searched for {quiet:.0f} s): start the camera, or pass input:=TOPIC"
        )
    raise InputTopicError(
        f"{len(found)} PointCloud2 topics are published, pass one of them: " + ", ".join(f"input:={t}" for t in found)
    )


def find_frame(topic: str, seconds: float = 2 * QUIET_SECONDS) -> str:
    """Return the frame of the next cloud on `topic`, empty if none arrives within `seconds`."""
    with _Listener() as listener:
        return listener.frame(topic, seconds)


def cloud_topics(node: Node) -> list[str]:
    """List the PointCloud2 topics that `node` has discovered with a publisher that is not a segmenter."""
    return sorted(
        name
        for name, types in node.get_topic_names_and_types()
        if CLOUD_TYPE in types and any(not _is_segmenter(node, p) for p in node.get_publishers_info_by_topic(name))
    )


def no_cloud_reason(node: Node, topic: str) -> str:
    """Explain why no cloud arrives on `topic`, which `node` subscribes to, and what to do about it."""
    publishers = node.get_publishers_info_by_topic(topic)
    others = sorted({p.topic_type for p in publishers} - {CLOUD_TYPE})
    if others:
        return f"no cloud on {topic}: it is published as {', '.join(others)}, {CLOUD_TYPE} is accepted"
    if publishers:
        return (
            f"no cloud has arrived on {topic}, though {publishers[0].node_name} publishes it: if it does send, start "
            "it with FASTRTPS_DEFAULT_PROFILES_FILE set to config/dds_large_clouds.xml (docs/ros.md, Launch)"
        )
    found = [name for name in cloud_topics(node) if name != topic]
    choice = f"published are {', '.join(found)}" if found else "no other PointCloud2 is published either"
    return f"no cloud on {topic}, nobody publishes it; {choice} (input:=TOPIC, or -r '~/input/points:=TOPIC')"


def _is_segmenter(node: Node, publisher: TopicEndpointInfo) -> bool:
    """Return whether the publisher's node is a segmenter; False where that node cannot be seen (any more)."""
    name, namespace = publisher.node_name, publisher.node_namespace
    if (name, namespace) not in node.get_node_names_and_namespaces():
        return False
    topics = node.get_publisher_names_and_types_by_node(name, namespace)
    return any(SEGMENTER_TYPE in types for _, types in topics)


class _Listener:
    """A short-lived node with a context of its own, independent of other nodes in the process."""

    def __enter__(self) -> _Listener:
        self._context = Context()
        rclpy.init(args=[], context=self._context)  # launch's own arguments would be parsed as remappings
        self._node = Node("jspnet_find_input", context=self._context, enable_rosout=False)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)

    def cloud_topics(self, quiet: float) -> list[str]:
        found, end = cloud_topics(self._node), time.monotonic() + quiet
        while time.monotonic() < end:
            time.sleep(0.1)
            now = cloud_topics(self._node)
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
