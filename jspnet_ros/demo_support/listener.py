"""Subscriber of the demo: the labelled clouds, as any user receives them, and their truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64

from jspnet_core.classes import INDOOR, UNLABELLED, ClassTable
from jspnet_core.evaluation.metrics import RoomScore, score_room
from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.messages.stamps import stamp_ns
from jspnet_ros.msg import ClassTable as ClassTableMessage
from jspnet_ros.msg import InstanceArray

NODE, CAMERA = "/jspnet_segmenter", "/simulated_camera"
VISIBLE_POINTS = 300
"""An object with fewer points in a frame, a thousandth of it, is left out of the truth."""

GROUPS = ("preprocess", "inference", "postprocess", "total")


@dataclass(frozen=True)
class SeenFrame:
    """One frame with its labels and its truth, (H, W) each; colors: (H, W, 3) uint8; depth: metres, NaN for none."""

    depth: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    true_label: np.ndarray
    true_instance: np.ndarray

    @property
    def agreement(self) -> float:
        """Share of the points with a known class that got it."""
        known = self.true_label != UNLABELLED
        return float((self.label == self.true_label)[known].mean())


@dataclass(frozen=True)
class Truth:
    """Truth of one cloud, (N,) by point; colors: (N, 3) uint8; depth: metres.

    Objects with fewer than `VISIBLE_POINTS` points are left out: their label is 255.
    """

    depth: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    colors: np.ndarray


MOST_VIEWS = 50
"""Frames that are kept for the picture, 5 MB each."""


@dataclass
class Heard:
    """Everything that was received.

    sent: clouds that the camera has sent. semantic, labelled: labelled clouds received on the two cloud topics.
    objects: things in the instance arrays, by class name, summed over the frames. times_ms: by group, age and latency
    too.
    stages_ms: by stage, from diagnostics, one frame a second at most. counts: the node's own, from diagnostics.
    status: message of the node's diagnostics. problem: the same where its level is ERROR.
    scores: one per labelled frame. views: the frames themselves, the last `MOST_VIEWS` of them.
    """

    sent: int = 0
    semantic: int = 0
    labelled: int = 0
    objects: Counter[str] = field(default_factory=Counter)
    times_ms: dict[str, list[float]] = field(default_factory=dict)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    status: str = ""
    problem: str = ""
    scores: list[RoomScore] = field(default_factory=list)
    views: list[SeenFrame] = field(default_factory=list)
    classes: ClassTable | None = None


class Listener(Node):
    """Subscribes to the node's outputs and the camera's truth, and collects them in `heard`."""

    def __init__(self) -> None:
        super().__init__("jspnet_demo")
        self.heard = Heard()
        self._truths: dict[int, Truth] = {}
        self._first_number: int | None = None
        self._subscribe(PointCloud2, f"{CAMERA}/truth", self._on_truth, depth=5)
        self._subscribe(PointCloud2, f"{NODE}/output/semantic", self._on_semantic)
        self._subscribe(PointCloud2, f"{NODE}/output/instances", self._on_instances)
        self._subscribe(InstanceArray, f"{NODE}/output/instance_array", self._on_array, depth=5)
        self._subscribe(ClassTableMessage, f"{NODE}/output/classes", self._on_classes, latched=True)
        self._subscribe(DiagnosticArray, "/diagnostics", self._on_diagnostics, depth=10)
        for group in GROUPS:
            self._subscribe(Float64, f"{NODE}/debug/processing_time/{group}_ms", self._keep_time(group), depth=10)
        self._subscribe(Float64, f"{NODE}/debug/age_ms", self._keep_time("age"), depth=10)
        self._subscribe(Float64, f"{NODE}/debug/pipeline_latency_ms", self._keep_time("latency"), depth=10)

    def _subscribe(self, message: type, topic: str, callback: Callable, depth: int = 2, latched: bool = False) -> None:
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=depth,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        self.create_subscription(message, topic, callback, profile)

    def _keep_time(self, group: str) -> Callable[[Float64], None]:
        values = self.heard.times_ms.setdefault(group, [])
        return lambda message: values.append(message.data)

    def _on_truth(self, cloud: PointCloud2, info: dict[str, Any]) -> None:
        number = info["publication_sequence_number"]
        self._first_number = number if self._first_number is None else self._first_number
        self.heard.sent = number - self._first_number + 1
        self._truths[stamp_ns(cloud.header.stamp)] = _read_truth(cloud)
        while len(self._truths) > 40:  # older ones belong to frames that were skipped
            del self._truths[next(iter(self._truths))]

    def _on_semantic(self, cloud: PointCloud2) -> None:
        self.heard.semantic += 1

    def _on_instances(self, cloud: PointCloud2) -> None:
        heard = self.heard
        heard.labelled += 1
        truth = self._truths.get(stamp_ns(cloud.header.stamp))
        if truth is None or heard.classes is None:
            return
        true_label = in_table(truth.label, heard.classes)
        arrays = read_field(cloud, "label"), read_field(cloud, "instance"), true_label, truth.instance
        heard.scores.append(score_room(*arrays, class_count=len(heard.classes)))
        shape = (cloud.height, cloud.width)
        seen = SeenFrame(
            truth.depth.reshape(shape), truth.colors.reshape(*shape, 3), *(array.reshape(shape) for array in arrays)
        )
        heard.views = [*heard.views, seen][-MOST_VIEWS:]

    def _on_array(self, array: InstanceArray) -> None:
        self.heard.objects.update(instance.class_name for instance in array.instances if instance.thing)

    def _on_classes(self, table: ClassTableMessage) -> None:
        colors = tuple((round(255 * c.r), round(255 * c.g), round(255 * c.b)) for c in table.colors)
        things = tuple(name for name, thing in zip(table.names, table.things, strict=True) if thing)
        parents = tuple(table.names[base] for base in table.base_ids)
        self.heard.classes = ClassTable(tuple(table.names), colors, things, parents)

    def _on_diagnostics(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.hardware_id == NODE:
                self.heard.problem = status.message if status.level == DiagnosticStatus.ERROR else ""
                self._take_status(status.message, {value.key: value.value for value in status.values})

    def _take_status(self, message: str, values: dict[str, str]) -> None:
        heard, before = self.heard, self.heard.counts.get("labelled", 0)
        heard.status = message
        heard.counts = {key: int(value) for key, value in values.items() if value.isdigit()}
        if heard.counts.get("labelled", 0) == before:
            return  # the same frame as a second ago
        for key, value in values.items():
            if key.endswith(" ms") and key not in ("total ms", "age ms", "latency ms"):
                heard.stages_ms.setdefault(key.removesuffix(" ms"), []).append(float(value))


def in_table(label: np.ndarray, table: ClassTable) -> np.ndarray:
    """True labels, (N,) uint8 of the table `indoor`, as labels of the model's table: (N,) uint8.

    A class that the model does not have counts as its parent there; 255 where it has neither.
    """
    numbers = {name: number for number, name in enumerate(table.names)}
    known = [
        numbers.get(name, numbers.get(parent, UNLABELLED))
        for name, parent in zip(INDOOR.names, INDOOR.parents, strict=True)
    ]
    return np.array(known + [UNLABELLED] * (256 - len(known)), np.uint8)[label]


def _read_truth(cloud: PointCloud2) -> Truth:
    arrays = read_points(cloud)
    assert arrays.colors is not None, "the truth carries the camera's colours"
    label, instance = read_field(cloud, "label").copy(), read_field(cloud, "instance")
    label[np.bincount(instance)[instance] < VISIBLE_POINTS] = UNLABELLED
    return Truth(arrays.points[:, 2].copy(), label, instance, arrays.colors)
