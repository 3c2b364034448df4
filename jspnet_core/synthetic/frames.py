"""Frames of simulated sensors in furnished scenes, with the truth of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.synthetic.render.raster import View
from jspnet_core.synthetic.render.shade import Light
from jspnet_core.synthetic.render.triangles import Triangles
from jspnet_core.synthetic.scan import Cloud
from jspnet_core.synthetic.sensors.color import color_view, colors_of, picture, world_points
from jspnet_core.synthetic.sensors.devices import Device, focal
from jspnet_core.synthetic.sensors.fields import patches
from jspnet_core.synthetic.sensors.lidar import spin
from jspnet_core.synthetic.sensors.setup import Setup
from jspnet_core.synthetic.sensors.stereo import Matching, measure_matched
from jspnet_core.synthetic.sensors.time_of_flight import Flight, measure_flight
from jspnet_core.synthetic.sensors.truth import Truth, infrared, look, with_glass


@dataclass(frozen=True)
class SensorFrame:
    """One frame with the truth of every pixel.

    points: (H, W, 3) float32, metres, in the sensor's frame, NaN for no return. colors: (H, W, 3) uint8, zero where
    the sensor has none. label: (H, W) uint8, `indoor`, 255 for no return. instance: (H, W) int32, 0 for no return.
    T_world_camera: (4, 4) float64; its height is that above the floor. device: name.
    """

    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    T_world_camera: np.ndarray
    device: str

    def cloud(self, name: str, voxel: float = 0.012) -> Cloud:
        """The frame in the world frame, z above the floor, one point per voxel of `voxel` metres."""
        world = np.empty((self.label.size, 3), np.float32)
        kept = np.empty(self.label.size, np.int64)
        keys = np.full(1 << max(int(np.ceil(np.log2(2 * self.label.size))), 4), -1, np.int64)
        points, pose = self.points.reshape(-1, 3), self.T_world_camera[:3].astype(np.float32)
        kept = kept[: _thin(points, pose, 1.0 / voxel, keys, world, kept)]
        return Cloud(
            name,
            world[kept],
            self.colors.reshape(-1, 3)[kept],
            self.label.ravel()[kept],
            self.instance.ravel()[kept],
        )


def take_frame(
    triangles: Triangles, light: Light, setup: Setup, T_world_camera: np.ndarray, rng: np.random.Generator
) -> SensorFrame:
    """A frame of a sensor at a pose, (4, 4) float64, optical frame.

    A lidar is held level but for a small tilt, and its x axis looks where the camera would.
    """
    device = setup.device
    if device.kind == "lidar":
        return _spin(triangles, device, T_world_camera, rng)
    view = View(
        T_world_camera, setup.width, setup.height,
        focal(setup.width, device.field_x), focal(setup.height, device.field_y),
        (setup.width - 1) / 2, (setup.height - 1) / 2,
    )  # fmt: skip
    of_scene = np.random.default_rng(setup.seed)
    truth = look(triangles, view, infrared(triangles, of_scene))
    truth = with_glass(truth, _seen_panes(truth, triangles, of_scene, rng))
    image, eye = np.zeros((setup.height, setup.width, 3), np.uint8), view
    if setup.exposure is not None:
        eye = color_view(device, view, 1.0)
        image = picture(triangles, light, eye, setup.exposure, rng)
    depth, source = _measure(truth, image, setup, rng)
    seen = np.isfinite(depth)
    face = truth.face.ravel()[source]
    points = world_points(np.where(seen, depth, 0.0), view)
    colors, inside = colors_of(points, seen, image, eye)
    if setup.registered:
        seen &= inside
    camera = np.linalg.inv(T_world_camera)[:3].astype(np.float32)
    own = points @ camera[:, :3].T + camera[:, 3]
    own[~seen] = np.nan
    return SensorFrame(
        points=own,
        colors=colors,
        label=np.where(seen, triangles.label[face], UNLABELLED).astype(np.uint8),
        instance=np.where(seen, triangles.instance[face], NO_INSTANCE).astype(np.int32),
        T_world_camera=T_world_camera,
        device=device.name,
    )


def _measure(truth: Truth, image: np.ndarray, setup: Setup, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(setup.faults, Flight):
        return measure_flight(truth, setup.device, setup.faults, rng)
    assert isinstance(setup.faults, Matching)
    matched_light = setup.device.kind == "structured_light"  # its projector gives the surfaces a texture
    contrast = np.ones(truth.depth.shape, np.float32) if matched_light else _contrast(image)
    return measure_matched(truth, contrast, setup.device, setup.faults, rng)


def _contrast(image: np.ndarray) -> np.ndarray:
    """Texture for stereo matching: (H, W) float32, 0 to 1, from the differences along the rows."""
    grey = image.astype(np.float32).mean(2)
    step = np.zeros_like(grey)
    step[:, 2:-2] = np.abs(grey[:, 4:] - grey[:, :-4])
    return np.minimum(step / 60.0, 1.0)


def _seen_panes(
    truth: Truth, triangles: Triangles, of_scene: np.random.Generator, rng: np.random.Generator
) -> np.ndarray:
    """Pixels in which a pane of glass itself returns light: dirt, frost, reflections. (H, W) bool."""
    if not (truth.glass >= 0).any():
        return np.zeros(truth.glass.shape, bool)
    share = np.clip(of_scene.uniform(-0.5, 0.7, int(triangles.instance.max()) + 1), 0.0, 1.0)
    return patches(truth.glass.shape, 7.0, rng) < share[triangles.instance[truth.glass]]


def _spin(triangles: Triangles, device: Device, T_world_camera: np.ndarray, rng: np.random.Generator) -> SensorFrame:
    """A turn of a lidar whose x axis looks where the camera would, held level but for a small tilt."""
    pose = np.eye(4)
    forward = T_world_camera[:3, 2]
    level = np.array([forward[0], forward[1], 0.0]) / max(float(np.hypot(forward[0], forward[1])), 1e-6)
    tilt = rng.normal(0.0, np.radians(2.0), 2)
    up = np.array([tilt[0], tilt[1], 1.0]) / np.linalg.norm([tilt[0], tilt[1], 1.0])
    side = np.cross(up, level)
    side /= np.linalg.norm(side)
    pose[:3, :3] = np.stack([np.cross(side, up), side, up], axis=1)
    pose[:3, 3] = T_world_camera[:3, 3]
    points, face = spin(triangles, device, pose, rng)
    seen = np.isfinite(points[..., 0]) & (face >= 0)
    points[~seen] = np.nan
    return SensorFrame(
        points=points,
        colors=np.zeros(points.shape, np.uint8),
        label=np.where(seen, triangles.label[face], UNLABELLED).astype(np.uint8),
        instance=np.where(seen, triangles.instance[face], NO_INSTANCE).astype(np.int32),
        T_world_camera=pose,
        device=device.name,
    )


@njit(cache=True, nogil=True)
def _thin(
    points: np.ndarray, pose: np.ndarray, inverse: float, keys: np.ndarray, world: np.ndarray, kept: np.ndarray
) -> int:
    """Points (N, 3), NaN for none, to the world frame; kept: index of the first of each voxel. Returns how many."""
    mask, count = len(keys) - 1, 0
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if np.isnan(x):
            continue
        for axis in range(3):
            world[i, axis] = pose[axis, 0] * x + pose[axis, 1] * y + pose[axis, 2] * z + pose[axis, 3]
        key = 0
        for axis in range(3):
            key = key << 20 | (int(np.floor(world[i, axis] * inverse)) + (1 << 19)) & 0xFFFFF
        mixed = key ^ (key >> 17) * 0x27D4EB2F
        mixed ^= (mixed >> 23) * 0x165667B1
        slot = (mixed ^ (mixed >> 29)) & mask
        while keys[slot] != -1 and keys[slot] != key:
            slot = (slot + 1) & mask
        if keys[slot] == -1:
            keys[slot] = key
            kept[count] = i
            count += 1
    return count
