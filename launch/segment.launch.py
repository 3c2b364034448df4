"""Label a depth sensor's clouds: `ros2 launch jspnet_ros segment.launch.py`, with `-s` for the arguments."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, RegisterEventHandler, SetEnvironmentVariable
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from jspnet_ros.node.discovery import find_cloud_topic, find_frame
from jspnet_ros.node.launch_arguments import NODE_NAME, check_parameter_file, check_topic

SHARE = Path(get_package_share_directory("jspnet_ros"))
PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"
RESPAWN_SECONDS = 2.0
BOOLEAN = ["true", "false"]

ARGUMENTS: dict[str, tuple[str, list[str] | None, str]] = {  # name: default, accepted, description
    "input": ("", None, "topic of the clouds to label; empty: the only PointCloud2 that is published"),
    "model": (
        "",
        None,
        "path of a model file; empty: the value in params_file, or the package's model",
    ),
    "engine": (
        "",
        ["", "onnxruntime", "openvino", "tensorrt", "torch"],
        "backend that runs the network; empty: the value in params_file, or onnxruntime",
    ),
    "target_frame": (
        "",
        None,
        "tf2 frame with z up and the floor at z = 0 to label and publish in; "
        "empty: the value in params_file, or the input's frame",
    ),
    "params_file": (str(SHARE / "config" / "segment.yaml"), None, "file with the node's parameters"),
    "build_only": (
        "false",
        BOOLEAN,
        "build the engine of this machine's GPU, or find it built, and end; needs no input",
    ),
    "respawn": (
        "false",
        BOOLEAN,
        "start the node again when its process ends, also after repeated failures of its engine",
    ),
    "rviz": ("false", BOOLEAN, "open rviz2 on the labelled clouds"),
    "log_level": (
        "info",
        ["debug", "info", "warn", "error", "fatal"],
        "least severe message of the node that is logged",
    ),
    "use_sim_time": ("false", BOOLEAN, "take the time from /clock, for bags and simulation"),
}


def generate_launch_description() -> LaunchDescription:
    """Describe the node with its input remapped, and rviz2 where it is asked for."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, choices=choices, description=description)
        for name, (default, choices, description) in ARGUMENTS.items()
    ]
    profiles = os.environ.get(PROFILES) or str(SHARE / "config" / "dds_large_clouds.xml")
    return LaunchDescription([*arguments, SetEnvironmentVariable(PROFILES, profiles), OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list:
    """Return the actions that need the arguments' values.

    Raises `LaunchArgumentError` and `InputTopicError` for arguments that are not accepted, and RuntimeError where rviz2
    is asked for and absent, before any process starts.
    """
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    flag = {name: value[name] == "true" for name in ("build_only", "respawn", "rviz", "use_sim_time")}
    check_parameter_file(value["params_file"], context.launch_configurations.get("ros_namespace", ""))
    if value["input"]:
        check_topic("input", value["input"])
    if flag["rviz"] and not flag["build_only"]:
        require_rviz()
    topic = value["input"] or ("points" if flag["build_only"] else find_cloud_topic())
    segmenter = segment_node(value, flag, topic)
    actions = [
        LogInfo(msg="building the engine" if flag["build_only"] else f"labelling {topic}"),
        segmenter,
        *([] if flag["respawn"] else [RegisterEventHandler(OnProcessExit(target_action=segmenter, on_exit=pass_on))]),
    ]
    if flag["rviz"] and not flag["build_only"]:
        frame = value["target_frame"] or find_frame(topic)
        actions.append(rviz(frame, topic, {"use_sim_time": flag["use_sim_time"]}))
    return actions


def segment_node(value: dict[str, str], flag: dict[str, bool], topic: str) -> Node:
    """Describe the node; value, flag: the launch arguments by name."""
    given: dict[str, str | bool] = {name: value[name] for name in ("model", "engine", "target_frame") if value[name]}
    given |= {name: True for name in ("build_only",) if flag[name]}
    given |= {"exit_on_failure": True} if flag["respawn"] else {}
    return Node(
        package="jspnet_ros",
        executable="segment",
        name=NODE_NAME,
        output="screen",
        parameters=[value["params_file"], {**given, "use_sim_time": flag["use_sim_time"]}],
        remappings=[("~/input/points", topic)],
        ros_arguments=["--log-level", f"{NODE_NAME}:={value['log_level']}"],
        respawn=flag["respawn"],
        respawn_delay=RESPAWN_SECONDS,
    )


def pass_on(event: ProcessExited, context: LaunchContext) -> list:
    """End the launch with an error where the node did, so that `ros2 launch` returns 1 and not 0."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f"{NODE_NAME} ended with exit code {event.returncode} (docs/ros.md, Exit codes)")
    return []


def require_rviz() -> None:
    """Raise RuntimeError, with the command that installs it, where rviz2 is absent."""
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError:
        distribution = os.environ.get("ROS_DISTRO", "jazzy")
        raise RuntimeError(
            f"rviz:=true needs rviz2, which is not installed: sudo apt install ros-{distribution}-rviz2, or start it "
            f"on another machine with -d {SHARE / 'rviz' / 'segment.rviz'}"
        ) from None


def rviz(frame: str, topic: str, parameters: dict) -> Node:
    """Describe rviz2 in the frame of the labelled clouds, its raw display on the input."""
    fixed_frame = ["-f", frame] if frame else []
    return Node(
        package="rviz2",
        executable="rviz2",
        output="screen",
        arguments=["-d", str(SHARE / "rviz" / "segment.rviz"), *fixed_frame],
        parameters=[parameters],
        remappings=[("/jspnet_segmenter/input/points", topic)],
    )
