"""Furnished worlds for walks of a simulated camera, and for scans room by room."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit

from jspnet_core.synthetic.assets.library import CATALOGUE, read_library
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.frames import SensorFrame, take_frame
from jspnet_core.synthetic.layout import make_furnished_scene
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.outlook import look_across
from jspnet_core.synthetic.places import in_outline
from jspnet_core.synthetic.primitives.camera import Camera
from jspnet_core.synthetic.primitives.path import STEP, largest_free, look, walk
from jspnet_core.synthetic.render.exposure import Exposure
from jspnet_core.synthetic.render.shade import Light, light_scene
from jspnet_core.synthetic.render.triangles import Triangles, flatten
from jspnet_core.synthetic.scan import Cloud, scan_room
from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.setup import Setup
from jspnet_core.synthetic.sensors.stereo import Matching

logger = logging.getLogger(__name__)

OWN = "own"
"""In place of a library's folder: the shapes of this project alone."""

CLEARANCE = 0.25
"""Metres between a walking camera and everything that stands around."""

GLANCE = np.radians(12.0)
"""Angle that a walking camera looks to each side."""


@dataclass(frozen=True)
class World:
    """A furnished scene with its triangles and light. World frame: metres, z up, floor at z = 0."""

    scene: FurnishedScene
    triangles: Triangles
    light: Light

    @property
    def name(self) -> str:
        return self.scene.name

    def depth_frame(
        self, T_world_camera: np.ndarray, rng: np.random.Generator, camera: Camera | None = None
    ) -> SensorFrame:
        """An organised frame of a structured-light camera, 640 x 480 by default, from a pose, (4, 4)."""
        return take_frame(self.triangles, self.light, _setup(camera or Camera(), self.scene), T_world_camera, rng)

    def room_cloud(self, rng: np.random.Generator, room: int = 0) -> Cloud:
        """One room, scanned whole."""
        return scan_room(self.scene, self.triangles, self.light, room, rng)

    def walk(self, frames: int = 300, seed: int = 0) -> Iterator[np.ndarray]:
        """A walk round all rooms that open doors lead to: `frames` poses, T_world_camera (4, 4), optical frame.

        The camera looks across the room that it is in.
        """
        low = np.concatenate(self.scene.outlines).min(0)
        size = np.concatenate(self.scene.outlines).max(0) - low
        shape = np.maximum((size / STEP).astype(int), 1)
        cells = (np.moveaxis(np.indices(shape), 0, -1).reshape(-1, 2) + 0.5) * STEP + low
        inside = np.any([in_outline(cells, np.ascontiguousarray(o, np.float64), 0.15) for o in self.scene.outlines], 0)
        standing = ~inside.reshape(shape)
        _stand(self.triangles.vertices, self.triangles.faces, low, standing)
        poses = np.array(list(walk(largest_free(standing, CLEARANCE), low, frames, np.random.default_rng(seed))))
        yaws = look_across(inside.reshape(shape), STEP, poses[:, :2, 3] - low)
        for i, (pose, yaw) in enumerate(zip(poses, yaws, strict=True)):
            pitch = np.arcsin(np.clip(-pose[2, 2], -1.0, 1.0))
            yield look(pose[:3, 3], yaw + GLANCE * np.sin(10.0 * np.pi * i / frames), pitch)


def make_world(seed: int, kind: str | None = None, assets: Path | str | None = None) -> World:
    """A furnished world; the same seed, kind and library give the same world.

    kind: one of `layout.KINDS`; None draws one. assets: folder of a furniture library, or OWN; None takes the library
    in its usual place, and own shapes, with a line in the log, where there is none.
    """
    folder = assets_folder(assets)
    if assets is None and not (folder / CATALOGUE).is_file():
        logger.info("no furniture library at %s: furnished with own shapes", folder)
        assets = OWN
    library = None if assets == OWN else read_library(folder)
    scene = make_furnished_scene(seed, kind, library)
    triangles = flatten(scene.placed, None if library is None else library.textures)
    return World(scene, triangles, light_scene(scene, triangles))


def _setup(camera: Camera, scene: FurnishedScene) -> Setup:
    """Parameters of an early structured-light camera with its usual errors."""
    field_x, field_y = (
        2 * np.degrees(np.arctan(0.5 * pixels / focal))
        for pixels, focal in ((camera.width, camera.focal_x), (camera.height, camera.focal_y))
    )
    device = Device(
        "simulated", "structured_light", camera.width, camera.height, field_x, field_y, camera.nearest,
        camera.farthest, 0.075, field_x, field_y, 0.0,
    )  # fmt: skip
    scale = camera.width / 640
    faults = Matching(noise=0.06 * scale, wave=0.03 * scale, step=scale / 8, window=1, shadow=-1, hunger=0.05)
    exposure = Exposure(key=0.28 * float(np.clip(scene.lighting.exposure, 0.7, 1.3)), gain=(1.0, 1.0, 1.0), noise=2.5)
    return Setup(device, camera.width, camera.height, exposure, faults, False, len(scene.placed))


@njit(cache=True, nogil=True)
def _stand(vertices: np.ndarray, faces: np.ndarray, low: np.ndarray, standing: np.ndarray) -> None:
    """Mark the cells of a floor plan, (X, Y) bool, below triangles between ankle and head height."""
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        if max(a[2], b[2], c[2]) < 0.08 or min(a[2], b[2], c[2]) > 1.9:
            continue
        longest = max(np.abs(b - a).max(), np.abs(c - a).max(), np.abs(c - b).max())
        steps = int(longest / (0.5 * STEP)) + 1
        for i in range(steps + 1):
            for j in range(steps + 1 - i):
                point = a + (b - a) * (i / steps) + (c - a) * (j / steps)
                x, y = int(np.floor((point[0] - low[0]) / STEP)), int(np.floor((point[1] - low[1]) / STEP))
                if 0.08 < point[2] < 1.9 and 0 <= x < standing.shape[0] and 0 <= y < standing.shape[1]:
                    standing[x, y] = True
