"""Checks of launch arguments, made before any process starts: each problem is one sentence."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Any

from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_topic_name import validate_topic_name

from jspnet_core.errors import JspnetError

NODE_NAME = "jspnet_segmenter"


class LaunchArgumentError(JspnetError):
    """A launch argument that is not accepted: one sentence with the argument, what was found and what is accepted."""


def check_topic(argument: str, topic: str) -> None:
    """Raise `LaunchArgumentError` for a name that ROS does not accept as a topic."""
    try:
        validate_topic_name(topic)
    except InvalidTopicNameException as error:
        reason = str(error).splitlines()[0]
        raise LaunchArgumentError(
            f"{argument}:={topic!r} is no topic name ({reason}); letters, digits, _, / and ~ are accepted"
        ) from None


def check_parameter_file(path: str, namespace: str = "") -> None:
    """Raise `LaunchArgumentError` for a parameter file that is missing, broken, or has no parameters for the node."""
    import yaml

    file = Path(path)
    if not file.is_file():
        raise LaunchArgumentError(f"params_file:={path} does not exist; the path of a YAML parameter file is accepted")
    try:
        content = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise LaunchArgumentError(f"params_file:={path} is not valid YAML: {reason}") from None
    full_name = f"{namespace.rstrip('/')}/{NODE_NAME}"
    if not isinstance(content, dict) or not any(_names_node(key, full_name) for key in _sections(content)):
        found = ", ".join(_sections(content)) if isinstance(content, dict) else type(content).__name__
        raise LaunchArgumentError(
            f"params_file:={path} has no parameters for {full_name} (found: {found or 'nothing'}); accepted is "
            f"'/**/{NODE_NAME}:' with 'ros__parameters:' below it, as in config/segment.yaml"
        )


def _sections(content: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the names of the nodes with parameters; names may be nested by namespace."""
    names: list[str] = []
    for key, value in content.items():
        name = f"{prefix}/{str(key).strip('/')}"
        if isinstance(value, dict):
            names += [name] if "ros__parameters" in value else _sections(value, name)
    return names


def _names_node(pattern: str, full_name: str) -> bool:
    """Return whether a section's name, with `*` for one token and `**` for any, is the node's."""
    return fnmatch.fnmatch(full_name, pattern) or fnmatch.fnmatch(full_name, pattern.replace("/**/", "/", 1))
