"""The clouds that benchmarks label: real ones where the data sets are present, and a generated one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jspnet_core.io.clouds import read_cloud
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import block_features
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.pipeline.inference import cut_for_network
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.settings import FrameSettings, SegmenterSettings
from jspnet_core.spatial.transforms import transform_points
from jspnet_core.synthetic import camera_path, make_scene

DATA = Path(__file__).resolve().parents[3] / "shared/data"
BAG = DATA / "bags/ros2_moveit_perception_db3"
SEVEN_SCENES = DATA / "rgbd/7scenes_tsdf"
ROOM = DATA / "s3dis_rooms_npz/Area_1_office_13.npz"


class Absent(Exception):
    """An input that this machine does not have; the message is a sentence."""


class Frame(NamedTuple):
    """A cloud and how it is to be labelled.

    points: (N, 3) float32, metres, NaN where there is no return; colors: (N, 3) uint8 or None; what it is, in words.
    """

    points: np.ndarray
    colors: np.ndarray | None
    source: str
    settings: SegmenterSettings = FrameSettings()


def load_frames(sources: list[str], say: Callable[[str], None]) -> Iterator[Frame]:
    """Frames by name (`bag`, `7scenes`, `room`, `synthetic`, `auto`) or cloud file; reports which ones are skipped."""
    for source in sources:
        try:
            yield load_frame(source)
        except Absent as error:
            say(f"{source}: skipped, {error}")


def load_frame(source: str) -> Frame:
    """`auto`: the bag's cloud if it can be read here, else the generated one. Raises `Absent`."""
    known: dict[str, Callable[[], Frame]] = {
        "bag": bag_frame,
        "7scenes": seven_scenes_frame,
        "room": room_frame,
        "synthetic": synthetic_frame,
    }
    if source in known:
        return known[source]()
    if source == "auto":
        try:
            return bag_frame()
        except Absent as error:
            return synthetic_frame(f"generated frame, 640x480 (not the real one: {error})")
    cloud = read_cloud(Path(source))
    return Frame(cloud.points, cloud.colors, f"{Path(source).name}, {len(cloud.points)} points")


def blocks_of(frame: Frame, c: NetworkConfiguration, voxel_size: float) -> tuple[np.ndarray, np.ndarray]:
    """Features (B, N, channels) and counts (B,) of a frame's blocks for a network, cut on the CPU."""
    kept = voxelize(frame.points, voxel_size).representative
    xyz = frame.points[kept]
    xyz = np.ascontiguousarray(transform_points(find_gravity(xyz, "auto").T_gravity_input, xyz))
    blocks = cut_for_network(xyz, c, FrameSettings(max_blocks=0))
    colors = None if frame.colors is None else frame.colors[kept]
    return block_features(xyz, colors, blocks.index, color=c.color, block_size=c.block_size), blocks.count


def bag_frame() -> Frame:
    """The first cloud of the real ROS 2 bag."""
    if not BAG.exists():
        raise Absent(f"{BAG} is not on this machine")
    try:
        from jspnet_ros.messages.bag import read_clouds
        from jspnet_ros.messages.point_cloud import read_points
    except ImportError as error:
        raise Absent(f"it is read by ROS, and there is none: {error.msg.splitlines()[0]}") from None
    message = next(read_clouds(BAG))
    points, colors = read_points(message).points, read_points(message).colors
    return Frame(points, colors, f"real depth frame, {message.width}x{message.height}, from {BAG.name}")


def seven_scenes_frame() -> Frame:
    """The first frame of the real Kinect sequence."""
    if not SEVEN_SCENES.is_dir():
        raise Absent(f"{SEVEN_SCENES} is not on this machine")
    try:
        from jspnet_core.io.rgbd import read_sequence

        frame = next(read_sequence(SEVEN_SCENES))
    except ImportError as error:
        raise Absent(f"its images are read by Pillow (extra viz), and there is none: {error}") from None
    height, width = frame.points.shape[:2]
    points, colors = frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)
    return Frame(points, colors, f"real RGB-D frame, {width}x{height}, from 7-Scenes")


def room_frame() -> Frame:
    """A whole room of S3DIS, labelled as files are."""
    if not ROOM.exists():
        raise Absent(f"{ROOM} is not on this machine")
    cloud = read_cloud(ROOM)
    return Frame(cloud.points, cloud.colors, f"whole room {ROOM.stem} of S3DIS", SegmenterSettings(up_axis="z"))


@cache
def synthetic_frame(source: str = "generated frame, 640x480") -> Frame:
    """A frame of the simulated depth camera."""
    scene = make_scene(seed=0)
    pose = next(iter(camera_path(scene)))
    frame = scene.depth_frame(pose, np.random.default_rng(0))
    return Frame(frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3), source)
