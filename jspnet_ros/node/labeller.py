"""One cloud message through the segmenter and out again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.time import Time
from std_msgs.msg import Header

from jspnet_core.errors import CloudError
from jspnet_core.pipeline.load import AnySegmenter
from jspnet_core.util.stage_timer import StageTimer
from jspnet_core.util.threads import available_cores
from jspnet_ros.messages.point_cloud import PointCloudError, field_names, read_points
from jspnet_ros.node.gravity_source import GivenGravity, TransformError
from jspnet_ros.node.publishers import LabelledFrame, Outputs, Wanted
from jspnet_ros.node.statistics import FrameReport, FrameStatistics
from jspnet_ros.node.subscription import ArrivedCloud

WARN_SECONDS = 5.0
"""Refused clouds are warned about at most this often."""


class CloudLabeller:
    """Labels clouds and publishes what is wanted; counts what it refuses. Each may have a thread of its own.

    The segmenter becomes the labeller's, which closes it.

    settings: taken over with the next cloud, so that a frame has one set of settings.
    """

    def __init__(
        self, node: LifecycleNode, segmenter: AnySegmenter, gravity: GivenGravity, statistics: FrameStatistics
    ) -> None:
        self._node, self._logger = node, node.get_logger()
        self._segmenter, self._gravity, self._statistics = segmenter, gravity, statistics
        self.settings = segmenter.settings
        self.model_name = segmenter.model_name
        self.about_engine = segmenter.about
        self._threads = segmenter.settings.threads or available_cores()
        self._executor = ThreadPoolExecutor(self._threads + 1)  # one waits while two clouds are written side by side
        self.outputs = Outputs(node, segmenter.classes, segmenter.model_name, self._executor, self._threads)

    def close(self) -> None:
        self._segmenter.close()
        self._gravity.close()
        self.outputs.close()
        self._executor.shutdown()

    def label(self, arrived: ArrivedCloud) -> LabelledFrame | None:
        """Label a cloud for the outputs with a subscriber. None where nobody wants it, or it is unfit and refused."""
        wanted = self.outputs.wanted()
        if not wanted.anything:
            self._statistics.count("unwanted")
            return None
        self._segmenter.settings = self.settings
        try:
            return self._label(arrived, wanted)
        except (PointCloudError, CloudError, TransformError) as error:
            self._statistics.refuse(error.reason)
            self._logger.warning(
                f"cloud refused ({error.reason}): {error}; its fields are {field_names(arrived.cloud)}",
                throttle_duration_sec=WARN_SECONDS,
            )
            return None

    def publish(self, frame: LabelledFrame) -> None:
        """Publish a labelled frame, then its times."""
        clock = StageTimer()
        with clock.stage("publish"):
            self.outputs.publish(frame)
        report = FrameReport(
            {**frame.stages_ms, **clock.milliseconds},
            age_ms=1e-6 * (time.time_ns() - frame.arrived_ns),
            latency_ms=1e-6 * (self._node.get_clock().now() - Time.from_msg(frame.header.stamp)).nanoseconds,
            blocks=frame.segmentation.blocks,
            blocks_left_out=frame.segmentation.blocks_left_out,
            instances=len(frame.segmentation.instances),
            gravity_source=frame.gravity_source,
            gravity_is_sure=frame.segmentation.gravity_is_sure,
        )
        self._statistics.labelled(report)
        self._logger.info(
            f"first cloud labelled: {report.blocks} blocks, {report.blocks_left_out} left out, {report.instances} "
            f"instances, {report.total_ms:.0f} ms; gravity: {report.gravity_source}",
            once=True,
        )
        self.outputs.publish_times(report)

    def _label(self, arrived: ArrivedCloud, wanted: Wanted) -> LabelledFrame:
        cloud, clock = arrived.cloud, StageTimer()
        with clock.stage("read"):
            arrays = read_points(cloud, self._executor, self._threads)
            T = self._gravity.T_gravity_input(cloud.header)
        if arrays.colors is None:
            self._logger.warning(
                f"clouds carry no colour (fields {field_names(cloud)}): labelled by shape alone", once=True
            )
        segmentation = self._segmenter.segment(
            arrays.points, arrays.colors, T_gravity_input=T, instances=wanted.any_instances
        )
        header, T_header_input = cloud.header, None
        T_header_gravity = np.linalg.inv(segmentation.T_gravity_input)
        if self._gravity.target_frame:
            header = Header(stamp=cloud.header.stamp, frame_id=self._gravity.target_frame)
            T_header_input, T_header_gravity = segmentation.T_gravity_input, np.eye(4)
        return LabelledFrame(
            wanted,
            arrived.at_ns,
            header,
            (cloud.height, cloud.width),
            arrays.points,
            segmentation,
            T_header_input,
            T_header_gravity,
            self._gravity.source or segmentation.gravity_source,
            {**clock.milliseconds, **segmentation.timings_ms},
        )
