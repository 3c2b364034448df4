"""Clouds of real depth sensors through the node, where the data sets are present."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

from jspnet_core.classes import UNLABELLED
from jspnet_core.io.clouds import read_cloud
from jspnet_core.io.rgbd import read_sequence
from jspnet_core.settings import FrameSettings
from jspnet_ros.messages.labelled_clouds import color_cloud
from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.msg import InstanceArray
from tests.ros import clouds
from tests.ros.client import QUICK
from tests.ros.poses import pose_matrix

UP_OPTICAL = np.array([0.0, -1.0, 0.0])
MEMORY_LIMIT_KB = 1_500_000


@pytest.fixture(scope="module")
def both(start):
    if not clouds.SHARED.is_dir():
        pytest.skip("../shared/data is not on this machine")
    node, client = start(**{name: getattr(FrameSettings(), name) for name in QUICK})  # the defaults
    client.semantic = client.collect(PointCloud2, "output/semantic")
    client.instances = client.collect(PointCloud2, "output/instances")
    client.array = client.collect(InstanceArray, "output/instance_array")
    return node, client


def label(client, cloud: PointCloud2) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) of a cloud, and the direction up (3,) in its frame."""
    client.label(cloud, client.semantic, client.instances, client.array)
    out = client.semantic[-1]
    assert (out.height, out.width, out.header) == (cloud.height, cloud.width, cloud.header)
    points, labels = read_points(cloud).points, read_field(out, "label")
    finite = np.isfinite(points).all(axis=1)
    assert (labels[~finite] == UNLABELLED).all()
    assert (labels[finite] != UNLABELLED).mean() > 0.9
    return labels, pose_matrix(client.array[-1].gravity_pose)[:3, 2]


def test_the_cloud_of_a_bag(both):
    _, client = both
    _, up = label(client, clouds.bag_cloud())
    assert up @ UP_OPTICAL > 0.7  # the camera looks down a little


def test_a_moving_camera_keeps_up_where_it_is(both):
    _, client = both
    folder = clouds.SHARED / "rgbd" / "7scenes_tsdf"
    if not folder.is_dir():
        pytest.skip(f"{folder.name} is not on this machine")
    ups = []
    for number, frame in enumerate(read_sequence(folder)):
        if number % 5 or len(ups) == 4:
            continue
        height, width = frame.points.shape[:2]
        points, colors = frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)
        _, up = label(client, color_cloud(clouds.header(number + 1), (height, width), points, colors))
        assert frame.T_world_camera is not None
        ups.append(frame.T_world_camera[:3, :3] @ up)
    mean = np.mean(ups, axis=0)
    angles = np.degrees(np.arccos(np.clip(np.array(ups) @ mean / np.linalg.norm(mean), -1, 1)))
    assert angles.max() < 10.0


def test_a_cloud_without_colour_is_labelled_with_one_warning(both):
    node, client = both
    path = clouds.SHARED / "pcl" / "capture0001.pcd"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    cloud = read_cloud(path)
    assert cloud.colors is None
    for second in (50, 51):
        label(client, color_cloud(clouds.header(second), (480, 640), cloud.points))
    assert node.log.count("clouds carry no colour") == 1


def test_memory_stays_below_a_gigabyte_and_a_half(both):
    node, client = both
    points, colors = clouds.room((480, 640))
    for second in range(60, 63):
        label(client, color_cloud(clouds.header(second), (480, 640), points, colors))
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak
    assert int(peak[1]) < MEMORY_LIMIT_KB
