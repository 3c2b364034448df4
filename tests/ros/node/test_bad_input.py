"""Clouds that cannot be labelled are refused, counted by reason and warned about; the node lives."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import PointCloud2, PointField

from jspnet_core.classes import UNLABELLED
from jspnet_ros.messages.point_cloud import color_cloud, read_field
from tests.ros import clouds


@pytest.fixture(scope="module")
def both(start):
    node, client = start(voxel_size=0.1)
    client.semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(), client.semantic)
    return node, client


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


def absurdly_far() -> PointCloud2:
    return color_cloud(clouds.header(), (4, 5), np.full((20, 3), 1e9, np.float32))


REFUSED: dict[Callable[[], PointCloud2], str] = {
    without_z: "no_xyz",
    wrong_datatype: "wrong_datatype",
    short_data: "short_data",
    empty: "empty",
    all_nan: "no_finite_point",
    absurdly_far: "no_finite_point",
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
