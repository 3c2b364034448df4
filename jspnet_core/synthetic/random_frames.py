"""Frames of random sensors from random poses."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.frames import SensorFrame, take_frame
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.poses import interest, random_pose
from jspnet_core.synthetic.render.shade import Light
from jspnet_core.synthetic.render.triangles import Triangles
from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.setup import random_setup

KIND_SHARE = {"stereo": 0.4, "structured_light": 0.22, "time_of_flight": 0.28, "lidar": 0.1}
"""How often a kind of sensor takes a frame, where all kinds are asked for."""

TRIES = 8
"""Poses that are tried for one frame."""

CANDIDATES = 4
"""Poses of which the one with most to see takes the frame: random ones mostly look at a bare wall."""

PLAIN_SHARE = 0.2
"""Share of the frames from the first pose that comes, whatever it looks at."""

LEAST_SEEN = 0.25
"""Share of the pixels that must return something, else the camera looks at nothing."""


def random_frame(
    scene: FurnishedScene,
    triangles: Triangles,
    light: Light,
    devices: tuple[Device, ...],
    rng: np.random.Generator,
) -> SensorFrame:
    """Draw a device and a pose, and take a frame; the last of TRIES if all of them show almost nothing."""
    kinds = sorted({device.kind for device in devices})
    share = np.array([KIND_SHARE[kind] for kind in kinds])
    for _ in range(TRIES):
        kind = kinds[int(rng.choice(len(kinds), p=share / share.sum()))]
        chosen = [device for device in devices if device.kind == kind]
        weight = np.array([1.0 if device.color_field_x or kind == "lidar" else 0.3 for device in chosen])
        device = chosen[int(rng.choice(len(chosen), p=weight / weight.sum()))]
        width = int(rng.choice((212, 320, 424, 640), p=(0.1, 0.55, 0.27, 0.08)))
        poses = [random_pose(scene, triangles, rng) for _ in range(1 if rng.random() < PLAIN_SHARE else CANDIDATES)]
        pose = max(poses, key=lambda pose: interest(triangles, pose, device.field_x)) if len(poses) > 1 else poses[0]
        setup = random_setup(device, rng, width, scene.lighting.exposure)
        frame = take_frame(triangles, light, setup, pose, rng)
        seen = np.isfinite(frame.points[..., 0])
        labels = np.unique(frame.label[seen])
        if device.kind == "lidar" or (seen.mean() > LEAST_SEEN and len(labels) > 1):
            break
    return frame
