"""Simulated depth camera in a furnished world: clouds to try the node with and, if wanted, their truth.

    python -m jspnet_ros.simulated_camera --ros-args -p rate:=5.0 -p seed:=3

Publishes `~/points`, organised 640 x 480 XYZRGB in an optical frame, as drivers do; with `truth:=true` also `~/truth`,
the same points with the fields label and instance and the same stamp. The walk is rendered before the first cloud, so
that the rate is held, and repeated.
"""

from __future__ import annotations

import sys
import time
from typing import Literal

import numpy as np
import rclpy
from pydantic import BaseModel, ConfigDict, Field
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from jspnet_core.errors import JspnetError
from jspnet_core.synthetic.frames import SensorFrame
from jspnet_core.synthetic.world import make_world
from jspnet_ros.messages.cloud_colors import pack_rgb
from jspnet_ros.messages.labelled_clouds import color_cloud, record_cloud
from jspnet_ros.node.parameters import SettingError, declare, read

TRUTH_POINT = np.dtype(
    {
        "names": ["x", "y", "z", "rgb", "label", "instance"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "u1", "<u4"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
"""A point of the truth: the colours are the camera's."""


RoomKind = Literal[
    "living_room", "bedroom", "kitchen", "dining_room", "bathroom", "hall", "corridor", "office", "open_office",
    "meeting_room", "classroom", "library", "shop", "workshop", "dwelling", "floor",
]  # fmt: skip
"""Kinds of `jspnet_core.synthetic.layout`."""


class CameraSettings(BaseModel):
    """Settings of the camera, as parameters of the node."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate: float = Field(5.0, ge=0.1, le=60.0, description="clouds per second")
    clouds: int = Field(0, ge=0, le=10**9, description="clouds to send before it ends; 0: no end")
    poses: int = Field(40, ge=1, le=400, description="clouds of one walk round the rooms, about 6 MB of memory each")
    seed: int = Field(0, ge=0, le=2**31, description="number of the world")
    room: RoomKind = Field("office", description="kind of room, or dwelling or floor: several rooms")
    assets: str = Field(
        "", description="folder of a furniture library; own: own shapes alone; empty: the library in its usual place"
    )
    reliability: Literal["reliable", "best_effort"] = Field("reliable", description="of the clouds")
    wait_for_subscriber: bool = Field(True, description="send nothing before the clouds have a subscriber")
    truth: bool = Field(
        False, description="publish ~/truth, too; a second PointCloud2, so that the node needs its input topic"
    )
    frame_id: str = Field("camera_rgb_optical_frame", description="frame of the clouds: x right, y down, z forward")


class SimulatedCamera(Node):
    """`simulated_camera`. Raises `SettingError` or rclpy's `ParameterException` for parameters that are refused,
    and `JspnetError` for a furniture library that cannot be read."""

    def __init__(self) -> None:
        super().__init__("simulated_camera")
        declare(self, CameraSettings)
        self._settings = s = read(self, CameraSettings)
        self.sent = 0
        self._points = self._publisher("~/points", s.reliability)
        self._truth = self._publisher("~/truth", "reliable") if s.truth else None
        self._frames = self._render(s)
        self.create_timer(1.0 / s.rate, self._send)
        self.add_on_set_parameters_callback(_refuse)  # after the publishers, whose policies are parameters too

    @property
    def finished(self) -> bool:
        return 0 < self._settings.clouds <= self.sent

    def _publisher(self, topic: str, reliability: str) -> Publisher:
        policy = ReliabilityPolicy[reliability.upper()]
        profile = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=2, reliability=policy)
        overriding = QoSOverridingOptions.with_default_policies()
        return self.create_publisher(PointCloud2, topic, profile, qos_overriding_options=overriding)

    def _render(self, settings: CameraSettings) -> list[SensorFrame]:
        """Render the whole walk, about 6 MB a frame."""
        start = time.monotonic()
        world = make_world(settings.seed, settings.room, settings.assets or None)
        rng, frames = np.random.default_rng(settings.seed), []
        for T_world_camera in world.walk(settings.poses, settings.seed):
            frames.append(world.depth_frame(T_world_camera, rng))
            self.get_logger().info(
                f"rendered {len(frames)} of {settings.poses} views of {world.name}", throttle_duration_sec=5.0
            )
        self.get_logger().info(f"{settings.poses} views of {world.name} rendered in {time.monotonic() - start:.1f} s")
        return frames

    def _send(self) -> None:
        if self.finished or (self._settings.wait_for_subscriber and self._points.get_subscription_count() == 0):
            return
        frame = self._frames[self.sent % len(self._frames)]
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._settings.frame_id)
        shape = frame.label.shape
        if self._truth is not None and self._truth.get_subscription_count() > 0:  # first: labels never precede it
            self._truth.publish(truth_cloud(header, frame))
        self._points.publish(color_cloud(header, shape, frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)))
        self.sent += 1


def _refuse(_: list[Parameter]) -> SetParametersResult:
    return SetParametersResult(successful=False, reason="the camera reads its parameters when it starts")


def truth_cloud(header: Header, frame: SensorFrame) -> PointCloud2:
    """Make a cloud of the frame's points with the camera's colours and the true label and instance of each."""
    records = np.zeros(frame.label.size, TRUTH_POINT)
    for axis, name in enumerate("xyz"):
        records[name] = frame.points[..., axis].ravel()
    records["rgb"] = pack_rgb(frame.colors.reshape(-1, 3))
    records["label"] = frame.label.ravel()
    records["instance"] = frame.instance.ravel()
    return record_cloud(header, frame.label.shape, records)


def main() -> int:
    """Run the camera until it is interrupted or has sent its clouds. Returns 2 where a parameter is refused."""
    rclpy.init()
    try:
        camera = SimulatedCamera()
    except (SettingError, ParameterException, JspnetError) as error:
        print(f"simulated_camera: {error}", file=sys.stderr)
        rclpy.try_shutdown()
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        rclpy.try_shutdown()
        return 0
    try:
        while not camera.finished:
            rclpy.spin_once(camera, timeout_sec=1.0)
        time.sleep(1.0)  # until the last cloud is out
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        print(f"simulated_camera: {camera.sent} clouds sent", file=sys.stderr)  # its logger may be shut down by now
        camera.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
