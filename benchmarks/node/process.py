"""The node as a separate process, its CPU time and memory from /proc, and a client that publishes camera clouds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64

from jspnet_ros.demo_support.processes import Child
from jspnet_ros.msg import InstanceArray

PATIENCE = 600.0
"""Seconds until a wait gives up; nothing is measured by it."""

OUTPUTS = {"semantic": PointCloud2, "instances": PointCloud2, "instance_array": InstanceArray}
TIMES = {"age": "age_ms", "latency": "pipeline_latency_ms", "total": "processing_time/total_ms"}


class NodeProcess(Child):
    """`jspnet_ros.segment_node`, named NAME, taking clouds from /NAME/input/points."""

    def __init__(
        self, name: str, folder: Path, parameters: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        log = folder / f"{name}.log"
        super().__init__(name, "jspnet_ros.segment_node", log, parameters, {"__node": name}, environment)

    def cpu_seconds(self) -> float:
        """Return user and system time so far, all threads, in steps of 10 ms."""
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def page_faults(self) -> int:
        """Return the number of page faults so far."""
        return int(self._stat()[7])

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def log_text(self) -> str:
        """Return the output of the node so far."""
        return self._log.read_text(errors="replace")

    def _stat(self) -> list[str]:
        """/proc/PID/stat after the name, which may hold blanks: state first, then as proc(5) numbers them from 4."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()


class Camera(Node):
    """Publishes clouds to one node and collects its outputs.

    times: milliseconds of every frame by kind. values: the newest diagnostics. answers: labelled frames so far.
    """

    def __init__(self, node: NodeProcess, outputs: Sequence[str], watch: bool = True) -> None:
        """outputs: of `OUTPUTS`, subscribed to. watch: whether the node's times are subscribed to as well."""
        super().__init__(f"camera_of_{node.name}_{time.monotonic_ns()}")
        self._process, self._name = node, f"/{node.name}"
        self.times: dict[str, list[float]] = {kind: [] for kind in TIMES}
        self.values: dict[str, str] = {}
        self.diagnostics_heard = self.answers = 0
        profile = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1)
        self._publisher = self.create_publisher(PointCloud2, f"{self._name}/input/points", profile)
        for output in outputs:
            self.create_subscription(OUTPUTS[output], f"{self._name}/output/{output}", self._answer, profile)
        for kind, topic in TIMES.items() if watch else ():
            self.create_subscription(Float64, f"{self._name}/debug/{topic}", self._keep(kind), 10)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Spin until `condition()`. Raises TimeoutError, or `DemoError` if the node ends."""
        end = time.monotonic() + PATIENCE
        while not condition():
            self._process.check()
            if time.monotonic() > end:
                raise TimeoutError(f"waited {PATIENCE:.0f} s for {what}:\n{self._process.last_lines()}")
            rclpy.spin_once(self, timeout_sec=0.01)

    def wait_for_node(self) -> None:
        """Wait until the node subscribes to this camera reliably, and both sides have discovered each other."""
        self.wait(lambda: "(reliable)" in self.values.get("input", ""), "the node's subscription")
        self.spin_for(2.0)

    def send(self, cloud: PointCloud2) -> None:
        cloud.header.stamp = self.get_clock().now().to_msg()
        self._publisher.publish(cloud)

    def send_stamped(self, cloud: PointCloud2, second: int) -> None:
        """Send a cloud with a stamp of so many seconds."""
        cloud.header.stamp.sec = second
        self._publisher.publish(cloud)

    def label(self, cloud: PointCloud2) -> float:
        """Send one cloud and wait until all its times are here. Returns its processing time, milliseconds."""
        before = {kind: len(times) for kind, times in self.times.items()}
        self.send(cloud)
        self.wait(lambda: all(len(self.times[kind]) > before[kind] for kind in TIMES), "a labelled cloud")
        return self.times["total"][-1]

    def spin_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=min(left, 0.01))

    def counts(self) -> dict[str, int]:
        """Return the node's counters, from diagnostics published after this call."""
        heard = self.diagnostics_heard
        self.wait(lambda: self.diagnostics_heard > heard + 1, "diagnostics")
        return {key: int(value) for key, value in self.values.items() if value.isdigit()}

    def _answer(self, _: Any) -> None:
        self.answers += 1

    def _keep(self, kind: str) -> Callable[[Float64], None]:
        return lambda message: self.times[kind].append(message.data)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.hardware_id == self._name:
                self.values = {value.key: value.value for value in status.values}
                self.diagnostics_heard += 1
