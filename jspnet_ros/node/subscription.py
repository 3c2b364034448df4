"""The subscription to the sensor's clouds: as reliable as its publishers, and counting what never arrived."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import PointCloud2

from jspnet_ros.node.parameters import overrides

TOPIC = "~/input/points"


@dataclass(frozen=True)
class ArrivedCloud:
    """A cloud, and the time of this machine's clock at which it arrived, in nanoseconds since 1970."""

    cloud: PointCloud2
    at_ns: int


class CloudInput:
    """Subscribes to clouds, newest only.

    A reliable subscription hears no best-effort publisher, and a best-effort one loses large clouds over the
    default transport: so the reliability is taken from the publishers found, and again when they change.
    """

    def __init__(self, node: Node, on_cloud: Callable[[ArrivedCloud, int], None]) -> None:
        """on_cloud: called with each cloud and the number of clouds that were lost since the one before."""
        self._node, self._on_cloud = node, on_cloud
        self.topic = node.resolve_topic_name(TOPIC)
        self._parameter = f"qos_overrides.{self.topic}.subscription.reliability"
        self._chosen_by_user = self._parameter in overrides(node)
        self._last_number: int | None = None
        self.heard = False
        """Whether any cloud has arrived."""
        self._subscription = self._subscribe(self._reliability_found())

    @property
    def reliability(self) -> str:
        return self._subscription.qos_profile.reliability.name.lower()

    def follow_publishers(self) -> None:
        """Subscribe anew where the publishers' reliability is another than the subscription's; for a timer."""
        found = self._reliability_found()
        if self._chosen_by_user or found == self._subscription.qos_profile.reliability:
            return
        self.close()
        self._subscription = self._subscribe(found)
        self._node.get_logger().info(f"subscribed to {self.topic} anew: {self.reliability}, as its publishers are")

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _reliability_found(self) -> ReliabilityPolicy:
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        all_reliable = all(p.qos_profile.reliability == ReliabilityPolicy.RELIABLE for p in publishers)
        return ReliabilityPolicy.RELIABLE if publishers and all_reliable else ReliabilityPolicy.BEST_EFFORT

    def _subscribe(self, reliability: ReliabilityPolicy) -> Subscription:
        self._last_number = None
        policies = [QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]
        if self._chosen_by_user or not self._node.has_parameter(self._parameter):
            policies.append(QoSPolicyKind.RELIABILITY)  # once declared, the parameter would outlive what was found
        return self._node.create_subscription(
            PointCloud2,
            TOPIC,
            self._receive,
            QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability),
            qos_overriding_options=QoSOverridingOptions(policies),
        )

    def _receive(self, cloud: PointCloud2, info: dict[str, Any]) -> None:
        """Publishers number their messages: a gap is what was replaced, or lost, on the way."""
        self.heard = True
        number = info["publication_sequence_number"]
        lost = 0
        if number is not None and self._last_number is not None and self._node.count_publishers(self.topic) == 1:
            lost = max(number - self._last_number - 1, 0)  # negative: the publisher was started anew
        self._last_number = number
        arrived_ns = info["received_timestamp"] or time.time_ns()  # Cyclone DDS gives 0: it does not tell
        self._on_cloud(ArrivedCloud(cloud, arrived_ns), lost)
