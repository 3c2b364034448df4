"""Topics and services of the memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import Trigger

from jspnet_core.errors import JspnetError
from jspnet_core.memory import MapObject
from jspnet_core.memory.storage import MapFileError
from jspnet_core.segmentation import Segmentation
from jspnet_ros.messages.labelled_clouds import instance_cloud
from jspnet_ros.messages.map_objects import in_header, object_array
from jspnet_ros.messages.transforms import transformed
from jspnet_ros.node import topics
from jspnet_ros.node.frame_memory import FrameMemory
from jspnet_ros.node.publishers import topic_publisher
from jspnet_ros.srv import GetObjects, MapFile

OBJECT_PERIOD = 1.0
"""Least seconds between two messages of the objects."""


class MemoryOutputs:
    """Publishes the objects and the map at a low rate, and answers the services of the map."""

    def __init__(self, node: LifecycleNode, memory: FrameMemory, map_period: float) -> None:
        self._node, self._memory = node, memory
        self._objects, self._map = topic_publisher(node, topics.OBJECTS), topic_publisher(node, topics.MAP)
        self._due = {"objects": 0.0, "map": 0.0}
        self._period = {"objects": OBJECT_PERIOD, "map": map_period}
        self._services = [
            node.create_service(GetObjects, "~/get_objects", self._get_objects),
            node.create_service(MapFile, "~/save_map", self._save),
            node.create_service(MapFile, "~/load_map", self._load),
            node.create_service(Trigger, "~/clear_map", self._clear),
        ]

    def close(self) -> None:
        for service in self._services:
            self._node.destroy_service(service)
        for publisher in (self._objects, self._map):
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(self) -> None:
        """Publish what is due; the map only where it has a subscriber. In the thread that publishes frames."""
        if self._is_due("objects"):
            objects, view = self._memory.objects()
            self._objects.publish(object_array(view.header, objects, self._memory.classes, view.T_header_map))
        if self._map.get_subscription_count() > 0 and self._is_due("map"):
            cloud, view = self._memory.cloud()
            points = transformed(view.T_header_map, cloud.points.astype(np.float32))
            none = np.eye(4)
            labels = Segmentation(cloud.label, cloud.instance, cloud.confidence, [], none, "", 0, 0)
            self._map.publish(instance_cloud(view.header, (1, len(points)), points, labels))

    def _is_due(self, name: str) -> bool:
        now = time.monotonic()
        due = now >= self._due[name]
        if due:
            self._due[name] = now + self._period[name]
        return due

    def _get_objects(self, request: Any, response: Any) -> Any:
        names = self._memory.classes.names
        problem = query_problem(request, names)
        if problem:
            response.success, response.message = False, problem
            return response
        objects, view = self._memory.objects()
        center = _xyz(request.center)
        chosen = []
        for item in objects:
            place = in_header(view.T_header_map, item.centroid)
            if fits(request, names[item.label], place):
                chosen.append((float(np.linalg.norm(place - center)), item))
        nearest: list[MapObject] = [item for _, item in sorted(chosen, key=lambda pair: pair[0])]
        response.success = True
        response.objects = object_array(view.header, nearest, self._memory.classes, view.T_header_map)
        return response

    def _save(self, request: Any, response: Any) -> Any:
        return self._answer(request, response, "saved to", self._memory.save)

    def _load(self, request: Any, response: Any) -> Any:
        self._due = dict.fromkeys(self._due, 0.0)
        return self._answer(request, response, "loaded from", self._memory.load)

    def _clear(self, _: Any, response: Any) -> Any:
        self._memory.clear()
        self._due = dict.fromkeys(self._due, 0.0)
        response.success, response.message = True, "the map is empty"
        return response

    def _answer(self, request: Any, response: Any, word: str, work: Callable[[str], int]) -> Any:
        try:
            if not request.path.strip():
                raise MapFileError("path is empty, the name of a map file (.npz) is needed")
            voxels = work(request.path)
        except JspnetError as error:
            response.success, response.message = False, str(error)
            self._node.get_logger().error(str(error))
            return response
        response.success, response.message = True, f"{voxels} voxels {word} {request.path}"
        self._node.get_logger().info(response.message)
        return response


def query_problem(request: Any, names: tuple[str, ...]) -> str:
    """Why a request for objects cannot be answered; empty where it can."""
    if request.class_name and request.class_name not in names:
        return f"no class {request.class_name!r}: the model has {', '.join(names)}"
    if not (np.isfinite(request.radius) and request.radius >= 0):
        return f"radius is {request.radius}, must be 0 (no limit) or more metres"
    if not all(np.isfinite(_xyz(p)).all() for p in (request.center, request.minimum, request.maximum)):
        return "center, minimum and maximum must be finite"
    return ""


def fits(request: Any, name: str, place: np.ndarray) -> bool:
    """Whether an object of a class at a place, (3,), is asked for."""
    low, high = _xyz(request.minimum), _xyz(request.maximum)
    if request.class_name not in ("", name):
        return False
    if request.radius > 0 and np.linalg.norm(place - _xyz(request.center)) > request.radius:
        return False
    if not low.any() and not high.any():
        return True
    return bool((place >= np.minimum(low, high)).all() and (place <= np.maximum(low, high)).all())


def _xyz(point: Any) -> np.ndarray:
    return np.array([point.x, point.y, point.z])
