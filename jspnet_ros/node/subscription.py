"""Subscription to the sensor's clouds with the publishers' reliability and durability; counts lost messages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import PointCloud2

from jspnet_ros.node.parameters import overrides

TOPIC = "~/input/points"


@dataclass(frozen=True)
class ArrivedCloud:
    """A cloud, and the time of this machine's clock at which it arrived, in nanoseconds since 1970."""

    cloud: PointCloud2
    at_ns: int


@dataclass(frozen=True)
class Quality:
    """The policies in which publishers of clouds differ."""

    reliability: ReliabilityPolicy
    durability: DurabilityPolicy


class CloudInput:
    """Subscribes to clouds, newest only.

    A reliable subscription does not match a best-effort publisher, and a best-effort one loses large clouds over the
    default transport; a volatile one does not receive what a transient-local publisher sent before. So both policies
    are taken from the publishers found, and again when they change.
    """

    def __init__(self, node: Node, on_cloud: Callable[[ArrivedCloud, int], None]) -> None:
        """on_cloud: called with each cloud and the number of clouds that were lost since the one before."""
        self._node, self._on_cloud = node, on_cloud
        self.topic = node.resolve_topic_name(TOPIC)
        prefix = f"qos_overrides.{self.topic}.subscription"
        self._parameters = {
            QoSPolicyKind.RELIABILITY: f"{prefix}.reliability",
            QoSPolicyKind.DURABILITY: f"{prefix}.durability",
        }
        self._chosen_by_user = {kind for kind, name in self._parameters.items() if name in overrides(node)}
        self._last_number: int | None = None
        self.heard = False
        """Whether any cloud has arrived."""
        self._quality = self._quality_found()
        self._subscription = self._subscribe(self._quality)

    @property
    def quality(self) -> str:
        """The subscription's policies for people: `reliable`, or `reliable, transient_local`."""
        profile = self._subscription.qos_profile
        words = [profile.reliability.name.lower()]
        if profile.durability == DurabilityPolicy.TRANSIENT_LOCAL:
            words.append("transient_local")
        return ", ".join(words)

    def follow_publishers(self) -> None:
        """Subscribe again where the publishers' policies differ from the subscription's; for a timer."""
        found = self._quality_found()
        if found == self._quality:
            return
        self.close()
        self._quality, self._subscription = found, self._subscribe(found)
        self._node.get_logger().info(f"subscribed to {self.topic} again: {self.quality}, as its publishers are")

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _quality_found(self) -> Quality:
        """The strictest policies that all publishers offer; policies that the user sets are not looked at."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        reliable = _all_offer(publishers, "reliability", ReliabilityPolicy.RELIABLE)
        latched = _all_offer(publishers, "durability", DurabilityPolicy.TRANSIENT_LOCAL)
        if QoSPolicyKind.RELIABILITY in self._chosen_by_user:
            reliable = False
        if QoSPolicyKind.DURABILITY in self._chosen_by_user:
            latched = False
        return Quality(
            ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )

    def _subscribe(self, quality: Quality) -> Subscription:
        self._last_number = None
        policies = [QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH]
        for kind, name in self._parameters.items():
            if kind in self._chosen_by_user or not self._node.has_parameter(name):
                policies.append(kind)  # once declared, the parameter would outlive the publishers' policy
        return self._node.create_subscription(
            PointCloud2,
            TOPIC,
            self._receive,
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=1,
                reliability=quality.reliability,
                durability=quality.durability,
            ),
            qos_overriding_options=QoSOverridingOptions(policies),
        )

    def _receive(self, cloud: PointCloud2, info: dict[str, Any]) -> None:
        """Take a cloud. A publisher numbers its messages: a gap is what was replaced, or lost, on the way.

        Which publisher a message came from is not known, so nothing is counted while there are several.
        """
        self.heard = True
        alone = self._node.count_publishers(self.topic) == 1
        number = info["publication_sequence_number"] if alone else None
        lost = 0
        if number is not None and self._last_number is not None:
            lost = max(number - self._last_number - 1, 0)  # negative: the publisher was restarted
        self._last_number = number
        arrived_ns = info["received_timestamp"] or time.time_ns()  # Cyclone DDS reports 0
        self._on_cloud(ArrivedCloud(cloud, arrived_ns), lost)


def _all_offer(publishers: list[TopicEndpointInfo], policy: str, value: Any) -> bool:
    return bool(publishers) and all(getattr(p.qos_profile, policy) == value for p in publishers)
