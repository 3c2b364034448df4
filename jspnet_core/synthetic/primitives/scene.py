"""A generated room that can be scanned whole, or looked at through a depth camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.primitives.camera import Camera, DepthFrame, take_frame
from jspnet_core.synthetic.primitives.path import floor_plan, free_floor, walk
from jspnet_core.synthetic.primitives.raycast import seen_from
from jspnet_core.synthetic.primitives.shading import Light, shade
from jspnet_core.synthetic.primitives.solids import Primitives
from jspnet_core.synthetic.primitives.surfaces import sample_surfaces


@dataclass(frozen=True)
class RoomCloud:
    """A labelled room as a laser or Matterport scan would give it.

    points: (N, 3) float32, metres from the room's minimum corner, z up. colors: (N, 3) uint8.
    label: (N,) uint8, S3DIS class. instance: (N,) int32, from 1, unique in the room.
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray


@dataclass(frozen=True)
class Scene:
    """A furnished room. World frame: metres, z up, floor at z = 0, a corner of the room at the origin.

    size: (3,) float64, the corner opposite the origin.
    """

    name: str
    solids: Primitives
    light: Light
    size: np.ndarray

    def depth_frame(
        self, T_world_camera: np.ndarray, rng: np.random.Generator, camera: Camera | None = None
    ) -> DepthFrame:
        """An organised frame, 640 x 480 by default, from the camera's pose, (4, 4) world from optical frame."""
        return take_frame(self.solids, self.light, T_world_camera, camera or Camera(), rng)

    def room_cloud(self, rng: np.random.Generator, density: float = 1600.0) -> RoomCloud:
        """The surfaces that a scanner at several places in the room sees, about `density` points per square metre."""
        points, normals, index = sample_surfaces(self.solids, density, rng)
        inside = np.all((points > -0.2) & (points < self.size + 0.2), axis=1)
        points, normals, index = points[inside], normals[inside], index[inside]
        s = self.solids
        arrays = s.kind, s.center, s.rotation, s.half, s.radius
        seen = seen_from(points, normals, self._scan_positions(rng), *arrays)
        points, index = points[seen], index[seen]
        colors, _ = shade(points, index, self.solids, self.light)
        points = points + rng.normal(0.0, 0.003, points.shape)
        noisy = 255.0 * colors + rng.normal(0.0, 5.0, colors.shape)
        return RoomCloud(
            name=self.name,
            points=(points - points.min(0)).astype(np.float32),
            colors=np.clip(noisy, 0, 255).astype(np.uint8),
            label=s.label[index],
            instance=s.instance[index],
        )

    def _scan_positions(self, rng: np.random.Generator) -> np.ndarray:
        """(E, 3) eyes spread over the free floor."""
        free = free_floor(self.solids, self.size, clearance=0.2)
        count = 3 + int(self.size[0] * self.size[1] / 5.0)
        floor = free[rng.choice(len(free), count)]
        return np.column_stack([floor, rng.uniform(1.1, 1.8, count)])


def camera_path(scene: Scene, frames: int = 300, seed: int = 0) -> Iterator[np.ndarray]:
    """A walk round the room, looking across it: `frames` poses, T_world_camera (4, 4) float64, optical frame."""
    return walk(floor_plan(scene.solids, scene.size, 0.35), np.zeros(2), frames, np.random.default_rng(seed))
