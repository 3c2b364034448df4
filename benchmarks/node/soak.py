"""Soak test: the node for an hour under a camera with faults at random; memory, counters and ages at the end.

    . tools/environment.sh
    python -m benchmarks.node.soak --minutes 60 --markdown out/soak.md

Exit code 1 where the node ended, a counter is not exact, or memory grew. What is sent is decided by `--seed`.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import rclpy
import typer
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from benchmarks.node.process import Camera, NodeProcess
from jspnet_core.synthetic import camera_path, make_scene
from jspnet_ros.demo_support.processes import dds_profile
from jspnet_ros.messages.labelled_clouds import color_cloud

FATES = ("labelled", "skipped", "refused", "unwanted")
OUTPUTS = ("semantic", "instances", "instance_array")
MAX_SLOPE = 0.1
"""Megabytes a minute; less is noise in an hour."""


@dataclass
class Report:
    """Measurements of a soak test.

    memory_mb: (minutes, megabytes) samples. ages_ms, totals_ms: of the labelled frames. counts: the node's own.
    faults: how often each was injected. tracebacks: in the node's log.
    """

    memory_mb: list[tuple[float, float]] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    totals_ms: list[float] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    tracebacks: int = 0

    @property
    def slope(self) -> float:
        """Megabytes a minute, by a line through the samples of the second half: caches fill in the first."""
        minutes, memory = np.array(self.memory_mb[len(self.memory_mb) // 2 :]).T
        return float(np.polyfit(minutes, memory, 1)[0])

    @property
    def exact(self) -> bool:
        """Return whether every cloud that arrived has exactly one fate."""
        return self.counts["received"] == sum(self.counts[fate] for fate in FATES)


class Clouds:
    """Clouds of a walk through a generated room, and the same with faults."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        scene = make_scene(seed, "office")
        frames = [scene.depth_frame(T, self._rng) for T in camera_path(scene, 6, seed)]
        self._frames = [(f.points.reshape(-1, 3), f.colors.reshape(-1, 3), f.label.shape) for f in frames]
        self._number = 0

    def good(self) -> PointCloud2:
        points, colors, shape = self._frames[self._number % len(self._frames)]
        self._number += 1
        return color_cloud(Header(frame_id="camera_optical_frame"), shape, points, colors)

    def scaled(self, factor: float) -> PointCloud2:
        points, colors, shape = self._frames[0]
        return color_cloud(Header(frame_id="camera_optical_frame"), shape, (points * factor).astype(np.float32), colors)

    def strays(self) -> PointCloud2:
        points, colors, shape = self._frames[1]
        spoilt = points.copy()
        spoilt[self._rng.integers(0, len(points), 10)] = self._rng.uniform(-9000, 9000, (10, 3))
        return color_cloud(Header(frame_id="camera_optical_frame"), shape, spoilt, colors)

    def all_nan(self) -> PointCloud2:
        points, _, shape = self._frames[0]
        return color_cloud(Header(), shape, np.full_like(points, np.nan))

    def empty(self) -> PointCloud2:
        return color_cloud(Header(), (0, 0), np.empty((0, 3), np.float32))

    def random_layout(self) -> PointCloud2:
        cloud = self.good()
        name = self._rng.choice(["height", "width", "point_step", "row_step"])
        setattr(cloud, name, int(self._rng.integers(0, 2**32)))
        return cloud

    def without_z(self) -> PointCloud2:
        cloud = self.good()
        cloud.fields = [f for f in cloud.fields if f.name != "z"]
        return cloud

    def wrong_byte_order(self) -> PointCloud2:
        cloud = self.good()
        cloud.is_bigendian = True
        return cloud


