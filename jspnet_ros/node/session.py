"""The active node: its subscription and the threads that label and publish, from activation to deactivation."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

from jspnet_ros.node.discovery import no_cloud_reason
from jspnet_ros.node.failures import FrameFailures
from jspnet_ros.node.labeller import CloudLabeller
from jspnet_ros.node.latest_worker import LatestWorker
from jspnet_ros.node.publishers import LabelledFrame
from jspnet_ros.node.statistics import FrameStatistics
from jspnet_ros.node.subscription import ArrivedCloud, CloudInput

SILENCE = 5
"""Seconds without a single cloud after which the log explains why; discovery takes up to three."""

REMINDER_SECONDS = 30.0
LABELLING, PUBLISHING = "labelling", "publishing"


class Session:
    """Receives clouds in the executor's thread, labels the newest in a second, publishes the newest in a third.

    None waits for another, so a frame is at most one labelling and one publication older than its own. Exceptions of
    one frame are contained: see `FrameFailures`.
    """

    def __init__(
        self,
        node: LifecycleNode,
        labeller: CloudLabeller,
        statistics: FrameStatistics,
        on_failure: Callable[[], None],
    ) -> None:
        """on_failure: called after each failure, in the thread of its step."""
        self._node, self._labeller, self._statistics = node, labeller, statistics
        self._failures, self._on_failure = FrameFailures(node.get_logger(), statistics), on_failure
        self._silent_checks = 0
        self._publication: LatestWorker[LabelledFrame] = LatestWorker("publication", self._publish)
        self._inference: LatestWorker[ArrivedCloud] = LatestWorker("inference", self._label)
        statistics.start_listening()
        self._input = CloudInput(node, self._receive)
        self.topic = self._input.topic

    @property
    def quality(self) -> str:
        """The subscription's policies, for people."""
        return self._input.quality

    @property
    def verdict(self) -> str:
        """Reason to deactivate the node; empty while it may go on."""
        return self._failures.verdict

    def check(self) -> None:
        """Follow the publishers and explain silence; for a timer, once a second."""
        self._inference.check()
        self._publication.check()
        self._input.follow_publishers()
        self._silent_checks += 1
        if self._silent_checks > SILENCE and not self._input.heard:
            self._node.get_logger().warning(
                no_cloud_reason(self._node, self.topic), throttle_duration_sec=REMINDER_SECONDS
            )

    def stop(self) -> None:
        """Receive nothing more, and wait until the current frame is published."""
        self._input.close()
        if self._inference.withdraw():
            self._statistics.skipped()
        try:
            self._inference.stop()
        finally:
            self._publication.stop()

    def _receive(self, arrived: ArrivedCloud, lost: int) -> None:
        self._statistics.received(lost)
        if not self._labeller.outputs.wanted().anything:
            self._statistics.unwanted()
            self._node.get_logger().info(
                "clouds arrive, but no output has a subscriber: nothing is labelled until one has", once=True
            )
        elif self._inference.give(arrived):
            self._statistics.skipped()

    def _label(self, arrived: ArrivedCloud) -> None:
        if self._failures.verdict:
            self._statistics.skipped()
            return
        try:
            frame = self._labeller.label(arrived)
        except Exception as error:  # noqa: BLE001 - whatever one frame raises must not end the node
            self._contain(LABELLING, error)
            return
        self._failures.succeeded(LABELLING)
        if frame is not None and self._publication.give(frame):
            self._statistics.skipped()

    def _publish(self, frame: LabelledFrame) -> None:
        try:
            self._labeller.publish(frame)
        except Exception as error:  # noqa: BLE001 - as above
            self._contain(PUBLISHING, error)
            return
        self._failures.succeeded(PUBLISHING)

    def _contain(self, step: str, error: Exception) -> None:
        """Refuse the frame that raised `error`; the engine is reopened after the first failure in a row."""
        if not self._node.context.ok():  # ROS was shut down meanwhile, and refuses everything
            self._statistics.skipped()
            return
        count = self._failures.failed(step, error)
        if step == LABELLING and count == 1:
            try:
                self._labeller.reopen()
            except Exception as reopening:  # noqa: BLE001 - the node is deactivated with this reason
                self._failures.give_up(
                    f"the engine cannot be reopened after a failure ({error}): {reopening}", reopening
                )
        self._on_failure()
