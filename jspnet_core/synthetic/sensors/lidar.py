"""Spinning lidars: rings of single beams, without colour."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.synthetic.render.cube import TURNS, cube_views
from jspnet_core.synthetic.render.raster import draw
from jspnet_core.synthetic.render.triangles import Triangles
from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.truth import infrared

SIZE = 400
"""Pixels on the edge of the cube's faces that beams are looked up in; the range is exact on the triangle found."""


def spin(
    triangles: Triangles, device: Device, T_world_lidar: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """One turn of a lidar at a pose, z along its axis.

    Returns points (rings, columns, 3) float32, metres in the lidar's frame, NaN for no return, and the triangles that
    they lie on (rings, columns) int32.
    """
    elevation = np.radians(device.lowest + np.linspace(0.0, device.field_y, device.height))
    azimuth = np.linspace(0.0, 2.0 * np.pi, device.width, endpoint=False) + rng.uniform(0.0, 2.0 * np.pi)
    beams = np.stack(
        [np.outer(np.cos(elevation), np.cos(azimuth)), np.outer(np.cos(elevation), np.sin(azimuth)),
         np.outer(np.sin(elevation), np.ones_like(azimuth))], axis=2,
    )  # fmt: skip
    opaque = np.empty((6, SIZE, SIZE), np.int32)
    glass, depth = np.empty((6, SIZE, SIZE), np.int32), np.empty((6, SIZE, SIZE), np.float32)
    for face, view in enumerate(cube_views(T_world_lidar[:3, 3], SIZE)):
        drawn = draw(triangles, view)
        opaque[face], glass[face], depth[face] = drawn.opaque, drawn.glass, drawn.depth
    world = np.ascontiguousarray(beams.reshape(-1, 3) @ T_world_lidar[:3, :3].T)
    chance = rng.random((2, len(world)), np.float32)
    t = triangles
    span, found = np.full(len(world), np.nan), np.full(len(world), -1, np.int32)
    eye = np.ascontiguousarray(T_world_lidar[:3, 3], np.float64)
    limits = np.array([device.nearest, device.farthest])
    dark = infrared(t, rng)
    arrays = opaque, glass, depth, t.vertices, t.faces, t.normal, t.mirror, dark
    _cast(world, eye, TURNS, *arrays, chance, limits, span, found)
    span += rng.normal(0.0, rng.uniform(0.005, 0.02), len(span))
    points = (beams * span.reshape(beams.shape[:2])[..., None]).astype(np.float32)
    return points, found.reshape(beams.shape[:2])


@njit(cache=True, nogil=True)
def _cast(
    beams: np.ndarray,
    eye: np.ndarray,
    turns: np.ndarray,
    opaque: np.ndarray,
    glass: np.ndarray,
    drawn: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    normal: np.ndarray,
    mirror: np.ndarray,
    dark: np.ndarray,
    chance: np.ndarray,
    limits: np.ndarray,
    span: np.ndarray,
    found: np.ndarray,
) -> None:
    size = opaque.shape[1]
    for i in range(len(beams)):
        side = _side(beams[i])
        depth = beams[i, 0] * turns[side, 0, 2] + beams[i, 1] * turns[side, 1, 2] + beams[i, 2] * turns[side, 2, 2]
        right = beams[i, 0] * turns[side, 0, 0] + beams[i, 1] * turns[side, 1, 0] + beams[i, 2] * turns[side, 2, 0]
        down = beams[i, 0] * turns[side, 0, 1] + beams[i, 1] * turns[side, 1, 1] + beams[i, 2] * turns[side, 2, 1]
        column = min(max(int(np.round(size / 2 * right / depth + (size - 1) / 2)), 0), size - 1)
        row = min(max(int(np.round(size / 2 * down / depth + (size - 1) / 2)), 0), size - 1)
        face, pane = opaque[side, row, column], glass[side, row, column]
        if pane >= 0 and chance[0, i] < 0.12:
            face = pane
        if face < 0:
            continue
        along, offset = 0.0, 0.0
        for axis in range(3):
            along += normal[face, axis] * beams[i, axis]
            offset += normal[face, axis] * (vertices[faces[face, 0], axis] - eye[axis])
        if abs(along) < 0.04 or (mirror[face] and abs(along) < 0.96):
            continue
        reach = offset / along
        near_drawn = drawn[side, row, column] / depth
        if face == opaque[side, row, column] and abs(reach - near_drawn) > 0.05 * near_drawn:
            reach = near_drawn  # a beam beside the pixel's centre may leave the triangle's plane far behind
        lost = 0.003 + 0.5 * max(1.0 - (0.01 + dark[face]) * abs(along) * 60.0 / (4.0 + reach), 0.0)
        if limits[0] <= reach <= limits[1] and chance[1, i] > lost:
            span[i], found[i] = reach, face


@njit(cache=True, nogil=True, inline="always")
def _side(beam: np.ndarray) -> int:
    """Face of the cube that a direction passes."""
    x, y, z = abs(beam[0]), abs(beam[1]), abs(beam[2])
    if x >= y and x >= z:
        return 0 if beam[0] > 0 else 1
    if y >= z:
        return 2 if beam[1] > 0 else 3
    return 4 if beam[2] > 0 else 5
