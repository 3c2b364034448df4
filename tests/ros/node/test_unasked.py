"""Outputs without a subscriber cost nothing."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import rclpy
from rclpy.context import Context
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from jspnet_core.classes import S3DIS
from jspnet_core.segmentation import Segmentation
from jspnet_ros.node.publishers import LabelledFrame, Outputs, Wanted
from tests.ros.client import new_domain

POINTS = 200_000
NOBODY = Wanted(semantic=False, instances=False, instance_array=False, markers=False)


@pytest.fixture
def outputs():
    context = Context()
    rclpy.init(context=context, domain_id=new_domain())
    node = LifecycleNode("publisher", context=context)
    node.trigger_configure()
    node.trigger_activate()
    with ThreadPoolExecutor(3) as executor:
        yield Outputs(node, S3DIS, "model", executor, 2)
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    label, instance = rng.integers(0, 13, POINTS, np.uint8), rng.integers(0, 5, POINTS, np.uint32)
    segmentation = Segmentation(label, instance, np.ones(POINTS, np.float32), [], np.eye(4), "given", 1, 0, {})
    points = rng.random((POINTS, 3), np.float32)
    return LabelledFrame(NOBODY, 0, Header(), (1, POINTS), points, segmentation, np.eye(4), np.eye(4), "given", {})


def peak_bytes(outputs: Outputs, frame: LabelledFrame) -> int:
    """The most memory that publishing `frame` takes beside what is there after it was published once."""
    outputs.publish(frame)
    tracemalloc.start()
    outputs.publish(frame)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ((), 0, 100_000),
        (("instance_array", "markers"), 0, 100_000),
        (("semantic",), 24 * POINTS, 25 * POINTS),
        (("semantic", "instances"), 52 * POINTS, 54 * POINTS),
    ],
    ids=["nothing", "objects alone", "one cloud", "two clouds"],
)
def test_memory_is_filled_for_the_outputs_asked_for_alone(outputs, frame, asked, least, most):
    wanted = replace(NOBODY, **dict.fromkeys(asked, True))
    assert least <= peak_bytes(outputs, replace(frame, wanted=wanted)) <= most
