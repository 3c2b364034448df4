"""A camera faster than the node, over DDS, each in a process of its own: labels stay fresh and memory stays flat."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Float64

from tests.ros import clouds

pytestmark = pytest.mark.alone
RATE, SECONDS = 25.0, 6.0
SHAPE = (480, 640)
OVERLOADED = {"stride": 0.5, "max_blocks": 16}
"""Far more work than a fast camera leaves time for: half a dozen full blocks a frame, or more."""


def resident_megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture(scope="module")
def overloaded(start):
    """Times of all frames, counts, and the node's memory early and late, from one flood of clouds."""
    node, client = start(**OVERLOADED)
    cloud, instances = clouds.room_cloud(1, SHAPE), client.collect(PointCloud2, "output/instances")
    age = client.collect(Float64, "debug/age_ms")
    total = client.collect(Float64, "debug/processing_time/total_ms")
    latency = client.collect(Float64, "debug/pipeline_latency_ms")
    client.label(cloud, instances, age, total, latency)
    for times in (age, total, latency):
        times.clear()
    before, memory, sent, begin = client.labelled_counts(), [], 0, time.monotonic()
    while (now := time.monotonic() - begin) < SECONDS or len(age) < 8:
        if sent < now * RATE:
            cloud.header.stamp = client.node.get_clock().now().to_msg()
            client.publish(cloud)
            sent += 1
            memory.append(resident_megabytes(node.process.pid))
        client.spin_once()
        instances.clear()  # this process keeps none either
    after = client.labelled_counts()
    counts = {fate: after[fate] - before[fate] for fate in before if fate in after}
    return {
        name: np.array([m.data for m in times])
        for name, times in {"age": age, "total": total, "latency": latency}.items()
    } | {"counts": counts, "sent": sent, "memory": memory}


def test_clouds_are_received_while_others_are_labelled(overloaded):
    counts = overloaded["counts"]
    assert overloaded["sent"] > counts["labelled"], "the camera is meant to be faster than the node"
    assert counts["received"] + counts["lost"] >= overloaded["sent"] - 2
    assert counts["skipped"] > 0
    fates = ("labelled", "skipped", "unwanted", "refused")
    assert counts["received"] == sum(counts[fate] for fate in fates)


def test_a_frame_is_published_before_it_is_two_processing_times_old(overloaded):
    """Compare ages with processing times, so that slow machines pass: a queue would make ages many times as long."""
    age, total, latency = overloaded["age"], overloaded["total"], overloaded["latency"]
    assert len(age) >= 8
    assert np.median(age) < 2 * np.median(total)
    assert (age >= total.min()).all()
    assert np.median(latency) >= np.median(age), "the way to the node comes on top"


def test_memory_stays_flat(overloaded):
    """A cloud is 5 MB, its labels 9 MB: two dozen of either kept would show."""
    memory = np.array(overloaded["memory"])
    early, late = np.median(memory[len(memory) // 4 : len(memory) // 2]), np.median(memory[-len(memory) // 4 :])
    assert late - early < 50.0
