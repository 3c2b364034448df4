"""A depth camera: pixels to rays, and rays to a frame with the truth of every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.synthetic.primitives.raycast import cast_pixels, hit_points
from jspnet_core.synthetic.primitives.sensor import expose, measure
from jspnet_core.synthetic.primitives.shading import Light, shade
from jspnet_core.synthetic.primitives.solids import Primitives


@dataclass(frozen=True)
class Camera:
    """Pinhole camera in its optical frame: x right, y down, z forward. Lengths in pixels, ranges in metres."""

    width: int = 640
    height: int = 480
    focal_x: float = 525.0
    focal_y: float = 525.0
    center_x: float = 319.5
    center_y: float = 239.5
    nearest: float = 0.3
    farthest: float = 8.0

    @cache  # noqa: B019 - frozen, and a program has few cameras
    def rays(self) -> np.ndarray:
        """Direction through every pixel: (height, width, 3) float64, z = 1, optical frame."""
        u, v = np.meshgrid(np.arange(self.width), np.arange(self.height))
        x, y = (u - self.center_x) / self.focal_x, (v - self.center_y) / self.focal_y
        return np.stack([x, y, np.ones_like(x)], axis=-1)


@dataclass(frozen=True)
class DepthFrame:
    """One organised frame with the truth of every pixel.

    points: (H, W, 3) float32, metres, optical frame, NaN for no return. colors: (H, W, 3) uint8.
    label: (H, W) uint8, S3DIS class, 255 for no return. instance: (H, W) int32, 0 for no return.
    T_world_camera: (4, 4) float64, camera in its optical frame.
    """

    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    T_world_camera: np.ndarray


def take_frame(
    solids: Primitives, light: Light, T_world_camera: np.ndarray, camera: Camera, rng: np.random.Generator
) -> DepthFrame:
    """Render the camera's frame at its pose, (4, 4), with the noise of a structured-light sensor."""
    turn, origin = np.ascontiguousarray(T_world_camera[:3, :3]), np.ascontiguousarray(T_world_camera[:3, 3])
    rays = camera.rays()
    truth, hit = np.empty(rays.shape[:2]), np.empty(rays.shape[:2], np.int32)
    s = solids
    cast_pixels(origin, turn, rays, s.kind, s.center, s.rotation, s.half, s.radius, truth, hit)
    on_surface = hit_points(origin, turn, rays, truth)
    light_seen, normals = shade(on_surface.reshape(-1, 3), hit.ravel(), solids, light)
    seed = int(rng.integers(2**30))
    normals = normals.reshape(rays.shape)
    depth = measure(truth, on_surface - origin, normals, s.dropout[hit], camera.nearest, camera.farthest, seed)
    seen = np.isfinite(depth)
    return DepthFrame(
        points=rays.astype(np.float32) * depth[..., None],
        colors=expose(light_seen.reshape(rays.shape), seed),
        label=np.where(seen, solids.label[hit], UNLABELLED).astype(np.uint8),
        instance=np.where(seen, solids.instance[hit], NO_INSTANCE).astype(np.int32),
        T_world_camera=T_world_camera,
    )
