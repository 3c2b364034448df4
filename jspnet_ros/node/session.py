"""What runs between activation and deactivation: the subscription, and the threads that label and publish."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.lifecycle import LifecycleNode

from jspnet_ros.node.labeller import CloudLabeller
from jspnet_ros.node.latest_worker import Worker
from jspnet_ros.node.missing_input import why_no_cloud
from jspnet_ros.node.publishers import LabelledFrame
from jspnet_ros.node.statistics import FrameStatistics
from jspnet_ros.node.subscription import ArrivedCloud, CloudInput

SILENCE = 5
"""Seconds without a single cloud after which the log says why; discovery takes up to three."""

REMINDER_SECONDS = 30.0


class Run:
    """Receives clouds in the executor's thread, labels the newest in a second, publishes the newest in a third.

    None waits for another, so a frame is at most one labelling and one publication older than its own.
    """

    def __init__(self, node: LifecycleNode, labeller: CloudLabeller, statistics: FrameStatistics) -> None:
        self._node, self._labeller, self._statistics = node, labeller, statistics
        self._silent_checks = 0
        self._publication: Worker[LabelledFrame] = Worker("publication", self._publish)
        self._inference: Worker[ArrivedCloud] = Worker("inference", self._label)
        self._input = CloudInput(node, self._receive)
        self.topic = self._input.topic

    @property
    def reliability(self) -> str:
        return self._input.reliability

    def check(self) -> None:
        """For a timer, once a second. Raises what ended a thread, if anything did."""
        self._inference.check()
        self._publication.check()
        self._input.follow_publishers()
        self._silent_checks += 1
        if self._silent_checks > SILENCE and not self._input.heard:
            self._node.get_logger().warning(
                why_no_cloud(self._node, self.topic), throttle_duration_sec=REMINDER_SECONDS
            )

    def stop(self) -> None:
        """Receive nothing more, and wait until the frame under way is published."""
        self._input.close()
        if self._inference.withdraw():
            self._statistics.count("skipped")
        try:
            self._inference.stop()
        finally:
            self._publication.stop()

    def _receive(self, arrived: ArrivedCloud, lost: int) -> None:
        self._statistics.count("received")
        self._statistics.count("lost", lost)
        if not self._labeller.outputs.wanted().anything:
            self._statistics.count("unwanted")
            self._node.get_logger().info(
                "clouds arrive, but nobody subscribes to an output: nothing is labelled until somebody does", once=True
            )
        elif self._inference.give(arrived):
            self._statistics.count("skipped")

    def _label(self, arrived: ArrivedCloud) -> None:
        with self._unless_interrupted():
            frame = self._labeller.label(arrived)
            if frame is not None and self._publication.give(frame):
                self._statistics.count("overtaken")

    def _publish(self, frame: LabelledFrame) -> None:
        with self._unless_interrupted():
            self._labeller.publish(frame)

    @contextmanager
    def _unless_interrupted(self) -> Iterator[None]:
        """Drops the frame under way of an interrupted process: ROS has shut down by then, and refuses everything."""
        try:
            yield
        except RuntimeError:  # rclpy's RCLError is one
            if self._node.context.ok():
                raise
