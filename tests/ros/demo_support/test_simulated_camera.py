"""The simulated camera over DDS: clouds like a driver's, and the truth to each of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

from jspnet_core.classes import INDOOR, S3DIS
from jspnet_core.synthetic.layout import KINDS
from jspnet_ros.demo_support.listener import in_table
from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.simulated_camera import RoomKind
from tests.ros.client import Client, new_domain

WORDS = [sys.executable, "-m", "jspnet_ros.simulated_camera", "--ros-args"]


@pytest.fixture
def client() -> Iterator[tuple[Client, dict[str, str]]]:
    domain = new_domain()
    client = Client(domain)
    yield client, {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    client.close()


def test_truth_belongs_to_its_cloud(client: tuple[Client, dict[str, str]]):
    listener, environment = client
    truths = listener.collect(PointCloud2, "/simulated_camera/truth")
    clouds = listener.collect(PointCloud2, "/simulated_camera/points")
    settings = {"room": "kitchen", "assets": "own", "poses": 2, "rate": 3.0, "clouds": 6, "truth": "true"}
    words = [word for name, value in settings.items() for word in ("-p", f"{name}:={value}")]
    camera = subprocess.Popen([*WORDS, *words], env=environment)
    try:
        listener.until(lambda: len(clouds) >= 5 and len(truths) >= 5, "clouds and truths")
        assert camera.wait(60) == 0, "it ends after the clouds it was asked for"
    finally:
        camera.kill()
    truth_of = {(t.header.stamp.sec, t.header.stamp.nanosec): t for t in truths}
    matched = [(c, truth_of[key]) for c in clouds if (key := (c.header.stamp.sec, c.header.stamp.nanosec)) in truth_of]
    assert len(matched) >= 4
    for cloud, truth in matched:
        assert (cloud.height, cloud.width, cloud.header.frame_id) == (480, 640, "camera_rgb_optical_frame")
        assert [field.name for field in cloud.fields] == ["x", "y", "z", "rgb"]
        points, true = read_points(cloud), read_points(truth)
        np.testing.assert_array_equal(points.points, true.points)
        np.testing.assert_array_equal(points.colors, true.colors)
        seen = np.isfinite(points.points).all(1)
        np.testing.assert_array_equal(read_field(truth, "label") != 255, seen)
        np.testing.assert_array_equal(read_field(truth, "instance") != 0, seen)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("room:=attic", "'living_room', 'bedroom', 'kitchen'"),
        ("rate:=500.0", "Max: 60.0, value: 500.0"),
        ("assets:=/nowhere", "/nowhere/catalogue.json: no such file"),
    ],
)
def test_wrong_parameters_are_refused(client: tuple[Client, dict[str, str]], setting: str, said: str):
    words = [*WORDS, "-p", setting]
    done = subprocess.run(words, env=client[1], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_kinds_of_rooms_are_those_of_the_layouts():
    assert get_args(RoomKind) == KINDS


def test_true_classes_that_the_model_does_not_have_count_as_their_parents():
    label = np.array([0, 13, 14, 15, 255], np.uint8)
    assert in_table(label, INDOOR).tolist() == [0, 13, 14, 15, 255]
    names = [S3DIS.names[n] if n < 255 else "" for n in in_table(label, S3DIS)]
    assert names == ["ceiling", "clutter", "bookcase", "table", ""]
