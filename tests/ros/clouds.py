"""Clouds for the tests of the node: a depth camera in an empty room, and the real ones where they are present."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_ros.messages.bag import read_clouds
from jspnet_ros.messages.labelled_clouds import color_cloud

SHARED = Path(__file__).parents[3] / "shared" / "data"
SHAPE = (60, 80)
FRAME = "camera_color_optical_frame"


def room(shape: tuple[int, int] = SHAPE) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 3) float32, optical frame, and colours of a camera 1.2 m above the floor of a 4 m wide room."""
    height, width = shape
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack([(u - width / 2) / width, (v - height / 2) / width, np.ones(shape)], axis=-1).reshape(-1, 3)
    planes = np.array([[0, 1, 0, 1.2], [0, -1, 0, 1.4], [1, 0, 0, 2.0], [-1, 0, 0, 2.0], [0, 0, 1, 3.5]])
    facing = rays @ planes[:, :3].T
    depth = np.where(facing > 1e-6, planes[:, 3] / np.maximum(facing, 1e-6), np.inf)  # (N, planes)
    points = (rays * depth.min(axis=1, keepdims=True)).astype(np.float32)
    points[::17] = np.nan  # no return
    palette = np.array([[120, 90, 60], [250, 250, 250], [200, 200, 180], [200, 200, 180], [180, 200, 200]], np.uint8)
    return points, palette[depth.argmin(axis=1)]


def header(second: int = 1, frame: str = FRAME) -> Header:
    return Header(stamp=Time(sec=second, nanosec=250), frame_id=frame)


def room_cloud(second: int = 1, shape: tuple[int, int] = SHAPE) -> PointCloud2:
    points, colors = room(shape)
    return color_cloud(header(second), shape, points, colors)


def bag_cloud() -> PointCloud2:
    """The one cloud of the real ROS 2 bag: 640x480, point_step 32, rgb at 16, NaNs."""
    bag = SHARED / "bags/ros2_moveit_perception_db3"
    if not bag.is_dir():
        pytest.skip(f"{bag.name} is not on this machine")
    return next(read_clouds(bag))
