"""Send recorded clouds of a real sensor through the node, over DDS, and draw what comes back.

    . tools/environment.sh
    python examples/03_clouds_through_the_node.py SOURCE... [--out out/node]

Each SOURCE is a ROS 2 bag (folder, sqlite3), an RGB-D sequence in the layout of 7-Scenes (folder), or a cloud file
(.pcd, .ply, .npz). The node runs in a process of its own; its log is OUT/node.log.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_core.classes import S3DIS
from jspnet_core.io.clouds import read_cloud
from jspnet_core.io.rgbd import read_sequence
from jspnet_core.report.cloud_pictures import Row, cloud_picture, frame_picture
from jspnet_ros.demo_support.processes import Child
from jspnet_ros.messages.bag import read_clouds
from jspnet_ros.messages.labelled_clouds import color_cloud
from jspnet_ros.messages.point_cloud import read_field, read_points

PATIENCE = 60.0  # seconds for one cloud


def clouds(source: Path, every: int) -> Iterator[tuple[str, PointCloud2]]:
    """Names and messages of a source, as a driver would send them."""
    optical = Header(frame_id="camera_optical_frame")
    if source.is_file():
        cloud = read_cloud(source)
        yield source.stem, color_cloud(optical, (1, len(cloud.points)), cloud.points, cloud.colors)
    elif (source / "camera-intrinsics.txt").exists():
        for frame in list(read_sequence(source))[::every]:
            points, colors = frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)
            yield frame.name, color_cloud(optical, frame.points.shape[:2], points, colors)
    else:
        for number, message in enumerate(read_clouds(source)):
            yield f"{source.name}-{number}", message


class Sender(Node):
    """Publishes one cloud at a time and waits for its labels."""

    def __init__(self) -> None:
        super().__init__("sender")
        self.labelled: PointCloud2 | None = None
        self._publisher = self.create_publisher(PointCloud2, "clouds", 1)
        self.create_subscription(PointCloud2, "/jspnet_segmenter/output/instances", self._take, 1)

    def label(self, cloud: PointCloud2, number: int, node: Child) -> PointCloud2:
        """The labelled cloud. Raises `DemoError` if the node ends, TimeoutError if nothing comes back."""
        cloud.header.stamp = Time(sec=number + 1)  # identifies the answer
        self.labelled = None
        end, sent = time.monotonic() + PATIENCE, False
        while time.monotonic() < end:
            node.check()
            if not sent and self._publisher.get_subscription_count():
                self._publisher.publish(cloud)
                sent = True
            rclpy.spin_once(self, timeout_sec=0.1)
            if self.labelled is not None and self.labelled.header == cloud.header:
                return self.labelled
        raise TimeoutError(f"no labels within {PATIENCE:.0f} s; the node's last lines:\n{node.last_lines()}")

    def _take(self, message: PointCloud2) -> None:
        self.labelled = message


def draw(path: Path, cloud: PointCloud2, labelled: PointCloud2) -> str:
    """Write the picture; returns a line about it."""
    arrays = read_points(cloud)
    colors = np.full(arrays.points.shape, 160, np.uint8) if arrays.colors is None else arrays.colors
    label, instance = read_field(labelled, "label"), read_field(labelled, "instance")
    seen = ", ".join(name for i, name in enumerate(S3DIS.names) if (label == i).sum() > 0.01 * len(label))
    title = f"{path.stem}: {seen}; {len(np.unique(instance[instance > 0]))} instances"
    if cloud.height > 1:
        shape = (cloud.height, cloud.width)
        row = Row("node", label.reshape(shape), instance.reshape(shape))
        frame_picture(path, colors.reshape(*shape, 3), [row], S3DIS, title)
    else:
        kept = np.isfinite(arrays.points).all(axis=1)
        upright = arrays.points[kept][:, [2, 0, 1]] * [1, -1, -1]  # optical axes to x forward, z up
        row = Row("node", label[kept], instance[kept])
        cloud_picture(path, upright.astype(np.float32), colors[kept], [row], S3DIS, title)
    return f"{path}: {title}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    parser.add_argument("--out", type=Path, default=Path("out/node"))
    parser.add_argument("--every", type=int, default=10, help="every n-th frame of a sequence")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rclpy.init()
    sender = Sender()
    remaps = {"~/input/points": sender.resolve_topic_name("clouds")}
    node = Child("node", "jspnet_ros.segment_node", options.out / "node.log", [], remaps)
    node.start()
    try:
        number = 0
        for source in options.sources:
            for name, cloud in clouds(source, options.every):
                print(draw(options.out / f"{name}.png", cloud, sender.label(cloud, number, node)), flush=True)
                number += 1
    finally:
        node.interrupt()
        node.wait()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
