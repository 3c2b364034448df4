"""Publishers of the labelled frames; messages are built for outputs with a subscriber alone."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Float64, Header

from jspnet_core.classes import ClassTable
from jspnet_core.segmentation import Instance as FoundInstance
from jspnet_core.segmentation import Segmentation
from jspnet_ros.messages.labelled_clouds import instance_cloud, labelled_clouds, semantic_cloud
from jspnet_ros.messages.markers import color_message, thing_markers
from jspnet_ros.messages.transforms import point_message, pose_message, transformed
from jspnet_ros.msg import ClassTable as ClassTableMessage
from jspnet_ros.msg import Instance, InstanceArray
from jspnet_ros.node import topics
from jspnet_ros.node.statistics import FrameReport

GROUPS = {
    "network": "inference",
    "labels": "postprocess",
    "clusters": "postprocess",
    "merging": "postprocess",
    "painting": "postprocess",
    "publish": "postprocess",
}
"""Group of each stage under debug/processing_time; every other stage is preprocess."""


@dataclass(frozen=True)
class Wanted:
    """Outputs that have a subscriber."""

    semantic: bool
    instances: bool
    instance_array: bool
    markers: bool
    memory: bool = False
    """Whether a memory takes every cloud."""

    @property
    def anything(self) -> bool:
        return self.memory or self.semantic or self.any_instances

    @property
    def any_instances(self) -> bool:
        return self.instances or self.instance_array or self.markers


@dataclass(frozen=True)
class LabelledFrame:
    """One labelled cloud, to be published.

    wanted: the outputs that had a subscriber when it was labelled. arrived_ns: when its cloud arrived.
    header: stamp of the input, frame of the output. shape: (height, width) of the input.
    input_points: (N, 3) float32, metres, in the input's frame less `PointArrays.offset`.
    T_header_input: (4, 4) float64, from `input_points` to the header's frame.
    T_header_gravity: (4, 4) float64, from the gravity frame, that of the instances, to the header's frame.
    gravity_source: origin of the gravity frame, for people. stages_ms: reading included.
    ages: seconds since each instance was first seen, by id; None without memory.
    """

    wanted: Wanted
    arrived_ns: int
    header: Header
    shape: tuple[int, int]
    input_points: np.ndarray
    segmentation: Segmentation
    T_header_input: np.ndarray
    T_header_gravity: np.ndarray
    gravity_source: str
    stages_ms: dict[str, float]
    ages: Mapping[int, float] | None = None

    @cached_property
    def points(self) -> np.ndarray:
        """(N, 3) in the header's frame, metres; float32, and float64 where the frame's origin is far."""
        return transformed(self.T_header_input, self.input_points)


class Outputs:
    """The publishers of a configured node."""

    def __init__(
        self, node: LifecycleNode, classes: ClassTable, model_name: str, executor: Executor, threads: int
    ) -> None:
        self._threads = executor, threads
        self._node, self.classes, self._model_name = node, classes, model_name
        self._publishers: list[Any] = []
        self.feeds_memory = False
        self._semantic = self._publisher(topics.SEMANTIC)
        self._instances = self._publisher(topics.INSTANCES)
        self._instance_array = self._publisher(topics.INSTANCE_ARRAY)
        self._markers = self._publisher(topics.MARKERS)
        self._class_table = self._publisher(topics.CLASSES)
        self._times = {name: self._publisher(topic) for name, topic in topics.TIMES.items()}

    def wanted(self) -> Wanted:
        semantic, instances, instance_array, markers = (
            publisher.get_subscription_count() > 0
            for publisher in (self._semantic, self._instances, self._instance_array, self._markers)
        )
        return Wanted(semantic, instances, instance_array, markers, self.feeds_memory)

    def publish_classes(self) -> None:
        c = self.classes
        self._class_table.publish(
            ClassTableMessage(
                model=self._model_name,
                ids=list(range(len(c))),
                names=list(c.names),
                colors=[color_message(color) for color in c.colors],
                things=[c.is_thing(label) for label in range(len(c))],
                base_ids=c.base_labels().tolist(),
            )
        )

    def publish(self, frame: LabelledFrame) -> None:
        """Build and publish the outputs with a subscriber, and nothing else."""
        h, f, s, wanted = frame.header, frame, frame.segmentation, frame.wanted
        if wanted.semantic and wanted.instances:
            semantic, instances = labelled_clouds(h, f.shape, f.points, s, self.classes, *self._threads)
            self._semantic.publish(semantic)
            self._instances.publish(instances)
        elif wanted.semantic:
            self._semantic.publish(semantic_cloud(h, f.shape, f.points, s, self.classes, *self._threads))
        elif wanted.instances:
            self._instances.publish(instance_cloud(h, f.shape, f.points, s, *self._threads))
        if wanted.instance_array:
            self._instance_array.publish(self._array_message(frame))
        if wanted.markers:
            self._markers.publish(thing_markers(h, s.instances, self.classes, f.T_header_gravity))

    def publish_times(self, report: FrameReport) -> None:
        """Publish the times of a frame where they have a subscriber."""
        groups = dict.fromkeys(("preprocess", "inference", "postprocess"), 0.0)
        for stage, milliseconds in report.stages_ms.items():
            groups[GROUPS.get(stage, "preprocess")] += milliseconds
        times = {**groups, "total": report.total_ms, "age": report.age_ms, "latency": report.latency_ms}
        for name, publisher in self._times.items():
            if times[name] is not None and publisher.get_subscription_count() > 0:
                publisher.publish(Float64(data=times[name]))

    def close(self) -> None:
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def _publisher(self, topic: topics.Topic) -> Any:
        publisher = topic_publisher(self._node, topic)
        self._publishers.append(publisher)
        return publisher

    def _array_message(self, frame: LabelledFrame) -> InstanceArray:
        return InstanceArray(
            header=frame.header,
            gravity_pose=pose_message(frame.T_header_gravity),
            gravity_source=frame.gravity_source,
            instances=[self._instance_message(i, frame.ages) for i in frame.segmentation.instances],
        )

    def _instance_message(self, instance: FoundInstance, ages: Mapping[int, float] | None) -> Instance:
        return Instance(
            id=instance.id,
            class_id=instance.label,
            class_name=self.classes.names[instance.label],
            thing=self.classes.is_thing(instance.label),
            confidence=instance.confidence,
            point_count=instance.point_count,
            track_id=0 if ages is None else instance.id,
            age=0.0 if ages is None else ages.get(instance.id, 0.0),
            centroid=point_message(instance.centroid),
            minimum=point_message(instance.minimum),
            maximum=point_message(instance.maximum),
        )


def topic_publisher(node: LifecycleNode, topic: topics.Topic) -> Any:
    """Create the publisher of a topic: reliable, the newest message alone, latched where the topic is."""
    durability = DurabilityPolicy.TRANSIENT_LOCAL if topic.latched else DurabilityPolicy.VOLATILE
    return node.create_lifecycle_publisher(
        topic.message,
        topic.name,
        QoSProfile(
            history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=durability
        ),
        qos_overriding_options=QoSOverridingOptions.with_default_policies(),
    )
