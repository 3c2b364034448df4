"""A depth camera: pixels to rays, and what a real sensor adds: noise, holes, mixed pixels at edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.synthetic.primitives import Primitives
from jspnet_core.synthetic.raycast import cast_pixels
from jspnet_core.synthetic.shading import Light, shade


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
    """What the camera sees at its pose, (4, 4), with the noise of a structured-light sensor."""
    rotation, origin = T_world_camera[:3, :3], np.ascontiguousarray(T_world_camera[:3, 3])
    rays = camera.rays()
    stretch = np.linalg.norm(rays, axis=-1)
    directions = (rays / stretch[..., None]) @ rotation.T
    travel, hit = np.empty(stretch.shape), np.empty(stretch.shape, np.int32)
    s = solids
    cast_pixels(origin, directions, s.kind, s.center, s.rotation, s.half, s.radius, travel, hit)
    at_surface = origin + np.where(hit < 0, 0.0, travel)[..., None] * directions
    colors, normals = shade(at_surface.reshape(-1, 3), hit.ravel(), solids, light)
    slope = np.abs(np.einsum("nk,nk->n", normals, directions.reshape(-1, 3))).reshape(hit.shape)
    depth = _measure(np.where(hit < 0, np.nan, travel / stretch), slope, solids.dropout[hit], camera, rng)
    seen = np.isfinite(depth)
    return DepthFrame(
        points=(rays * depth[..., None]).astype(np.float32),
        colors=_expose(colors.reshape(rays.shape), rng),
        label=np.where(seen, solids.label[hit], UNLABELLED).astype(np.uint8),
        instance=np.where(seen, solids.instance[hit], NO_INSTANCE).astype(np.int32),
        T_world_camera=T_world_camera,
    )


def _measure(
    depth: np.ndarray, slope: np.ndarray, dropout: np.ndarray, camera: Camera, rng: np.random.Generator
) -> np.ndarray:
    """True depth to measured depth, both (H, W) float64 metres along z; NaN where nothing comes back.

    slope: (H, W), cosine between ray and surface normal. The noise grows with the square of the depth as in
    Nguyen et al., "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking", 3DIMPVT 2012.
    """
    shape = depth.shape
    neighbour = _random_neighbour(depth, rng)
    chance = rng.random(shape, np.float32)
    at_edge = np.abs(neighbour - depth) > 0.04 * depth
    share = rng.random(shape, np.float32)
    measured = np.where(at_edge & (chance < 0.12), depth + share * (neighbour - depth), depth)
    sigma = 0.0012 + 0.0019 * np.square(measured - 0.4)
    measured = measured + sigma * rng.standard_normal(shape, np.float32)
    lost = (at_edge & (chance > 0.75)) | (slope < 0.08) | (chance < 0.005)
    lost |= _blotches(shape, rng) < dropout
    lost |= ~((measured >= camera.nearest) & (measured <= camera.farthest))
    return np.where(lost, np.nan, measured)


def _random_neighbour(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Depth two pixels to a random side, the same side for all pixels of a 1 x 8 run."""
    side = rng.integers(0, 4, (depth.shape[0], -(-depth.shape[1] // 8))).repeat(8, axis=1)[:, : depth.shape[1]]
    shifted = [np.roll(depth, shift, axis) for axis in (0, 1) for shift in (-2, 2)]
    return np.choose(side, shifted)


def _blotches(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W) values in [0, 1), equal within 4 x 4 pixels: real sensors lose patches, not single pixels."""
    coarse = rng.random((-(-shape[0] // 4), -(-shape[1] // 4)), np.float32)
    return coarse.repeat(4, axis=0).repeat(4, axis=1)[: shape[0], : shape[1]]


def _expose(colors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) light 0 to 1 to uint8, with a little sensor noise."""
    noise = rng.standard_normal(colors.shape, np.float32) * 2.5
    return np.clip(255.0 * colors + noise, 0, 255).astype(np.uint8)
