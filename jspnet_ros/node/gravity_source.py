"""The gravity frame as the user gives it: a tf2 frame, or the fixed pose of the sensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from jspnet_core.errors import JspnetError
from jspnet_ros.messages.stamps import stamp_ns
from jspnet_ros.messages.transforms import parse_pose, transform_matrix
from jspnet_ros.node.parameters import NodeSettings

LOOP_NS = 10 * 10**9
"""A stamp so much older than the one before is a recording that starts again: tf2 keeps transforms for ten seconds."""


class TransformError(JspnetError):
    """A transform that is not available or not usable. `reason` is a short slug for counting."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Tf2MissingError(JspnetError):
    """tf2_ros is not installed: one sentence that names the alternatives."""


class GravitySource:
    """The transform of each cloud into the gravity frame, if parameter `target_frame` or `sensor_pose` gives one.

    target_frame: the frame that clouds are labelled and published in, or empty.
    Raises `Tf2MissingError` where a target frame is set and tf2_ros is not installed.
    """

    def __init__(self, node: Node, settings: NodeSettings, parameter: str = "target_frame") -> None:
        """parameter: name of the setting that holds the frame, for messages."""
        self._parameter, self.target_frame = parameter, getattr(settings, parameter)
        self._logger = node.get_logger()
        self._T_gravity_sensor = parse_pose(settings.sensor_pose) if settings.sensor_pose.strip() else None
        self._timeout = Duration(seconds=settings.tf_timeout)
        self._last_ns: int | None = None
        if self.target_frame:
            self._listen(node)

    @property
    def source(self) -> str:
        """Origin of the gravity frame for logs and messages; empty if it is estimated from each cloud."""
        if self.target_frame:
            return f"tf2 frame {self.target_frame}"
        return "" if self._T_gravity_sensor is None else "parameter sensor_pose"

    def T_gravity_input(self, header: Header) -> np.ndarray | None:
        """Return the transform (4, 4) float64 at the header's time, None if none is given.

        Raises `TransformError`, reason `no_transform`, `bad_transform` or `bad_stamp`.
        """
        if not self.target_frame:
            return self._T_gravity_sensor
        stamp = stamp_ns(header.stamp)
        if stamp < 0:
            raise TransformError(
                "bad_stamp", f"the stamp is {header.stamp.sec} s, before 1970: no transform is looked up"
            )
        self._follow_loops(stamp)
        try:
            stamped = self._buffer.lookup_transform(
                self.target_frame, header.frame_id, Time(nanoseconds=stamp), self._timeout
            )
        except self._error as error:
            raise TransformError("no_transform", f"no transform to {self.target_frame}: {error}") from None
        try:
            return transform_matrix(stamped.transform)
        except ValueError as error:
            raise TransformError(
                "bad_transform", f"transform from {header.frame_id} to {self.target_frame}: {error}"
            ) from None

    def close(self) -> None:
        """Stop listening to transforms."""
        if self.target_frame:
            self._listener.unregister()
            self._buffer.jump_handle.unregister()
            self._node.destroy_service(self._buffer.srv)

    def _follow_loops(self, stamp: int) -> None:
        """Forget the transforms where a recording started again, also without /clock: tf2 drops older ones."""
        if self._last_ns is not None and stamp < self._last_ns - LOOP_NS:
            self._logger.info(
                f"stamps went back by {1e-9 * (self._last_ns - stamp):.0f} s: transforms before that are dropped"
            )
            self._buffer.clear()
        self._last_ns = stamp

    def _listen(self, node: Node) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            raise Tf2MissingError(
                f"parameter {self._parameter} is {self.target_frame!r} and needs tf2_ros, which cannot be imported "
                f"({error}): install ros-jazzy-tf2-ros-py, or leave {self._parameter} empty and set sensor_pose"
            ) from None
        self._node = node
        self._error: type[Exception] = tf2_ros.TransformException
        self._buffer: Any = tf2_ros.Buffer(node=node)  # with the node's clock: it is cleared where that jumps back
        self._listener: Any = tf2_ros.TransformListener(self._buffer, node)
