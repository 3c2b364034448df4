"""One cloud message through the segmenter and out again. Runs in the inference thread."""

from __future__ import annotations

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.time import Time
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_core.gravity import rigid
from jspnet_core.segmentation import Segmentation
from jspnet_core.segmenter import CloudError, Segmenter
from jspnet_core.stage_clock import StageClock
from jspnet_ros.given_gravity import GivenGravity, TransformError
from jspnet_ros.outputs import LabelledFrame, Outputs, Wanted
from jspnet_ros.point_cloud import PointCloudError, field_names, read_points
from jspnet_ros.statistics import FrameReport, FrameStatistics

WARN_SECONDS = 5.0
"""Refused clouds are warned about at most this often."""


class CloudLabeller:
    """Labels clouds and publishes what is wanted; counts what it refuses.

    settings: taken over with the next cloud, so that a frame has one set of settings.
    """

    def __init__(
        self, node: LifecycleNode, segmenter: Segmenter, gravity: GivenGravity, statistics: FrameStatistics
    ) -> None:
        self._node, self._logger = node, node.get_logger()
        self._segmenter, self._gravity, self._statistics = segmenter, gravity, statistics
        self.settings = segmenter.settings
        self.model_name = segmenter.model_name
        self.outputs = Outputs(node, segmenter.classes, segmenter.model_name)

    def close(self) -> None:
        self._gravity.close()
        self.outputs.close()

    def label(self, cloud: PointCloud2) -> None:
        """Label `cloud` for the outputs with a subscriber; refuse it, with a count and a warning, if it is unfit."""
        wanted = self.outputs.wanted()
        if not wanted.anything:
            self._statistics.count("unwanted")
            return
        self._segmenter.settings = self.settings
        try:
            report = self._label(cloud, wanted)
        except (PointCloudError, CloudError, TransformError) as error:
            self._statistics.refuse(error.reason)
            self._logger.warning(
                f"cloud refused ({error.reason}): {error}; its fields are {field_names(cloud)}",
                throttle_duration_sec=WARN_SECONDS,
            )
            return
        self._statistics.labelled(report)
        self.outputs.publish_times(report.stages_ms, report.latency_ms)

    def _label(self, cloud: PointCloud2, wanted: Wanted) -> FrameReport:
        clock = StageClock()
        with clock.stage("read"):
            arrays = read_points(cloud)
            T = self._gravity.T_gravity_input(cloud.header)
        if arrays.colors is None:
            self._logger.warning(
                f"clouds carry no colour (fields {field_names(cloud)}): labelled by shape alone", once=True
            )
        segmentation = self._segmenter.segment(
            arrays.points, arrays.colors, T_gravity_input=T, instances=wanted.any_instances
        )
        with clock.stage("publish"):
            frame = self._frame(cloud, arrays.points, segmentation)
            self.outputs.publish(frame, wanted)
        return FrameReport(
            {"read": clock.milliseconds.pop("read"), **segmentation.timings_ms, **clock.milliseconds},
            latency_ms=1e-6 * (self._node.get_clock().now() - Time.from_msg(cloud.header.stamp)).nanoseconds,
            blocks=segmentation.blocks,
            blocks_left_out=segmentation.blocks_left_out,
            instances=len(segmentation.instances),
            gravity_source=frame.gravity_source,
        )

    def _frame(self, cloud: PointCloud2, points: np.ndarray, segmentation: Segmentation) -> LabelledFrame:
        header, T_header_gravity = cloud.header, np.linalg.inv(segmentation.T_gravity_input)
        if self._gravity.target_frame:
            header = Header(stamp=cloud.header.stamp, frame_id=self._gravity.target_frame)
            points, T_header_gravity = rigid(segmentation.T_gravity_input, points), np.eye(4)
        source = self._gravity.source or segmentation.gravity_source
        return LabelledFrame(header, (cloud.height, cloud.width), points, segmentation, T_header_gravity, source)
