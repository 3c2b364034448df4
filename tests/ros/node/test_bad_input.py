"""Clouds that cannot be labelled are refused, counted and warned about; empty views empty the outputs."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import PointCloud2, PointField
from visualization_msgs.msg import Marker, MarkerArray

from jspnet_core.classes import UNLABELLED
from jspnet_ros.messages.labelled_clouds import color_cloud
from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.msg import InstanceArray
from tests.ros import clouds
from tests.ros.poses import CAMERA_POSE


@pytest.fixture(scope="module")
def both(start):
    node, client = start(voxel_size=0.1)
    client.semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(), client.semantic)
    return node, client


@pytest.fixture(scope="module")
def start_objects(start):
    _, client = start()
    topics = {"output/semantic": PointCloud2, "output/instance_array": InstanceArray, "output/markers": MarkerArray}
    return client, *(client.collect(message, topic) for topic, message in topics.items())


def without_z() -> PointCloud2:
    cloud = clouds.room_cloud()
    cloud.fields = [field for field in cloud.fields if field.name != "z"]
    return cloud


def wrong_datatype() -> PointCloud2:
    cloud = clouds.room_cloud()
    cloud.fields[0].datatype = PointField.INT32
    return cloud


def short_data() -> PointCloud2:
    cloud = clouds.room_cloud()
    cloud.data = array("B", bytes(cloud.data)[:-1])
    return cloud


def empty() -> PointCloud2:
    return color_cloud(clouds.header(), (0, 0), np.empty((0, 3), np.float32))


def all_nan() -> PointCloud2:
    return color_cloud(clouds.header(), (4, 5), np.full((20, 3), np.nan, np.float32))


def all_zero() -> PointCloud2:
    return color_cloud(clouds.header(), (4, 5), np.zeros((20, 3), np.float32))


def absurdly_far() -> PointCloud2:
    return color_cloud(clouds.header(), (4, 5), np.full((20, 3), 1e9, np.float32))


def huge_point_step() -> PointCloud2:
    cloud = clouds.room_cloud()
    cloud.point_step = 0xFFFFFFFF
    return cloud


REFUSED: dict[Callable[[], PointCloud2], str] = {
    without_z: "no_xyz",
    wrong_datatype: "wrong_datatype",
    short_data: "short_data",
    huge_point_step: "bad_layout",
}


@pytest.mark.parametrize(("cloud", "reason"), REFUSED.items())
def test_unfit_clouds_are_refused_by_reason(both, cloud, reason):
    node, client = both
    before = client.labelled_counts()
    client.publish(cloud())
    after = client.until(lambda: (c := client.labelled_counts())["refused"] > before["refused"] and c, "a refusal")
    assert after[f"refused {reason}"] == before.get(f"refused {reason}", 0) + 1
    assert after["labelled"] == before["labelled"]
    assert node.alive


@pytest.mark.parametrize("view", [empty, all_nan, all_zero, absurdly_far])
def test_an_empty_view_empties_the_outputs(start_objects, view):
    client, semantic, array, markers = start_objects
    client.label(clouds.room_cloud(40), semantic, array, markers)
    assert array[-1].instances
    cloud = view()
    cloud.header.stamp.sec = 41
    client.label(cloud, semantic, array, markers)
    assert semantic[-1].header == array[-1].header == cloud.header
    assert (semantic[-1].height, semantic[-1].width) == (cloud.height, cloud.width)
    assert (read_field(semantic[-1], "label") == UNLABELLED).all()
    assert array[-1].instances == []
    assert [marker.action for marker in markers[-1].markers] == [Marker.DELETEALL]


def test_an_empty_view_is_a_warning_on_diagnostics(both):
    _, client = both

    def warned() -> bool:
        client.publish(empty())
        status, _ = client.diagnostics()
        return status.level == DiagnosticStatus.WARN and "the outputs are empty" in status.message

    client.until(warned, "a warning")


STAMPS = [(-1, 0), (-(2**31), 999_999_999), (0, 0), (2**31 - 1, 2**32 - 1)]


@pytest.mark.parametrize("stamp", STAMPS)
def test_any_stamp_is_labelled_and_handed_on(both, stamp):
    node, client = both
    cloud = clouds.room_cloud()
    cloud.header.stamp = Time(sec=stamp[0], nanosec=stamp[1])
    client.label(cloud, client.semantic)
    assert client.semantic[-1].header.stamp == cloud.header.stamp
    assert node.alive
    if stamp[0] <= 0:
        assert client.diagnostics()[1]["latency ms"] == "unknown"


def test_one_absurd_point_does_not_spoil_the_others(both):
    _, client = both
    points, colors = clouds.room()
    points[1000:1010] = 1e9
    client.label(color_cloud(clouds.header(), clouds.SHAPE, points, colors), client.semantic)
    label = read_field(client.semantic[-1], "label")
    assert (label[1000:1010] == UNLABELLED).all()
    assert (label != UNLABELLED).mean() > 0.3


def test_a_single_point_is_answered(both):
    node, client = both
    client.label(color_cloud(clouds.header(), (1, 1), np.ones((1, 3), np.float32)), client.semantic)
    assert len(read_field(client.semantic[-1], "label")) == 1
    assert node.alive


def test_refusals_are_warned_about_once_in_five_seconds_with_the_fields_found(both):
    node, client = both
    refused, begin = client.labelled_counts()["refused"], time.monotonic()
    warned = node.log.count("cloud refused")

    def many_refused() -> bool:
        client.publish(without_z())
        return client.counts()["refused"] >= refused + 5

    client.until(many_refused, "five refusals")
    assert node.log.count("cloud refused") - warned <= 1 + (time.monotonic() - begin) / 5
    client.until(lambda: "its fields are x y rgb" in node.log, "the warning")
    assert "no field z" in node.log


def test_a_refusal_is_a_warning_on_diagnostics(both):
    _, client = both

    def refused() -> bool:
        client.publish(without_z())
        status, _ = client.diagnostics()
        return status.level == DiagnosticStatus.WARN and "no_xyz" in status.message

    client.until(refused, "a warning")


def test_colourless_clouds_are_labelled_with_one_warning(both):
    node, client = both
    points, _ = clouds.room()
    for second in (21, 22, 23):
        client.label(color_cloud(clouds.header(second), clouds.SHAPE, points), client.semantic)
        assert (read_field(client.semantic[-1], "label") != UNLABELLED).mean() > 0.3
    assert node.log.count("clouds carry no colour") == 1


def test_after_all_that_a_good_cloud_is_labelled(both):
    node, client = both
    client.label(clouds.room_cloud(99), client.semantic)
    assert client.semantic[-1].header.stamp.sec == 99
    assert node.alive


def test_other_units_are_refused_with_the_parameter_that_helps(start):
    node, client = start(sensor_pose=CAMERA_POSE)
    semantic = client.collect(PointCloud2, "output/semantic")
    points, colors = clouds.room()
    cloud = color_cloud(clouds.header(), clouds.SHAPE, 1000 * points, colors)

    def refused() -> bool:
        client.publish(cloud)
        return client.counts().get("refused extent", 0) > 0

    client.until(refused, "a refusal")
    assert "check the units and the gravity frame; its extent is" in node.log
    assert "(scale:=" in node.log
    assert client.set_parameter("scale", 0.001) == (True, "")
    client.label(cloud, semantic)
    client.label(cloud, semantic)
    np.testing.assert_allclose(read_points(semantic[-1]).points, points, rtol=1e-5)
    assert (read_field(semantic[-1], "label") != UNLABELLED).mean() > 0.3
