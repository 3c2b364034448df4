"""The memory of the node: poses of the clouds, settled labels, objects and the map, guarded for several threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from jspnet_core.memory import MapObject, MemorySettings, SceneMemory
from jspnet_core.memory.scene_memory import MapCloud
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.warm_up import made_up_room
from jspnet_core.segmentation import Segmentation
from jspnet_ros.messages.stamps import stamp_ns
from jspnet_ros.node.gravity_source import GravitySource
from jspnet_ros.node.parameters import NodeSettings, SettingError


@dataclass(frozen=True)
class MapView:
    """What the memory holds at one moment. header: of the messages. T_header_map: (4, 4), from the map's frame."""

    header: Header
    T_header_map: np.ndarray


class FrameMemory:
    """A `SceneMemory` fed with clouds of one sensor; every method takes a lock, labelling included.

    The map frame is parameter `map_frame`, or `target_frame`; where both are empty, the camera stands still, and
    messages of the map are in the frame of the clouds.
    """

    def __init__(self, settings: NodeSettings, segmenter: Segmenter, poses: GravitySource) -> None:
        """poses: of the clouds in the map frame; see `pose_source`."""
        self._poses = poses
        self.map_frame = settings.map_frame or settings.target_frame
        known = bool(self.map_frame or settings.sensor_pose.strip())
        self._lock = threading.Lock()
        self._view = MapView(Header(frame_id=self.map_frame), np.eye(4))
        self._memory = SceneMemory(
            segmenter,
            MemorySettings(
                voxel_size=settings.map_voxel_size,
                radius=settings.map_radius,
                max_voxels=settings.map_max_voxels,
                up_axis_known=known,
            ),
        )
        self.classes = self._memory.classes
        self._warm_up()

    def take(self, segmenter: Segmenter) -> None:
        """Go on with a segmenter that was loaded again."""
        with self._lock:
            self._memory.segmenter = segmenter

    def label(
        self, header: Header, points: np.ndarray, colors: np.ndarray | None, T_input_points: np.ndarray
    ) -> tuple[Segmentation, Mapping[int, float]]:
        """Label a cloud and remember it.

        Returns its segmentation and the seconds since each object was first seen, by id.
        Raises `TransformError`, `PoseError`, and what `SceneMemory.add` raises; the memory then stays as it was.
        """
        given = self._poses.T_gravity_input(header)
        T_map_input = np.eye(4) if given is None else given
        T, stamp = T_map_input @ T_input_points, 1e-9 * stamp_ns(header.stamp)
        with self._lock:
            found = self._memory.add(points, colors, T, stamp)
            first = self._memory.first_seen()
            self._view = self._seen_from(header, T_map_input)
        return found, {item.id: max(0.0, stamp - first.get(item.id, stamp)) for item in found.instances}

    def objects(self) -> tuple[list[MapObject], MapView]:
        """Objects of the map, and how to publish them."""
        with self._lock:
            return self._memory.objects(), self._view

    def cloud(self) -> tuple[MapCloud, MapView]:
        """Return the map, and how to publish it."""
        with self._lock:
            return self._memory.cloud(), self._view

    def save(self, path: str) -> int:
        """Write the map. Returns its voxels. Raises `MapFileError`."""
        with self._lock:
            self._memory.save(Path(path))
            return len(self._memory)

    def load(self, path: str) -> int:
        """Read a map in place of this one. Returns its voxels. Raises `MapFileError`; the map then stays."""
        with self._lock:
            self._memory.load(Path(path))
            return len(self._memory)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._memory.clear()

    def about(self) -> str:
        """Size of the map and jumps of the pose, for people."""
        memory = self._memory  # numbers alone: the lock is held while a cloud is labelled
        return f"{len(memory)} voxels, {memory.nbytes >> 20} MB, {memory.jumps} jumps of the pose"

    def _seen_from(self, header: Header, T_map_input: np.ndarray) -> MapView:
        if self.map_frame:
            return MapView(Header(stamp=header.stamp, frame_id=self.map_frame), np.eye(4))
        return MapView(header, np.linalg.inv(T_map_input))

    def _warm_up(self) -> None:
        """Compile or load the kernels of the memory."""
        points, colors = made_up_room()
        for _ in range(2):
            self._memory.add(points, colors, np.eye(4), 0.0)
        self._memory.cloud()
        self._memory.clear()


def pose_source(node: Node, settings: NodeSettings, gravity: GravitySource) -> GravitySource:
    """Find the source of the clouds' poses in the map frame: `gravity` itself where that is the map frame.

    Raises `SettingError` for frames that contradict each other, `Tf2MissingError`.
    """
    if settings.map_frame and settings.target_frame and settings.map_frame != settings.target_frame:
        raise SettingError(
            f"map_frame is {settings.map_frame!r} and target_frame {settings.target_frame!r}: with a memory, set one "
            "of them, or both to one frame"
        )
    if settings.map_frame and settings.sensor_pose.strip():
        raise SettingError("map_frame and sensor_pose both give the pose of the camera: set one of them")
    if not settings.map_frame or settings.map_frame == settings.target_frame:
        return gravity
    return GravitySource(node, settings, "map_frame")


def in_frame(found: Segmentation, T_gravity_points: np.ndarray) -> Segmentation:
    """Move a memory's segmentation to a gravity frame that differs from its own by a translation."""
    shift = T_gravity_points[:3, 3] - found.T_gravity_input[:3, 3]
    moved = [
        replace(i, centroid=i.centroid + shift, minimum=i.minimum + shift, maximum=i.maximum + shift)
        for i in found.instances
    ]
    return replace(found, instances=moved, T_gravity_input=T_gravity_points)
