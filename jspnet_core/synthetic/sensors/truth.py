"""The truth of every pixel, before a sensor measures it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.render.raster import NOTHING, View, draw
from jspnet_core.synthetic.render.triangles import Triangles


@dataclass(frozen=True)
class Truth:
    """Ground truth of every pixel of a view: surface and response to light.

    depth: (H, W) float32, metres along the optical axis, infinite for nothing. face: (H, W) int32 or NOTHING.
    facing: (H, W) float32, |cosine| between ray and surface. bright: (H, W) float32, in infrared light, 0 to 1.
    mirror: (H, W) bool. glass: (H, W) int32, pane in front or NOTHING, and glass_depth.
    """

    view: View
    depth: np.ndarray
    face: np.ndarray
    facing: np.ndarray
    bright: np.ndarray
    mirror: np.ndarray
    glass: np.ndarray
    glass_depth: np.ndarray


def infrared(triangles: Triangles, rng: np.random.Generator) -> np.ndarray:
    """Albedo of each triangle in infrared light: (F,) float32, 0 to 1.

    Most paints and fabrics are brighter there than they look, each object in its own way; one in twelve is black.
    """
    own = np.exp(rng.normal(0.0, 0.4, int(triangles.instance.max()) + 1))
    own[rng.random(len(own)) < 1 / 12] *= 0.3
    return np.clip(triangles.color.mean(1) ** 0.6 * own[triangles.instance], 0.0, 1.0).astype(np.float32)


def look(triangles: Triangles, view: View, infrared: np.ndarray) -> Truth:
    """The truth of a view. infrared: (F,) float32, brightness of the triangles for the sensor."""
    drawn = draw(triangles, view)
    facing = np.zeros(drawn.depth.shape, np.float32)
    lens = np.array([view.focal_x, view.focal_y, view.center_x, view.center_y], np.float32)
    _facing(drawn.opaque, triangles.normal, view.T_world_camera[:3, :3].astype(np.float32), lens, facing)
    seen = drawn.opaque >= 0
    bright = infrared[drawn.opaque] * seen
    return Truth(
        view, drawn.depth, drawn.opaque, facing, bright.astype(np.float32),
        triangles.mirror[drawn.opaque] & seen, drawn.glass, drawn.glass_depth,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _facing(face: np.ndarray, normal: np.ndarray, turn: np.ndarray, lens: np.ndarray, facing: np.ndarray) -> None:
    for row in range(face.shape[0]):
        y = (row - lens[3]) / lens[1]
        for column in range(face.shape[1]):
            f = face[row, column]
            if f < 0:
                continue
            x = (column - lens[2]) / lens[0]
            along = np.float32(0.0)
            for axis in range(3):
                along += normal[f, axis] * (turn[axis, 0] * x + turn[axis, 1] * y + turn[axis, 2])
            facing[row, column] = abs(along) / np.sqrt(x * x + y * y + 1.0)


def with_glass(truth: Truth, sees_pane: np.ndarray) -> Truth:
    """The truth where a sensor takes some panes of glass, (H, W) bool, for a surface."""
    taken = sees_pane & (truth.glass != NOTHING)
    if not taken.any():
        return truth
    return Truth(
        view=truth.view,
        depth=np.where(taken, truth.glass_depth, truth.depth),
        face=np.where(taken, truth.glass, truth.face),
        facing=np.where(taken, np.float32(0.7), truth.facing),
        bright=np.where(taken, np.float32(0.3), truth.bright),
        mirror=truth.mirror & ~taken,
        glass=truth.glass,
        glass_depth=truth.glass_depth,
    )
