"""Colour camera beside a depth camera, with its own pose, field of view, exposure and white balance."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.synthetic.render.exposure import Exposure, expose
from jspnet_core.synthetic.render.raster import View, draw
from jspnet_core.synthetic.render.shade import Light, lamps_near, shade
from jspnet_core.synthetic.render.triangles import Triangles
from jspnet_core.synthetic.sensors.devices import Device, focal

OUTSIDE = 0
"""Value of all channels where the colour camera does not look."""

GLASS_TINT = 0.82
"""Share of the light that passes a pane."""


def color_view(device: Device, depth_view: View, scale: float) -> View:
    """View of the device's colour camera, `scale` times as fine as the depth picture."""
    pose = depth_view.T_world_camera.copy()
    pose[:3, 3] += pose[:3, 0] * device.color_offset
    width, height = int(depth_view.width * scale), int(depth_view.height * scale)
    across, down = device.color_field_x or device.field_x, device.color_field_y or device.field_y
    return View(pose, width, height, focal(width, across), focal(height, down), (width - 1) / 2, (height - 1) / 2)


def picture(triangles: Triangles, light: Light, view: View, exposure: Exposure, rng: np.random.Generator) -> np.ndarray:
    """Picture of a view: (H, W, 3) uint8. What is outside the windows is bright."""
    drawn = draw(triangles, view)
    shape, faces = drawn.opaque.shape, drawn.opaque.ravel()
    points = world_points(np.where(faces >= 0, drawn.depth.ravel(), 0.0).reshape(shape), view)
    seen = faces >= 0
    near = lamps_near(light, points.reshape(-1, 3)[seen][:: max(np.count_nonzero(seen) // 50, 1)])
    radiance = shade(triangles, near, points.reshape(-1, 3), faces, view.T_world_camera[:3, 3])
    behind = drawn.glass.ravel() >= 0
    outside = radiance[seen].mean() * 3.0 if seen.any() else 1.0
    radiance[~seen] = outside * rng.uniform(0.3, 2.0)
    if behind.any():
        radiance[behind] = GLASS_TINT * radiance[behind] + 0.1 * triangles.color[drawn.glass.ravel()[behind]] * outside
    return expose(radiance, exposure, rng, seen).reshape(*shape, 3)


def world_points(depth: np.ndarray, view: View) -> np.ndarray:
    """Points of a depth picture, (H, W) metres, in the world frame: (H, W, 3) float32."""
    turn = view.T_world_camera[:3, :3].astype(np.float32)
    x = ((np.arange(view.width) - view.center_x) / view.focal_x).astype(np.float32)
    y = ((np.arange(view.height) - view.center_y) / view.focal_y).astype(np.float32)
    rays = np.empty((view.height, view.width, 3), np.float32)
    for axis in range(3):
        rays[..., axis] = x[None] * turn[axis, 0] + y[:, None] * turn[axis, 1] + turn[axis, 2]
    return rays * depth.astype(np.float32)[..., None] + view.T_world_camera[:3, 3].astype(np.float32)


def colors_of(points: np.ndarray, seen: np.ndarray, image: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Colours that a driver gives depth points by projection: (H, W, 3) uint8, and whether they lie in the picture.

    points: (H, W, 3) float32, world. seen: (H, W) bool. What the colour camera does not see because something nearer
    stands before it gets that thing's colour, as in real frames; what lies beside its picture gets OUTSIDE.
    """
    camera = np.linalg.inv(view.T_world_camera)[:3].astype(np.float32)
    lens = np.array([view.focal_x, view.focal_y, view.center_x, view.center_y], np.float32)
    colors, inside = np.full(points.shape, OUTSIDE, np.uint8), np.zeros(seen.shape, bool)
    _project(points, seen, image, camera, lens, colors, inside)
    return colors, inside


@njit(cache=True, nogil=True)
def _project(
    points: np.ndarray,
    seen: np.ndarray,
    image: np.ndarray,
    camera: np.ndarray,
    lens: np.ndarray,
    colors: np.ndarray,
    inside: np.ndarray,
) -> None:
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            if not seen[row, column]:
                continue
            x, y, z = points[row, column, 0], points[row, column, 1], points[row, column, 2]
            depth = camera[2, 0] * x + camera[2, 1] * y + camera[2, 2] * z + camera[2, 3]
            if depth < 0.01:
                continue
            across = camera[0, 0] * x + camera[0, 1] * y + camera[0, 2] * z + camera[0, 3]
            down = camera[1, 0] * x + camera[1, 1] * y + camera[1, 2] * z + camera[1, 3]
            u = int(np.rint(lens[0] * across / depth + lens[2]))
            v = int(np.rint(lens[1] * down / depth + lens[3]))
            if 0 <= u < image.shape[1] and 0 <= v < image.shape[0]:
                inside[row, column] = True
                for c in range(3):
                    colors[row, column, c] = image[v, u, c]
