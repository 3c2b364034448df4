"""The frame that benchmarks label: a real one where the data sets are present, else a generated one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jspnet_core.cloud_files import read_cloud
from jspnet_core.synthetic import camera_path, make_scene

BAG = Path(__file__).resolve().parents[2] / "shared/data/bags/ros2_moveit_perception_db3"


class Frame(NamedTuple):
    """points: (N, 3) float32, metres, NaN where there is no return; colors: (N, 3) uint8 or None; what it is."""

    points: np.ndarray
    colors: np.ndarray | None
    source: str


def load_frame(source: str) -> Frame:
    """`bag`, `synthetic`, a cloud file, or `auto`: the bag's cloud if it can be read here, else the generated one."""
    if source == "synthetic":
        return synthetic_frame("generated frame, 640x480")
    if source == "bag":
        return bag_frame()
    if source != "auto":
        cloud = read_cloud(Path(source))
        return Frame(cloud.points, cloud.colors, f"{Path(source).name}, {len(cloud.points)} points")
    if not BAG.exists():
        return synthetic_frame("generated frame, 640x480 (the real one, ../shared/data/bags, is not on this machine)")
    try:
        return bag_frame()
    except ImportError as error:
        reason = error.msg.splitlines()[0]
        return synthetic_frame(f"generated frame, 640x480 (the real one is read by ROS, and there is none: {reason})")


def bag_frame() -> Frame:
    """The first cloud of the real ROS 2 bag. Raises ImportError where ROS is missing."""
    from jspnet_ros.bag import read_clouds
    from jspnet_ros.point_cloud import read_points

    message = next(read_clouds(BAG))
    points, colors = read_points(message).points, read_points(message).colors
    return Frame(points, colors, f"real depth frame, {message.width}x{message.height}, from {BAG.name}")


def synthetic_frame(source: str) -> Frame:
    """A frame of the simulated depth camera."""
    scene = make_scene(seed=0)
    pose = next(iter(camera_path(scene)))
    frame = scene.depth_frame(pose, np.random.default_rng(0))
    return Frame(frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3), source)
