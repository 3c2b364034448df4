"""Consume the labelled clouds in a node of your own, with `sensor_msgs_py`: height and size of each object.

    . tools/environment.sh
    python examples/04_consume_labelled_clouds.py [--ros-args -r instances:=/jspnet_segmenter/output/instances]

Run it beside the node. sensor_msgs_py comes with a ROS distribution (ros-jazzy-sensor-msgs-py).
"""

from __future__ import annotations

import sys

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2

from jspnet_ros.msg import ClassTable

try:
    from sensor_msgs_py import point_cloud2
except ImportError:
    sys.exit("sensor_msgs_py is not installed; it comes with a ROS distribution: apt install ros-jazzy-sensor-msgs-py")


class ObjectList(Node):
    """Logs the objects of each labelled cloud: class, number of points, and extent in the cloud's frame."""

    def __init__(self) -> None:
        super().__init__("object_list")
        self._names: dict[int, str] = {}
        self._things: set[int] = set()
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(ClassTable, "/jspnet_segmenter/output/classes", self._take_classes, latched)
        self.create_subscription(PointCloud2, "instances", self._take_cloud, 1)

    def _take_classes(self, table: ClassTable) -> None:
        self._names = dict(zip(table.ids, table.names, strict=True))
        self._things = {label for label, thing in zip(table.ids, table.things, strict=True) if thing}

    def _take_cloud(self, cloud: PointCloud2) -> None:
        points = point_cloud2.read_points(cloud)  # (N,) records: x y z rgb label confidence instance
        xyz = np.stack([points[axis] for axis in "xyz"], axis=1)  # (N, 3), metres; NaN for no return
        seen = np.isfinite(xyz).all(axis=1)
        for number in np.unique(points["instance"][seen & (points["instance"] > 0)]):
            own = seen & (points["instance"] == number)
            label = int(np.bincount(points["label"][own]).argmax())
            if label in self._things:
                size = np.ptp(xyz[own], axis=0)
                extent = " x ".join(f"{edge:.2f}" for edge in size)
                self.get_logger().info(f"{self._names[label]} {number}: {own.sum()} points, {extent} m")


def main() -> None:
    rclpy.init()
    node = ObjectList()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
