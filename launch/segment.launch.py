"""Label a depth sensor's clouds: `ros2 launch jspnet_ros segment.launch.py`, with `-s` for the arguments."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from jspnet_ros.node.discovery import find_cloud_topic, find_frame

SHARE = Path(get_package_share_directory("jspnet_ros"))
PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"
TUNABLES, HUGE_PAGES = "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1"
"""Of glibc; fewer page faults save some per cent of a frame (docs/node_performance.md)."""

BOOLEAN = ["true", "false"]

ARGUMENTS: dict[str, tuple[str, list[str] | None, str]] = {  # name: default, accepted, description
    "input": ("", None, "topic of the clouds to label; empty: the only PointCloud2 that is published"),
    "model": ("", None, "path of a model file; empty: as params_file says, or the model that comes with the package"),
    "engine": (
        "",
        ["", "onnxruntime", "openvino", "tensorrt", "torch"],
        "what runs the network; empty: as params_file says, or onnxruntime",
    ),
    "target_frame": (
        "",
        None,
        "tf2 frame with z up and the floor at z = 0 to label and publish in; "
        "empty: as params_file says, or the input's frame",
    ),
    "params_file": (str(SHARE / "config" / "segment.yaml"), None, "file with the node's parameters"),
    "build_only": (
        "false",
        BOOLEAN,
        "build the engine of this machine's GPU, or find it built, and end; needs no input",
    ),
    "huge_pages": (
        "false",
        BOOLEAN,
        "let the node's memory allocator ask for huge pages, unless GLIBC_TUNABLES is set already",
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
    """The node with its input remapped, and rviz2 where it is wanted."""
    arguments = [
        DeclareLaunchArgument(name, default_value=default, choices=choices, description=description)
        for name, (default, choices, description) in ARGUMENTS.items()
    ]
    profiles = os.environ.get(PROFILES) or str(SHARE / "config" / "dds_large_clouds.xml")
    return LaunchDescription([*arguments, SetEnvironmentVariable(PROFILES, profiles), OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list:
    """Actions that need the arguments' values. Raises `InputTopicError` where the input is not clear, and RuntimeError
    where rviz2 is asked for and absent: found missing once the node runs, it would leave the node behind."""
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    build_only = value["build_only"] == "true"
    if value["rviz"] == "true" and not build_only:
        require_rviz()
    topic = value["input"] or ("points" if build_only else find_cloud_topic())
    given: dict[str, str | bool] = {name: value[name] for name in ("model", "engine", "target_frame") if value[name]}
    given |= {"build_only": True} if build_only else {}
    use_sim_time = {"use_sim_time": value["use_sim_time"] == "true"}
    segmenter = Node(
        package="jspnet_ros",
        executable="segment",
        name="jspnet_segmenter",
        output="screen",
        parameters=[value["params_file"], {**given, **use_sim_time}],
        remappings=[("~/input/points", topic)],
        ros_arguments=["--log-level", f"jspnet_segmenter:={value['log_level']}"],
        additional_env={TUNABLES: os.environ.get(TUNABLES, HUGE_PAGES)} if value["huge_pages"] == "true" else None,
    )
    actions = [LogInfo(msg="building the engine" if build_only else f"labelling {topic}"), segmenter]
    if value["rviz"] == "true" and not build_only:
        actions.append(rviz(value["target_frame"] or find_frame(topic), topic, use_sim_time))
    return actions


def require_rviz() -> None:
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError:
        distribution = os.environ.get("ROS_DISTRO", "jazzy")
        raise RuntimeError(
            f"rviz:=true needs rviz2, which is not installed: sudo apt install ros-{distribution}-rviz2, or start it "
            f"on another machine with -d {SHARE / 'rviz' / 'segment.rviz'}"
        ) from None


def rviz(frame: str, topic: str, parameters: dict) -> Node:
    """rviz2 in the frame of the labelled clouds, its raw display on the input."""
    fixed_frame = ["-f", frame] if frame else []
    return Node(
        package="rviz2",
        executable="rviz2",
        output="screen",
        arguments=["-d", str(SHARE / "rviz" / "segment.rviz"), *fixed_frame],
        parameters=[parameters],
        remappings=[("/jspnet_segmenter/input/points", topic)],
    )
