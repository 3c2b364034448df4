"""What runs between activation and deactivation: the subscription, and the thread that labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2

from jspnet_ros.cloud_input import CloudInput
from jspnet_ros.labeller import CloudLabeller
from jspnet_ros.newest import Newest
from jspnet_ros.statistics import FrameStatistics


class Run:
    """Receives clouds in the executor's thread and labels the newest in one other thread."""

    def __init__(self, node: LifecycleNode, labeller: CloudLabeller, statistics: FrameStatistics) -> None:
        self._labeller, self._statistics = labeller, statistics
        self._frames: Newest[PointCloud2] = Newest()
        self._thread = ThreadPoolExecutor(1, "inference")
        self._work = self._thread.submit(self._label_frames)
        self._input = CloudInput(node, self._receive)
        self.topic = self._input.topic

    @property
    def reliability(self) -> str:
        return self._input.reliability

    def check(self) -> None:
        """For a timer. Raises what ended the thread, if anything did: a defect must not look like silence."""
        if self._work.done():
            self._work.result()
        self._input.follow_publishers()

    def stop(self) -> None:
        """Receive nothing more, and wait for the frame under way."""
        self._input.close()
        if self._frames.close():
            self._statistics.count("skipped")
        self._thread.shutdown()
        self._work.result()

    def _receive(self, cloud: PointCloud2, lost: int) -> None:
        self._statistics.count("received")
        self._statistics.count("lost", lost)
        if not self._labeller.outputs.wanted().anything:
            self._statistics.count("unwanted")
        elif self._frames.put(cloud):
            self._statistics.count("skipped")

    def _label_frames(self) -> None:
        while (cloud := self._frames.take()) is not None:
            self._labeller.label(cloud)
