"""Supervision: silence is detected, names are complete, clocks are checked, QoS policies followed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2

from jspnet_ros.node.diagnostics import NodeState, diagnostics
from jspnet_ros.node.statistics import FrameReport, Snapshot
from tests.ros import clouds
from tests.ros.client import QUICK, Client, NodeProcess, new_domain
from tests.ros.poses import CAMERA_POSE

WARN, ERROR, OK = DiagnosticStatus.WARN, DiagnosticStatus.ERROR, DiagnosticStatus.OK


def test_a_camera_that_falls_silent_is_a_warning_then_an_error_and_fine_on_its_return(start):
    _, client = start(silence_warn=2.0, silence_error=5.0, sensor_pose=CAMERA_POSE)
    semantic = client.collect(PointCloud2, "output/semantic")
    for second in (1, 2):
        client.label(clouds.room_cloud(second), semantic)
        levels = []

        def silent(levels: list = levels) -> bool:
            status, _ = client.diagnostics()
            levels.append((status.level, status.message))
            return status.level == ERROR

        client.until(silent, "the error")
        assert any(level == WARN and "no cloud on /jspnet_segmenter/input/points for" in text for level, text in levels)

        def fine() -> bool:
            client.publish(clouds.room_cloud(20))
            return client.diagnostics()[0].level == OK

        client.until(fine, "the end of the error")


def test_a_publisher_that_sent_before_and_stays_silent_is_heard(start):
    """A transient-local publisher keeps its last cloud for those who subscribe later with the same durability."""
    node, client = start(autostart=False)
    latched = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    client.node.destroy_publisher(client._publisher)
    publisher = client.node.create_publisher(PointCloud2, "/jspnet_segmenter/input/points", latched)
    publisher.publish(clouds.room_cloud(5))
    semantic = client.collect(PointCloud2, "output/semantic")
    assert client.change_state(1)
    client.until(lambda: client.node.count_subscribers("/jspnet_segmenter/output/semantic"), "our subscription")
    time.sleep(2.0)  # until the node has discovered both ends
    assert client.change_state(3)
    client.until(lambda: semantic, "the labels of the cloud that was sent before")
    assert semantic[-1].header.stamp.sec == 5
    assert "transient_local" in client.diagnostics()[1]["input"]
    assert node.alive


def test_sim_time_without_a_clock_is_a_warning_until_one_is_published(start):
    _, client = start(use_sim_time=True, sensor_pose=CAMERA_POSE)
    semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(1), semantic)
    status, values = client.diagnostics()
    assert (status.level, "nothing publishes /clock" in status.message) == (WARN, True)
    assert values["latency ms"] == "unknown"
    clock = client.node.create_publisher(Clock, "/clock", 10)
    for seconds in (100, 200, 50, 300):  # a recording may start again
        cloud = clouds.room_cloud(seconds)

        def labelled(seconds: int = seconds, cloud: PointCloud2 = cloud) -> bool:
            clock.publish(Clock(clock=Time(sec=seconds)))
            client.label(cloud, semantic)
            status, values = client.diagnostics()
            return status.level == OK and abs(float(values["latency ms"])) < 60_000

        client.until(labelled, f"labels at {seconds} s")


def test_two_nodes_in_two_namespaces_have_two_names_on_diagnostics(tmp_path):
    domain = new_domain()
    nodes = [NodeProcess(domain, tmp_path, remaps=[f"__ns:=/{side}"], **QUICK) for side in ("left", "right")]
    client = Client(domain, publish=False)
    statuses = client.collect(DiagnosticArray, "/diagnostics")
    names = {f"/{side}/jspnet_segmenter: labelling" for side in ("left", "right")}
    client.until(lambda: {s.status[0].name for s in statuses} == names, "both names")
    client.close()
    for node in nodes:
        node.interrupt()
    assert [node.stop() for node in nodes] == [0, 0]


REPORT = FrameReport({}, 1.0, None, 1, 0, 3, returns=1000, labelled=900, gravity_source="", gravity_is_sure=True)


@pytest.mark.parametrize(
    ("labelled", "returns", "sure", "level", "words"),
    [
        (900, 1000, True, OK, "1 frames labelled"),
        (99, 1000, True, WARN, "only 9.9 % of the last cloud's points got a label"),
        (0, 1000, True, WARN, "coordinates are metres"),
        (0, 0, True, WARN, "the outputs are empty"),
        (900, 1000, False, WARN, "set up_axis, sensor_pose or target_frame"),
    ],
)
def test_few_labels_and_a_guessed_gravity_are_warnings(labelled, returns, sure, level, words):
    report = replace(REPORT, labelled=labelled, returns=returns, gravity_is_sure=sure)
    now = Snapshot(received=1, labelled=1, last=report)
    status = diagnostics(Time(), NodeState("/node", active=True), now, Snapshot()).status[0]
    assert status.level == level
    assert words in status.message


def test_instances_that_no_output_asked_for_are_not_reported_as_none():
    now = Snapshot(received=1, labelled=1, last=replace(REPORT, instances=None))
    status = diagnostics(Time(), NodeState("/node", active=True), now, Snapshot()).status[0]
    assert {v.key: v.value for v in status.values}["instances"] == "not asked for"