class Soak:
    """Sends clouds and injects faults until the time is over."""

    def __init__(self, node: NodeProcess, camera: Camera, rate: float, seed: int) -> None:
        self._node, self._camera, self._rate = node, camera, rate
        self._clouds, self._rng, self.report = Clouds(seed), np.random.default_rng(seed + 1), Report()
        c = self._clouds
        self._faults: dict[str, Callable[[], None]] = {
            "empty view": lambda: self._send(c.empty()),
            "all NaN": lambda: self._send(c.all_nan()),
            "random layout": lambda: self._send(c.random_layout()),
            "no field z": lambda: self._send(c.without_z()),
            "wrong byte order": lambda: self._send(c.wrong_byte_order()),
            "millimetres": lambda: self._send(c.scaled(1000.0)),
            "a hundredth": lambda: self._send(c.scaled(0.01)),
            "strays": lambda: self._send(c.strays()),
            "negative stamp": lambda: self._send(c.good(), second=-int(self._rng.integers(1, 2**31))),
            "burst": self._burst,
            "silence": lambda: camera.spin_for(4.0),
            "second publisher": self._second_publisher,
        }

    def run(self, seconds: float) -> Report:
        """Send for so many seconds. Raises `DemoError` if the node ends."""
        begin, next_sample = time.monotonic(), 0.0
        while (now := time.monotonic() - begin) < seconds:
            self._node.check()
            if now >= next_sample:
                self.report.memory_mb.append((now / 60, self._node.resident_mb()))
                next_sample = now + min(10.0, seconds / 40)
            if self._rng.random() < 0.1:
                name = str(self._rng.choice(list(self._faults)))
                self.report.faults[name] += 1
                self._faults[name]()
            else:
                self._send(self._clouds.good())
            self._camera.spin_for(1 / self._rate)
        self._camera.wait(lambda: self._settled(), "the last cloud's fate")
        self._finish()
        return self.report

    def _send(self, cloud: PointCloud2, second: int | None = None) -> None:
        if second is None:
            self._camera.send(cloud)
        else:
            self._camera.send_stamped(cloud, second)

    def _burst(self) -> None:
        for _ in range(20):
            self._send(self._clouds.good())

    def _second_publisher(self) -> None:
        """Publish from another camera on the same topic with another policy, for a few seconds."""
        profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        publisher = self._camera.create_publisher(PointCloud2, f"/{self._node.name}/input/points", profile)
        for _ in range(10):
            publisher.publish(self._clouds.good())
            self._camera.spin_for(0.3)
        self._camera.destroy_publisher(publisher)

    def _settled(self) -> bool:
        counts = self._camera.counts()
        return counts["received"] == sum(counts[fate] for fate in FATES)

    def _finish(self) -> None:
        self.report.counts = self._camera.counts()
        self.report.ages_ms, self.report.totals_ms = self._camera.times["age"], self._camera.times["total"]
        self.report.tracebacks = self._node.log_text().count("Traceback")


def soak(folder: Path, seconds: float, rate: float, seed: int) -> Report:
    """Run the node under a camera with faults. Raises `DemoError` if the node ends."""
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(dds_profile()))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    folder.mkdir(parents=True, exist_ok=True)
    node = NodeProcess("soaked", folder)
    rclpy.init()
    node.start()
    try:
        camera = Camera(node, OUTPUTS)
        camera.wait_for_node()
        return Soak(node, camera, rate, seed).run(seconds)
    finally:
        node.interrupt()
        node.wait()
        rclpy.try_shutdown()


def summary(report: Report) -> str:
    """Format the figures as Markdown."""
    counts = ", ".join(f"{name} {report.counts[name]}" for name in ("received", *FATES, "lost"))
    faults = ", ".join(f"{count} {name}" for name, count in sorted(report.faults.items()))
    ages = np.percentile(report.ages_ms, [50, 99]) if report.ages_ms else np.zeros(2)
    first, last = report.memory_mb[len(report.memory_mb) // 2], report.memory_mb[-1]
    return "\n".join(
        [
            f"- {last[0]:.1f} minutes; {counts}",
            f"- counters exact: {'yes' if report.exact else 'NO'}; tracebacks in the log: {report.tracebacks}",
            f"- memory {first[1]:.0f} to {last[1]:.0f} MB in the second half, {report.slope:+.2f} MB a minute",
            f"- age of labels: median {ages[0]:.0f} ms, p99 {ages[1]:.0f} ms",
            f"- faults: {faults}",
        ]
    )


def main(
    minutes: Annotated[float, typer.Option(help="how long clouds are sent")] = 60.0,
    rate: Annotated[float, typer.Option(help="clouds per second")] = 10.0,
    seed: Annotated[int, typer.Option(help="decides the clouds and the faults")] = 0,
    out: Annotated[Path, typer.Option(help="folder of the node's log")] = Path("out/soak"),
    markdown: Annotated[Path | None, typer.Option(help="write the figures here, too")] = None,
) -> None:
    """Run the soak test and print its figures."""
    report = soak(out, 60 * minutes, rate, seed)
    text = summary(report)
    print(text)
    if markdown:
        markdown.write_text(text + "\n")
    if not report.exact or report.slope > MAX_SLOPE:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
