"""Parameters of the node: declared, described, bounded and checked from two settings classes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from jspnet_core.errors import JspnetError
from jspnet_core.settings import FrameSettings
from jspnet_ros.messages.transforms import parse_pose


class NodeSettings(BaseModel):
    """Settings of the node; those of the labels are in `FrameSettings`."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    model: str = Field(
        "", description="default, research or large, or the path of a model file (.onnx); empty: default"
    )
    engine: Literal["onnxruntime", "openvino", "tensorrt", "torch"] = Field(
        "onnxruntime", description="backend that runs the network"
    )
    target_frame: str = Field(
        "",
        description="tf2 frame with z up and the floor at z = 0; clouds are labelled and published in it; "
        "empty: the input's frame is kept and gravity comes from sensor_pose or the cloud",
    )
    tf_timeout: float = Field(0.1, ge=0.0, le=10.0, description="seconds to wait for the transform of a cloud")
    sensor_pose: str = Field(
        "",
        description="fixed pose of the cloud's frame above the floor, 'x y z roll pitch yaw' in metres and radians; "
        "empty: gravity is found in the cloud",
    )
    memory: bool = Field(
        False,
        description="keep a map over the clouds: labels settle and ids last; poses come from map_frame or "
        "target_frame, without both the camera must stand still",
    )
    map_frame: str = Field(
        "",
        description="tf2 frame of the memory, z up, such as map or odom; clouds keep their frame; empty: target_frame",
    )
    map_voxel_size: float = Field(0.05, ge=0.02, le=0.5, description="edge of a voxel of the memory, metres")
    map_radius: float = Field(
        15.0, ge=1.0, le=1000.0, description="metres around the sensor beyond which the memory forgets"
    )
    map_max_voxels: int = Field(1_000_000, ge=1000, le=20_000_000, description="most voxels in the memory")
    map_period: float = Field(5.0, ge=0.1, le=3600.0, description="least seconds between two messages of the map")
    scale: float = Field(
        1.0,
        ge=1e-4,
        le=1e4,
        description="factor from the clouds' coordinates to metres, such as 0.001 for millimetres; the labelled clouds "
        "are in metres",
    )
    slow_frame_ms: float = Field(
        1000.0, ge=0.0, le=3.6e6, description="a frame slower than this is reported on /diagnostics; 0: never"
    )
    silence_warn: float = Field(
        3.0, ge=0.0, le=3600.0, description="seconds without a cloud until /diagnostics warns; 0: never"
    )
    silence_error: float = Field(
        10.0, ge=0.0, le=3600.0, description="seconds without a cloud until /diagnostics reports an error; 0: never"
    )
    autostart: bool = Field(True, description="configure and activate at start, without a lifecycle manager")
    build_only: bool = Field(
        False, description="build the engine of this machine's GPU, or find it built, and end; for engine tensorrt"
    )
    exit_on_failure: bool = Field(
        False,
        description="end the process with exit code 3, for a supervisor that restarts it, where configuring fails at "
        "start or repeated failures deactivate the node; false: it stays, with an error on /diagnostics",
    )

    @field_validator("sensor_pose")
    @classmethod
    def _pose_can_be_read(cls, value: str) -> str:
        if value.strip():
            parse_pose(value)
        return value


AT_CONFIGURE = frozenset(
    {
        "model", "engine", "target_frame", "tf_timeout", "sensor_pose", "threads",
        "memory", "map_frame", "map_voxel_size", "map_radius", "map_max_voxels", "map_period",
    }
)  # fmt: skip
"""Parameters that are read when the node is configured; the others apply from the next cloud on."""

AT_START = frozenset({"autostart", "build_only", "exit_on_failure"})
"""Parameters that are read when the node starts, and cannot be changed."""

Settings = TypeVar("Settings", bound=BaseModel)


class SettingError(JspnetError):
    """A parameter with a value that is not accepted: one sentence naming it and what is accepted."""


def declare(node: Node, settings: type[BaseModel]) -> None:
    """Declare a parameter for every field, with description and range, as its class states them."""
    for name, field in settings.model_fields.items():
        node.declare_parameter(name, field.default, _descriptor(name, field))


def read(node: Node, settings: type[Settings], changes: Mapping[str, Any] | None = None) -> Settings:
    """Read the node's parameters as settings; `changes` are values about to be set. Raises `SettingError`."""
    values = {name: node.get_parameter(name).value for name in settings.model_fields}
    values.update({name: value for name, value in (changes or {}).items() if name in values})
    try:
        return settings(**values)
    except ValidationError as error:
        raise SettingError("; ".join(_sentence(problem) for problem in error.errors())) from None


def overrides(node: Node) -> set[str]:
    """Return the names of parameters given on the command line or in a file, declared by the node or not."""
    return set(node._parameter_overrides)  # rclpy has no public way to them


def unknown_names(node: Node) -> list[str]:
    """Return a sentence for each given parameter that the node does not have, with the most similar one.

    Call it after all parameters are declared.
    """
    known = [*NodeSettings.model_fields, *FrameSettings.model_fields]
    sentences = []
    for name in sorted(overrides(node)):
        if node.has_parameter(name) or name.startswith("qos_overrides."):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the node has {', '.join(known)}"
        sentences.append(f"unknown parameter {name}: {hint}")
    return sentences


def accepted_values(field: FieldInfo) -> str:
    """Describe the accepted values of a parameter in Markdown: its range, its choices or its type."""
    low, high = _bounds(field)
    if low is not None or high is not None:
        above = "above " if any(hasattr(bound, "gt") for bound in field.metadata) else ""
        return f"{above}{low} to {high}"
    choices = ("true", "false") if field.annotation is bool else _choices(field)
    return ", ".join(f"`{choice}`" for choice in choices) or "text"


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for bound in field.metadata:
        low = getattr(bound, "ge", getattr(bound, "gt", low))
        high = getattr(bound, "le", getattr(bound, "lt", high))
    return low, high


def _choices(field: FieldInfo) -> tuple[str, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _descriptor(name: str, field: FieldInfo) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=field.description or "", read_only=name in AT_START)
    choices = _choices(field)
    if choices:
        descriptor.additional_constraints = f"one of {', '.join(choices)}"
    low, high = _bounds(field)
    if low is None or high is None:
        return descriptor
    if isinstance(field.default, float):
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    else:
        descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor


def _sentence(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    return f"parameter {name} is {problem['input']!r}: {problem['msg']}"
