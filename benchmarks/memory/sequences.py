"""Moving cameras in furnished scenes, with the truth of every point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jspnet_core.data.furnished import SceneSource, make
from jspnet_core.synthetic.frames import SensorFrame, take_frame
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.poses import aim
from jspnet_core.synthetic.sensors.devices import DEVICES
from jspnet_core.synthetic.sensors.setup import random_setup

DEVICE = next(device for device in DEVICES if device.name == "kinect_v1")
OWN = "own"
FIRST = 700_000
"""Numbers of these scenes: none of them trains."""


def sequence(number: int, frames: int, assets: Path | None, width: int) -> Iterator[SensorFrame]:
    """Frames of a camera that walks through the largest room of a scene and looks about; furniture of the val split."""
    source = SceneSource(FIRST + number, 0, str(assets) if assets else OWN, assets is not None)
    scene, triangles, light = make(source)
    rng = np.random.default_rng(FIRST + number)
    setup = random_setup(DEVICE, rng, width, scene.lighting.exposure)
    for pose in walk(scene, frames, rng):
        yield take_frame(triangles, light, setup, pose, rng)


def walk(scene: FurnishedScene, frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Poses, T_world_camera (4, 4): from place to place on free floor, looking at the middle of the room and around."""
    free = max(scene.free, key=len)
    stops = free[rng.choice(len(free), max(3, frames // 15) + 1)]
    middle, height = free.mean(axis=0), rng.uniform(0.6, 1.4)
    for i in range(frames):
        at = i / frames * (len(stops) - 1)
        k, share = int(at), at - int(at)
        share = share * share * (3.0 - 2.0 * share)  # slows down at each stop
        place = (1.0 - share) * stops[k] + share * stops[k + 1]
        across = middle - place
        yaw = float(np.arctan2(across[1], across[0])) + 0.9 * np.sin(0.23 * i)
        pitch = np.radians(14.0 + 10.0 * np.sin(0.11 * i))
        yield aim(np.append(place, height + 0.05 * np.sin(0.4 * i)), yaw, float(pitch), 0.02 * np.sin(0.3 * i))
