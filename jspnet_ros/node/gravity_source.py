"""The gravity frame where the user gives it: a tf2 frame, or the fixed pose of the sensor."""

from __future__ import annotations

from typing import Any

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from jspnet_core.errors import JspnetError
from jspnet_ros.messages.transforms import from_quaternion, matrix, parse_pose
from jspnet_ros.node.parameters import NodeSettings


class TransformError(JspnetError):
    """A transform that cannot be had. `reason` is a short slug for counting."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Tf2MissingError(JspnetError):
    """tf2_ros is not installed: one sentence with the ways out."""


class GivenGravity:
    """The transform of each cloud into the gravity frame, if parameters `target_frame` or `sensor_pose` give one.

    target_frame: the frame clouds are labelled and published in, or empty.
    Raises `Tf2MissingError` where a target frame is set and tf2_ros is not installed.
    """

    def __init__(self, node: Node, settings: NodeSettings) -> None:
        self.target_frame = settings.target_frame
        self._T_gravity_sensor = parse_pose(settings.sensor_pose) if settings.sensor_pose.strip() else None
        self._timeout = Duration(seconds=settings.tf_timeout)
        if self.target_frame:
            self._listen(node)

    @property
    def source(self) -> str:
        """Where the gravity frame comes from, for people; empty if it is to be found in each cloud."""
        if self.target_frame:
            return f"tf2 frame {self.target_frame}"
        return "" if self._T_gravity_sensor is None else "parameter sensor_pose"

    def T_gravity_input(self, header: Header) -> np.ndarray | None:
        """(4, 4) float64 at the header's time, None if not given.

        Raises `TransformError`, reason `no_transform`.
        """
        if not self.target_frame:
            return self._T_gravity_sensor
        try:
            stamped = self._buffer.lookup_transform(
                self.target_frame, header.frame_id, Time.from_msg(header.stamp), self._timeout
            )
        except self._error as error:
            raise TransformError("no_transform", f"no transform to {self.target_frame}: {error}") from None
        t, q = stamped.transform.translation, stamped.transform.rotation
        return matrix(np.array([t.x, t.y, t.z]), from_quaternion(q.x, q.y, q.z, q.w))

    def close(self) -> None:
        """Stop listening to transforms."""
        if self.target_frame:
            self._listener.unregister()

    def _listen(self, node: Node) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            raise Tf2MissingError(
                f"parameter target_frame is {self.target_frame!r} and needs tf2_ros, which cannot be imported "
                f"({error}): install ros-jazzy-tf2-ros-py, or leave target_frame empty and set sensor_pose"
            ) from None
        self._error: type[Exception] = tf2_ros.TransformException
        self._buffer: Any = tf2_ros.Buffer()
        self._listener: Any = tf2_ros.TransformListener(self._buffer, node)
