"""Faults from outside over real DDS: killed processes, several publishers, other policies, floods, long series."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

from jspnet_ros.messages.labelled_clouds import color_cloud
from tests.ros import clouds
from tests.ros.client import PATIENCE, QUICK, Client, NodeProcess, new_domain

INPUT = "/jspnet_segmenter/input/points"
FATES = ("labelled", "refused", "skipped", "unwanted")


def resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_a_camera_that_is_killed_and_started_again_is_labelled_again(tmp_path):
    domain = new_domain()
    node = NodeProcess(domain, tmp_path, remaps=["~/input/points:=/simulated_camera/points"], **QUICK)
    client = Client(domain, publish=False)
    semantic = client.collect(PointCloud2, "output/semantic")
    words = [sys.executable, "-m", "jspnet_ros.simulated_camera", "--ros-args", "-p", "poses:=1", "-p", "room:=kitchen"]
    for _ in range(2):
        camera = subprocess.Popen(words, env={**os.environ, "ROS_DOMAIN_ID": str(domain)})
        semantic.clear()
        client.until(lambda: len(semantic) >= 2, "labels")
        camera.send_signal(signal.SIGKILL)
        camera.wait(PATIENCE)
    assert node.alive
    client.close()
    assert node.stop() == 0


def test_a_node_that_is_killed_leaves_nothing_in_the_way_of_the_next(tmp_path):
    domain = new_domain()
    client = Client(domain)
    semantic = client.collect(PointCloud2, "output/semantic")
    for second in (1, 2):
        node = NodeProcess(domain, tmp_path, **QUICK)
        client.label(clouds.room_cloud(second), semantic)
        assert semantic[-1].header.stamp.sec == second
        if second == 1:
            node.process.send_signal(signal.SIGKILL)
            node.process.wait(PATIENCE)
            client._diagnostics.clear()
    client.close()
    assert node.stop() == 0


@pytest.mark.parametrize("reliability", ["RELIABLE", "BEST_EFFORT"])
@pytest.mark.parametrize("durability", ["VOLATILE", "TRANSIENT_LOCAL"])
def test_publishers_of_any_policy_are_heard(start, reliability, durability):
    _, client = start()
    client.node.destroy_publisher(client._publisher)
    profile = QoSProfile(depth=1, reliability=ReliabilityPolicy[reliability], durability=DurabilityPolicy[durability])
    publisher = client.node.create_publisher(PointCloud2, INPUT, profile)
    semantic = client.collect(PointCloud2, "output/semantic")

    def labelled() -> bool:
        publisher.publish(clouds.room_cloud(3))
        client.diagnostics()
        return bool(semantic)

    client.until(labelled, "labels")


def test_two_publishers_of_different_policies_are_both_heard(start):
    _, client = start()
    for _ in range(40):
        client.publish(clouds.room_cloud(1))
    second = client.node.create_publisher(
        PointCloud2, INPUT, QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
    )
    semantic = client.collect(PointCloud2, "output/semantic")

    def labelled() -> bool:
        client._publisher.publish(clouds.room_cloud(10))
        client.diagnostics()
        second.publish(clouds.room_cloud(20))
        client.diagnostics()
        return {cloud.header.stamp.sec for cloud in semantic} >= {10, 20}

    client.until(labelled, "labels of both")
    lost = client.labelled_counts()["lost"]
    client.node.destroy_publisher(second)
    for number in range(5):
        client._publisher.publish(clouds.room_cloud(30 + number))
        counts = client.labelled_counts()
    assert counts["received"] == sum(counts[fate] for fate in FATES)
    assert counts["lost"] <= lost + 5, "their messages are numbered apart"


def test_a_model_file_that_is_replaced_while_the_node_runs_changes_nothing_until_it_is_configured_again(
    start, tmp_path
):
    import shutil

    from jspnet_core.model_file import default_model

    model = Path(shutil.copy(default_model(), tmp_path / "model.onnx"))
    node, client = start(model=model)
    semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(1), semantic)
    model.unlink()
    model.write_bytes(b"another")
    client.label(clouds.room_cloud(2), semantic)
    assert client.change_state(Transition.TRANSITION_DEACTIVATE)
    assert client.change_state(Transition.TRANSITION_CLEANUP)
    assert not client.change_state(Transition.TRANSITION_CONFIGURE)
    assert client.state() == "unconfigured"
    assert str(model) in client.diagnostics()[0].message
    assert node.alive


def test_clouds_of_all_sizes_and_shapes_one_after_the_other(start):
    """Sizes from nothing to half a million points, at random, many of them refused; every one has a fate."""
    node, client = start(voxel_size=0.1)
    client.collect(PointCloud2, "output/semantic")
    rng, sent = np.random.default_rng(0), 120
    client.label(clouds.room_cloud(), client.collect(PointCloud2, "output/instances"))
    before = client.labelled_counts()
    for number in range(sent):
        size = int(10 ** rng.uniform(0, 5.7)) if number % 10 else 0
        points = rng.normal(scale=10 ** rng.uniform(-3, 6), size=(size, 3)).astype(np.float32)
        points[rng.random(size) < 0.1] = rng.choice([np.nan, np.inf, 0.0, 1e30])
        cloud = color_cloud(clouds.header(number), (1, size), points)
        if number % 7 == 0:
            cloud.point_step = int(rng.integers(0, 2**32))
        client.publish(cloud)
        client.spin_once()
    after = client.until(
        lambda: (c := client.labelled_counts())["received"] + c["lost"] >= before["received"] + sent and c, "the last"
    )
    assert after["received"] == sum(after[fate] for fate in FATES)
    assert after.get("refused failure", 0) == 0, node.log
    assert node.alive


def test_lifecycle_cycles_keep_memory(start):
    node, client = start(autostart=False)
    memory = []
    for _ in range(12):
        for transition in ("CONFIGURE", "ACTIVATE", "DEACTIVATE", "CLEANUP"):
            assert client.change_state(getattr(Transition, f"TRANSITION_{transition}")), node.log
        memory.append(resident_megabytes(node.process.pid))
    assert np.median(memory[-3:]) < 1.25 * np.median(memory[1:4])


def test_waiting_for_clouds_costs_no_memory_for_each_wake_up(start):
    """Clouds that nobody wants wake the executor each: what it kept for one of them would show after thousands."""
    node, client = start()
    cloud = color_cloud(clouds.header(), (1, 1), np.ones((1, 3), np.float32))
    client.publish(cloud)
    memory = []
    for _ in range(3):
        begin = client.counts()["received"]
        while client.counts()["received"] < begin + 4000:
            for _ in range(1000):
                client._publisher.publish(cloud)
                client.spin_once()
        memory.append(resident_megabytes(node.process.pid))
    assert memory[-1] - memory[-2] < 0.8, "0.27 kB for each of 4000 wake-ups were 1.1 MB"
