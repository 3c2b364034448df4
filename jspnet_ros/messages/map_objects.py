"""Objects of the map as messages."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Vector3
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from jspnet_core.classes import ClassTable
from jspnet_core.memory import MapObject as FoundObject
from jspnet_ros.messages.transforms import matrix, point_message, pose_message
from jspnet_ros.msg import MapObject, ObjectArray


def object_array(
    header: Header, objects: list[FoundObject], classes: ClassTable, T_header_map: np.ndarray
) -> ObjectArray:
    """Make the message of objects. T_header_map: (4, 4), from the map, in which the boxes stand upright."""
    return ObjectArray(header=header, objects=[object_message(item, classes, T_header_map) for item in objects])


def object_message(item: FoundObject, classes: ClassTable, T_header_map: np.ndarray) -> MapObject:
    """Make the message of one object."""
    T_map_box = matrix(item.center, Rotation.from_euler("z", item.yaw).as_matrix())
    size = [float(side) for side in item.size]
    return MapObject(
        id=item.id,
        class_id=item.label,
        class_name=classes.names[item.label],
        confidence=item.confidence,
        probabilities=item.probabilities.tolist(),
        voxel_count=item.point_count,
        centroid=point_message(in_header(T_header_map, item.centroid)),
        pose=pose_message(T_header_map @ T_map_box),
        size=Vector3(x=size[0], y=size[1], z=size[2]),
        first_seen=time_message(item.first_seen),
        last_seen=time_message(item.last_seen),
        views=item.views,
    )


def in_header(T_header_map: np.ndarray, xyz: np.ndarray) -> np.ndarray:
    """Take a point (3,) to the header's frame."""
    return T_header_map[:3, :3] @ xyz + T_header_map[:3, 3]


def time_message(seconds: float) -> Time:
    """Convert seconds since 1970 to a stamp."""
    whole = int(seconds // 1)
    return Time(sec=whole, nanosec=min(int((seconds - whole) * 1e9), 999_999_999))
