"""The launch file, where `launch` is installed; it comes with a ROS distribution."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ament_index_python.packages import get_packages_with_prefixes
from sensor_msgs.msg import PointCloud2

from tests.ros import clouds
from tests.ros.client import PATIENCE, Client, new_domain

if importlib.util.find_spec("launch") is None or importlib.util.find_spec("launch_ros") is None:
    pytest.skip("launch and launch_ros are not installed; they come with a ROS distribution", allow_module_level=True)

from launch.launch_description_sources import get_launch_description_from_python_launch_file

FILE = Path(__file__).parents[3] / "launch" / "segment.launch.py"
RUN = """
import sys
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
arguments = [argument.split(':=') for argument in sys.argv[2:]]
source = PythonLaunchDescriptionSource(sys.argv[1])
service.include_launch_description(IncludeLaunchDescription(source, launch_arguments=arguments))
sys.exit(service.run())
"""


@pytest.fixture
def domain():
    return new_domain()


def launch(domain: int, log: Path, *arguments: str) -> subprocess.Popen:
    environment = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONUNBUFFERED": "1"}
    with log.open("w") as out:
        words = [sys.executable, "-c", RUN, str(FILE), *arguments]
        return subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT, env=environment)


def test_every_argument_is_declared_and_described():
    arguments = get_launch_description_from_python_launch_file(str(FILE)).get_launch_arguments()
    names = {argument.name for argument in arguments}
    assert names >= {"input", "model", "engine", "target_frame", "params_file", "rviz", "log_level", "use_sim_time"}
    assert names >= {"build_only", "respawn"}
    assert all(len(argument.description) > 10 for argument in arguments)


def test_the_only_cloud_on_the_graph_is_labelled(domain, tmp_path):
    client = Client(domain, "/camera/points")
    process = launch(domain, tmp_path / "log", "log_level:=debug")
    semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(second=3), semantic)
    assert semantic[-1].header.stamp.sec == 3
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    client.close()
    assert "labelling /camera/points" in (tmp_path / "log").read_text()


def test_building_needs_no_cloud_and_ends(domain, tmp_path):
    process = launch(domain, tmp_path / "log", "build_only:=true", "engine:=onnxruntime")
    process.wait(PATIENCE)
    log = (tmp_path / "log").read_text()
    assert "building the engine" in log
    assert "engine 'onnxruntime' needs no building" in log


def test_several_clouds_are_listed_and_nothing_starts(domain, tmp_path):
    clients = [Client(domain, f"/{side}/points") for side in ("left", "right")]
    process = launch(domain, tmp_path / "log")
    assert process.wait(PATIENCE) == 1
    for client in clients:
        client.close()
    log = (tmp_path / "log").read_text()
    assert "input:=/left/points, input:=/right/points" in log
    assert "process started" not in log


def test_rviz2_that_is_not_there_is_named_and_no_node_is_left_behind(domain, tmp_path):
    if "rviz2" in get_packages_with_prefixes():
        pytest.skip("rviz2 is installed")
    process = launch(domain, tmp_path / "log", "input:=/camera/points", "rviz:=true")
    assert process.wait(PATIENCE) == 1
    log = (tmp_path / "log").read_text()
    assert "rviz:=true needs rviz2, which is not installed: sudo apt install ros-" in log
    assert "process started" not in log
    assert "deprecated" not in log  # rcl's word for arguments that are not meant for it


BAD = {
    "missing file": (["params_file:=/no/such.yaml"], "params_file:=/no/such.yaml does not exist"),
    "broken file": (["params_file:={broken}"], "is not valid YAML"),
    "another node's file": (["params_file:={other}"], "has no parameters for /jspnet_segmenter (found: /camera)"),
    "topic": (["input:=bad topic"], "input:='bad topic' is no topic name"),
    "topic with a digit": (["input:=/3d/points"], "input:='/3d/points' is no topic name"),
}


@pytest.mark.parametrize("case", BAD)
def test_arguments_that_are_not_accepted_start_nothing_and_are_one_sentence(domain, tmp_path, case):
    files = {"broken": "/**:\n  ros__parameters:\n    a: [1\n", "other": "/camera:\n  ros__parameters:\n    a: 1\n"}
    paths = {name: tmp_path / f"{name}.yaml" for name in files}
    for name, text in files.items():
        paths[name].write_text(text)
    arguments, words = BAD[case]
    process = launch(domain, tmp_path / "log", "input:=/points", *(a.format(**paths) for a in arguments))
    assert process.wait(PATIENCE) == 1
    log = (tmp_path / "log").read_text()
    assert words in log
    assert "Traceback" not in log
    assert "process started" not in log


def test_a_node_that_ends_with_an_error_ends_the_launch_with_one(domain, tmp_path):
    (tmp_path / "p.yaml").write_text("/**/jspnet_segmenter:\n  ros__parameters:\n    stride: 7.0\n")
    process = launch(domain, tmp_path / "log", "input:=/points", f"params_file:={tmp_path / 'p.yaml'}")
    assert process.wait(PATIENCE) == 1
    assert "jspnet_segmenter ended with exit code 2" in (tmp_path / "log").read_text()


def test_respawn_starts_the_node_again(domain, tmp_path):
    log = tmp_path / "log"
    process = launch(domain, log, "input:=/points", "respawn:=true", "model:=/no/such.onnx")
    client = Client(domain, "/points")
    client.until(lambda: log.read_text().count("exit code 3") >= 2, "two ends of the node")
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0
    client.close()


def test_the_simulated_camera_is_found_without_an_argument(domain, tmp_path):
    words = [sys.executable, "-m", "jspnet_ros.simulated_camera", "--ros-args", "-p", "poses:=1", "-p", "room:=hall"]
    camera = subprocess.Popen(words, env={**os.environ, "ROS_DOMAIN_ID": str(domain)})
    process = None
    try:
        client = Client(domain, publish=False)
        client.until(lambda: client.node.count_publishers("/simulated_camera/points"), "the camera")
        process = launch(domain, tmp_path / "log")
        semantic = client.collect(PointCloud2, "output/semantic")
        client.until(lambda: semantic, "labels")
        client.close()
    finally:
        for child in (process, camera):
            if child is not None:
                child.send_signal(signal.SIGINT)
                child.wait(PATIENCE)
