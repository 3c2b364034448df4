"""Markers for rviz2: a box and a caption for each thing."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from jspnet_core.classes import ClassTable
from jspnet_core.segmentation import Instance
from jspnet_ros.messages.transforms import point_message, pose_message

CAPTION_HEIGHT = 0.12
"""Metres."""

THINNEST = 0.01
"""Metres; viewers reject a box without thickness."""


def thing_markers(
    header: Header, instances: list[Instance], classes: ClassTable, T_header_gravity: np.ndarray
) -> MarkerArray:
    """Make a box and a caption for each thing; the first marker deletes those of the frame before.

    T_header_gravity: (4, 4), from the gravity frame, in which the boxes are axis-aligned, to the header's frame.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for instance in instances:
        if classes.is_thing(instance.label):
            markers.append(_box(header, instance, classes, T_header_gravity))
            markers.append(_caption(header, instance, classes, T_header_gravity))
    return MarkerArray(markers=markers)


def color_message(color: tuple[int, int, int], alpha: float = 1.0) -> ColorRGBA:
    """Convert red, green and blue, 0 to 255, to a message with 0 to 1."""
    r, g, b = (channel / 255 for channel in color)
    return ColorRGBA(r=r, g=g, b=b, a=alpha)


def _box(header: Header, instance: Instance, classes: ClassTable, T: np.ndarray) -> Marker:
    size = np.maximum(instance.maximum - instance.minimum, THINNEST)
    T_header_box = T.copy()
    T_header_box[:3, 3] = _in_header(T, (instance.minimum + instance.maximum) / 2)
    return Marker(
        header=header,
        ns="boxes",
        id=instance.id,
        type=Marker.CUBE,
        action=Marker.ADD,
        pose=pose_message(T_header_box),
        scale=Vector3(x=float(size[0]), y=float(size[1]), z=float(size[2])),
        color=color_message(classes.colors[instance.label], alpha=0.35),
    )


def _caption(header: Header, instance: Instance, classes: ClassTable, T: np.ndarray) -> Marker:
    top = (instance.minimum + instance.maximum) / 2
    top[2] = instance.maximum[2] + CAPTION_HEIGHT
    marker = Marker(
        header=header,
        ns="captions",
        id=instance.id,
        type=Marker.TEXT_VIEW_FACING,
        action=Marker.ADD,
        scale=Vector3(z=CAPTION_HEIGHT),
        color=color_message((255, 255, 255)),
        text=f"{classes.names[instance.label]} {instance.id} ({100 * instance.confidence:.0f} %)",
    )
    marker.pose.position = point_message(_in_header(T, top))
    return marker


def _in_header(T_header_gravity: np.ndarray, xyz: np.ndarray) -> np.ndarray:
    return T_header_gravity[:3, :3] @ xyz + T_header_gravity[:3, 3]
