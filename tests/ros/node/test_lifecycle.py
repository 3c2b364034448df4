"""The node as a managed one: all transitions, errors of those that fail, and its parameters."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters
from sensor_msgs.msg import PointCloud2

from jspnet_core.model_file import default_model
from jspnet_core.settings import FrameSettings
from jspnet_ros.node.parameters import NodeSettings
from tests.ros import clouds


def test_down_and_up_again(start):
    node, client = start(autostart=False)
    assert client.state() == "unconfigured"
    semantic = client.collect(PointCloud2, "output/semantic")
    for second in (1, 2):  # twice: nothing of the first round may stand in the way of the second
        assert client.change_state(Transition.TRANSITION_CONFIGURE)
        assert client.state() == "inactive"
        assert client.change_state(Transition.TRANSITION_ACTIVATE)
        assert client.state() == "active"
        client.label(clouds.room_cloud(second), semantic)
        assert semantic[-1].header.stamp.sec == second
        assert client.change_state(Transition.TRANSITION_DEACTIVATE)
        assert client.state() == "inactive"
        assert client.diagnostics()[0].message == "not active"
        assert client.change_state(Transition.TRANSITION_CLEANUP)
        assert client.state() == "unconfigured"
    assert client.change_state(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert client.state() == "finalized"
    assert node.stop() == 0


def test_an_impossible_transition_is_refused_and_the_node_lives(start):
    node, client = start(autostart=False)
    assert not client.change_state(Transition.TRANSITION_ACTIVATE)
    assert client.state() == "unconfigured"
    assert "transition 3 refused: in state unconfigured accepted are configure (1)" in node.log
    assert node.alive


def test_an_interrupted_node_ends_well(start):
    node, client = start()
    client.until(lambda: "labelling" in node.log, "activation")
    assert node.stop() == 0
    assert "Traceback" not in node.log


@pytest.fixture
def damaged(tmp_path):
    whole = default_model().read_bytes()
    truncated, foreign = tmp_path / "truncated.onnx", tmp_path / "notes.onnx"
    truncated.write_bytes(whole[: len(whole) // 2])
    foreign.write_text("not a model")
    return {"missing": tmp_path / "missing.onnx", "truncated": truncated, "foreign": foreign}


@pytest.mark.parametrize("kind", ["missing", "truncated", "foreign"])
def test_a_model_that_cannot_be_used_fails_configure_with_one_sentence(start, damaged, kind):
    node, client = start(model=damaged[kind])
    line = client.until(
        lambda: next((line for line in node.log.splitlines() if "cannot be configured" in line), None), "the sentence"
    )
    assert str(damaged[kind]) in line
    assert "Traceback" not in node.log
    assert client.state() == "unconfigured"
    status, _ = client.diagnostics()
    assert status.level == DiagnosticStatus.ERROR
    assert str(damaged[kind]) in status.message
    if kind == "missing":  # the way out, without a restart
        assert client.set_parameter("model", str(default_model())) == (True, "")
        assert client.change_state(Transition.TRANSITION_CONFIGURE)
        assert client.change_state(Transition.TRANSITION_ACTIVATE)
        assert client.state() == "active"
        assert client.diagnostics()[0].level != DiagnosticStatus.ERROR


FAILING = {
    "torch": ({"engine": "torch"}, "engine 'torch' reads a checkpoint"),
    "both": ({"target_frame": "map", "sensor_pose": "0 0 1 0 0 0"}, "target_frame and sensor_pose both give"),
}


@pytest.mark.parametrize("case", FAILING)
def test_what_cannot_be_had_fails_configure_with_one_sentence(start, case):
    parameters, words = FAILING[case]
    node, client = start(**parameters)
    client.until(lambda: f"cannot be configured: {words}" in node.log, words)
    assert client.state() == "unconfigured"


REFUSED = {
    "up_axis:=sideways": "'auto', 'optical', 'x', 'y', 'z', '-x', '-y' or '-z'",
    "stride:=7.0": "Max: 1.0",
    "engine:=abacus": "'onnxruntime', 'openvino', 'tensorrt' or 'torch'",
    "sensor_pose:=high": "six numbers are accepted",
    "voxelsize:=0.1": "did you mean voxel_size?",
}


@pytest.mark.parametrize("assignment", REFUSED)
def test_parameters_that_are_not_accepted_end_the_start_with_one_line(assignment):
    words = [sys.executable, "-m", "jspnet_ros.segment_node", "--ros-args", "-p", assignment]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, env={**os.environ, "ROS_DOMAIN_ID": "0"})
    assert ended.returncode == 2
    assert REFUSED[assignment] in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_parameters_while_running(start):
    _, client = start()
    client.until(lambda: client.state() == "active", "activation")
    assert client.set_parameter("voxel_size", 0.1) == (True, "")
    successful, reason = client.set_parameter("merging", "sometimes")
    assert not successful
    assert "'fixed' or 'legacy'" in reason
    assert not client.set_parameter("stride", 3.0)[0]
    successful, reason = client.set_parameter("model", "other.onnx")
    assert not successful
    assert "take effect when the node is configured" in reason
    assert not client.set_parameter("autostart", False)[0]


def test_every_setting_is_a_described_and_bounded_parameter(start):
    _, client = start(autostart=False)
    fields = {**NodeSettings.model_fields, **FrameSettings.model_fields}
    request = DescribeParameters.Request(names=list(fields))
    described = client.call(DescribeParameters, "describe_parameters", request).descriptors
    assert [d.name for d in described] == list(fields)
    for d in described:
        assert d.description == fields[d.name].description
        bounds = [*d.integer_range, *d.floating_point_range]
        number = d.type in (ParameterType.PARAMETER_INTEGER, ParameterType.PARAMETER_DOUBLE)
        assert bool(bounds) == number
