"""Parameters of commercial depth cameras and spinning lidars, from their data sheets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["stereo", "structured_light", "time_of_flight", "lidar"]
KINDS: tuple[Kind, ...] = ("stereo", "structured_light", "time_of_flight", "lidar")


@dataclass(frozen=True)
class Device:
    """One sensor. Angles in degrees, lengths in metres.

    width, height: pixels of the depth picture; of a lidar: measurements a turn, and rings. field_x, field_y: field of
    view. lowest: elevation of a lidar's lowest ring. nearest, farthest: range. baseline: between the two eyes, or
    between projector and eye. color_field_x, color_field_y: of the colour camera, 0 where there is none; color_offset:
    how far it stands to the right of the depth camera.
    """

    name: str
    kind: Kind
    width: int
    height: int
    field_x: float
    field_y: float
    nearest: float
    farthest: float
    baseline: float = 0.0
    color_field_x: float = 0.0
    color_field_y: float = 0.0
    color_offset: float = 0.0
    lowest: float = 0.0


DEVICES = (
    Device("realsense_d435", "stereo", 848, 480, 87, 58, 0.25, 6.0, 0.050, 69, 42, 0.015),
    Device("realsense_d415", "stereo", 848, 480, 65, 40, 0.40, 7.0, 0.055, 69, 42, 0.015),
    Device("realsense_d455", "stereo", 848, 480, 87, 58, 0.40, 8.0, 0.095, 90, 65, 0.059),
    Device("kinect_v1", "structured_light", 640, 480, 57, 43, 0.50, 6.0, 0.075, 62, 48.6, 0.025),
    Device("xtion_pro", "structured_light", 640, 480, 58, 45, 0.60, 4.5, 0.075, 58, 45, 0.025),
    Device("astra", "structured_light", 640, 480, 58.4, 45.5, 0.60, 8.0, 0.075, 63.1, 49.4, 0.025),
    Device("azure_kinect", "time_of_flight", 640, 576, 75, 65, 0.50, 5.5, 0.0, 90, 59, 0.032),
    Device("kinect_v2", "time_of_flight", 512, 424, 70.6, 60, 0.50, 6.0, 0.0, 84.1, 53.8, 0.052),
    Device("realsense_l515", "time_of_flight", 640, 480, 70, 55, 0.25, 9.0, 0.0, 70, 43, 0.014),
    Device("pico_flexx", "time_of_flight", 224, 171, 62, 45, 0.10, 4.0),
    Device("vlp_16", "lidar", 1800, 16, 360, 30, 0.40, 60.0, lowest=-15.0),
    Device("xt_32", "lidar", 2000, 32, 360, 31, 0.10, 60.0, lowest=-16.0),
    Device("os1_32", "lidar", 1024, 32, 360, 45, 0.40, 60.0, lowest=-22.5),
    Device("os0_64", "lidar", 1024, 64, 360, 90, 0.30, 35.0, lowest=-45.0),
    Device("mid_360", "lidar", 500, 40, 360, 59, 0.10, 40.0, lowest=-7.0),
)


def devices_of(kinds: tuple[str, ...]) -> tuple[Device, ...]:
    """Devices of some kinds. Raises ValueError for an unknown kind."""
    unknown = set(kinds) - set(KINDS)
    if unknown or not kinds:
        raise ValueError(f"kinds of sensors: {sorted(unknown) or 'none'}; accepted are {', '.join(KINDS)}")
    return tuple(device for device in DEVICES if device.kind in kinds)


def focal(pixels: int, field: float) -> float:
    """Focal length in pixels of a field of view in degrees."""
    return pixels / 2 / float(np.tan(np.radians(field) / 2))
