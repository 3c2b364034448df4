"""From a cloud message through the segmenter to labelled messages; clouds that cannot be labelled are refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_core.classes import UNLABELLED
from jspnet_core.errors import CloudError
from jspnet_core.io.units import unit_warning
from jspnet_core.memory.scene_memory import PoseError
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Instance, Segmentation
from jspnet_core.util.stage_timer import StageTimer
from jspnet_core.util.threads import available_cores
from jspnet_ros.messages.cloud_layout import PointCloudError, field_names
from jspnet_ros.messages.point_cloud import PointArrays, read_points, scaled
from jspnet_ros.messages.stamps import stamp_ns
from jspnet_ros.messages.transforms import matrix, split_far
from jspnet_ros.node.frame_memory import FrameMemory, in_frame
from jspnet_ros.node.gravity_source import GravitySource, TransformError
from jspnet_ros.node.memory_outputs import MemoryOutputs
from jspnet_ros.node.parameters import NodeSettings
from jspnet_ros.node.publishers import LabelledFrame, Outputs, Wanted
from jspnet_ros.node.statistics import LITTLE, FrameReport, FrameStatistics
from jspnet_ros.node.subscription import ArrivedCloud

WARN_SECONDS = 5.0
"""Refused clouds are warned about at most this often."""

EMPTY_VIEW = ("empty", "no_finite_point")
"""Reasons of the segmenter for clouds that are no error: the sensor sees nothing."""


class CloudLabeller:
    """Labels clouds and publishes the outputs with a subscriber; counts refusals. Each may have a thread of its own.

    The labeller owns the segmenter that `load` returns, and closes it.

    settings, scale: applied from the next cloud on; scale: factor from the clouds' coordinates to metres.
    """

    def __init__(
        self,
        node: LifecycleNode,
        load: Callable[[], Segmenter],
        gravity: GravitySource,
        statistics: FrameStatistics,
    ) -> None:
        self._node, self._logger = node, node.get_logger()
        self._load, self._gravity, self._statistics = load, gravity, statistics
        self._segmenter = segmenter = load()
        self.settings = segmenter.settings
        self.model_name = segmenter.model_name
        self.about_engine = segmenter.about
        self._threads = segmenter.settings.threads or available_cores()
        self._executor = ThreadPoolExecutor(self._threads + 1)  # one waits while two clouds are written in parallel
        self.outputs = Outputs(node, segmenter.classes, segmenter.model_name, self._executor, self._threads)
        self.scale = 1.0
        self._poses = gravity
        self.memory: FrameMemory | None = None
        self._memory_outputs: MemoryOutputs | None = None
        self._noted: set[str] = set()

    def remember(self, settings: NodeSettings, poses: GravitySource) -> None:
        """Keep a memory over the clouds from now on. poses: of the clouds in the map frame."""
        self._poses = poses
        self.memory = FrameMemory(settings, self._segmenter, poses)
        self._memory_outputs = MemoryOutputs(self._node, self.memory, settings.map_period)
        self.outputs.feeds_memory = True

    def close(self) -> None:
        if self._memory_outputs is not None:
            self._memory_outputs.close()
        if self._poses is not self._gravity:
            self._poses.close()
        self._segmenter.close()
        self._gravity.close()
        self.outputs.close()
        self._executor.shutdown()

    def reopen(self) -> None:
        """Load the segmenter again after a failure; in the thread that labels.

        Raises what loading raises, and RuntimeError where the model has other classes by now.
        """
        self._segmenter.close()
        self._segmenter = self._load()
        if self._segmenter.classes != self.outputs.classes:
            raise RuntimeError("the model file was replaced by one with other classes: clean up and configure again")
        if self.memory is not None:
            self.memory.take(self._segmenter)
        self._logger.warning("the engine was reopened after a failure")

    def label(self, arrived: ArrivedCloud) -> LabelledFrame | None:
        """Label a cloud for the outputs with a subscriber. None where there is none, or the cloud is refused."""
        wanted = self.outputs.wanted()
        if not wanted.anything:
            self._statistics.unwanted()
            return None
        self._segmenter.settings = self.settings
        try:
            return self._label(arrived, wanted)
        except (PointCloudError, CloudError, TransformError, PoseError) as error:
            self._statistics.refused(error.reason)
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
            if self._memory_outputs is not None:
                self._memory_outputs.publish()
        report = self._report(frame, clock.milliseconds)
        self._statistics.labelled(report)
        self._logger.info(_first_frame(report), once=True)
        if report.units:
            self._warn_once("units", f"hardly any point gets a label: {report.units}")
        self.outputs.publish_times(report)

    def _label(self, arrived: ArrivedCloud, wanted: Wanted) -> LabelledFrame:
        cloud, clock = arrived.cloud, StageTimer()
        with clock.stage("read"):
            arrays = scaled(read_points(cloud, self._executor, self._threads), self.scale)
            T_frame_input = self._gravity.T_gravity_input(cloud.header)
        self._log_notes(cloud, arrays)
        T_input_points = matrix(arrays.offset, np.eye(3))  # `points` less their offset to the input's frame
        shift, T = np.zeros(3), None
        if T_frame_input is not None:
            shift, T = split_far(T_frame_input @ T_input_points)
        s, ages = self._segment(cloud.header, arrays, T, wanted)
        header, T_header_points = cloud.header, T_input_points
        T_header_gravity = T_input_points @ np.linalg.inv(s.T_gravity_input)
        if self._gravity.target_frame:
            header = Header(stamp=cloud.header.stamp, frame_id=self._gravity.target_frame)
            T_header_points, T_header_gravity = matrix(shift, np.eye(3)) @ s.T_gravity_input, np.eye(4)
            s = replace(s, instances=[_shifted(instance, shift) for instance in s.instances])
        return LabelledFrame(
            wanted,
            arrived.at_ns,
            header,
            (cloud.height, cloud.width),
            arrays.points,
            s,
            T_header_points,
            T_header_gravity,
            self._gravity.source or s.gravity_source,
            {**clock.milliseconds, **s.timings_ms},
            ages,
        )

    def _segment(
        self, header: Header, arrays: PointArrays, T: np.ndarray | None, wanted: Wanted
    ) -> tuple[Segmentation, Mapping[int, float] | None]:
        """Segment the points; a cloud without any return gives a segmentation without any label.

        Returns the ages of its instances as well, None without a memory.
        """
        try:
            if self.memory is not None:
                T_input_points = matrix(arrays.offset, np.eye(3))
                s, ages = self.memory.label(header, arrays.points, arrays.colors, T_input_points)
                return (s if T is None else in_frame(s, T)), ages
            found = self._segmenter.segment(
                arrays.points, arrays.colors, T_gravity_input=T, instances=wanted.any_instances
            )
            return found, None
        except CloudError as error:
            if error.reason == "extent":
                units = unit_warning(arrays.points, "scale:=")
                raise CloudError(error.reason, f"{error}; {units}" if units else str(error)) from error
            if error.reason not in EMPTY_VIEW:
                raise
            self._logger.warning(f"empty view: {error}; the outputs are empty", throttle_duration_sec=WARN_SECONDS)
            return unlabelled(len(arrays.points), T), None

    def _report(self, frame: LabelledFrame, publishing_ms: dict[str, float]) -> FrameReport:
        s = frame.segmentation
        returns = int(np.isfinite(frame.input_points @ np.ones(3, np.float32)).sum())
        labelled = int(np.count_nonzero(s.label != UNLABELLED))
        return FrameReport(
            {**frame.stages_ms, **publishing_ms},
            age_ms=1e-6 * (time.time_ns() - frame.arrived_ns),
            latency_ms=self._latency_ms(frame.header),
            blocks=s.blocks,
            blocks_left_out=s.blocks_left_out,
            instances=len(s.instances) if frame.wanted.any_instances else None,
            returns=returns,
            labelled=labelled,
            gravity_source=frame.gravity_source,
            gravity_is_sure=s.gravity_is_sure,
            units=unit_warning(frame.input_points, "scale:=") if labelled < LITTLE * returns else "",
        )

    def _latency_ms(self, header: Header) -> float | None:
        """Milliseconds from the header's stamp until now; None where the stamp or the clock is not set."""
        stamp, now = stamp_ns(header.stamp), self._node.get_clock().now().nanoseconds
        return 1e-6 * (now - stamp) if stamp > 0 and now > 0 else None

    def _log_notes(self, cloud: PointCloud2, arrays: PointArrays) -> None:
        """Warn once about each kind of contradiction in the messages."""
        notes = dict(arrays.notes)
        if arrays.colors is None and len(arrays.points):
            notes.setdefault(
                "no colour", f"clouds carry no colour (fields {field_names(cloud)}): labelled by shape alone"
            )
        for kind, sentence in notes.items():
            self._warn_once(kind, sentence)

    def _warn_once(self, kind: str, sentence: str) -> None:
        if kind not in self._noted:
            self._noted.add(kind)
            self._logger.warning(sentence)


def unlabelled(points: int, T_gravity_input: np.ndarray | None) -> Segmentation:
    """Make the segmentation of a cloud in which nothing is seen: no label, no instance."""
    return Segmentation(
        label=np.full(points, UNLABELLED, np.uint8),
        instance=np.zeros(points, np.uint32),
        confidence=np.zeros(points, np.float32),
        instances=[],
        T_gravity_input=np.eye(4) if T_gravity_input is None else T_gravity_input,
        gravity_source="none, the view is empty",
        blocks=0,
        blocks_left_out=0,
    )


def _shifted(instance: Instance, shift: np.ndarray) -> Instance:
    return replace(
        instance,
        centroid=instance.centroid + shift,
        minimum=instance.minimum + shift,
        maximum=instance.maximum + shift,
    )


def _first_frame(report: FrameReport) -> str:
    instances = "" if report.instances is None else f"{report.instances} instances, "
    return (
        f"first cloud labelled: {report.blocks} blocks, {report.blocks_left_out} left out, {instances}"
        f"{report.total_ms:.0f} ms; gravity: {report.gravity_source}"
    )
