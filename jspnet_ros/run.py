"""What runs between activation and deactivation: the subscription, and the threads that label and publish."""

from __future__ import annotations

from rclpy.lifecycle import LifecycleNode

from jspnet_ros.cloud_input import ArrivedCloud, CloudInput
from jspnet_ros.labeller import CloudLabeller
from jspnet_ros.outputs import LabelledFrame
from jspnet_ros.statistics import FrameStatistics
from jspnet_ros.worker import Worker


class Run:
    """Receives clouds in the executor's thread, labels the newest in a second, publishes the newest in a third.

    None waits for another, so a frame is at most one labelling and one publication older than its own.
    """

    def __init__(self, node: LifecycleNode, labeller: CloudLabeller, statistics: FrameStatistics) -> None:
        self._labeller, self._statistics = labeller, statistics
        self._publication: Worker[LabelledFrame] = Worker("publication", labeller.publish)
        self._inference: Worker[ArrivedCloud] = Worker("inference", self._label)
        self._input = CloudInput(node, self._receive)
        self.topic = self._input.topic

    @property
    def reliability(self) -> str:
        return self._input.reliability

    def check(self) -> None:
        """For a timer. Raises what ended a thread, if anything did."""
        self._inference.check()
        self._publication.check()
        self._input.follow_publishers()

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
        elif self._inference.give(arrived):
            self._statistics.count("skipped")

    def _label(self, arrived: ArrivedCloud) -> None:
        frame = self._labeller.label(arrived)
        if frame is not None and self._publication.give(frame):
            self._statistics.count("overtaken")
