"""Light in the room, and the colour of surface points under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from jspnet_core.synthetic.primitives.materials import texture_color
from jspnet_core.synthetic.primitives.raycast import is_blocked, to_local
from jspnet_core.synthetic.primitives.solids import Primitives

CELL = 0.15
"""Edge of a cell of the light grid in metres: shadows are about this soft."""


@dataclass(frozen=True)
class Light:
    """Illumination everywhere in the room, computed once.

    level: (X, Y, Z) float64, around 1 in the open; cell (0, 0, 0) is centred at `origin`, (3,) metres, world.
    tint: (3,) float64, colour of the light. ambient: share of light that reaches every corner.
    """

    level: np.ndarray
    origin: np.ndarray
    tint: np.ndarray
    ambient: float


@njit(cache=True, fastmath=True, parallel=True)
def _light_levels(
    origin: np.ndarray,
    shape: tuple[int, int, int],
    lamps: np.ndarray,
    kind: np.ndarray,
    center: np.ndarray,
    rotation: np.ndarray,
    half: np.ndarray,
    radius: np.ndarray,
) -> np.ndarray:
    level = np.zeros(shape)
    for i in prange(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                cell = origin + CELL * np.array([float(i), float(j), float(k)])
                for lamp in range(len(lamps)):
                    if not is_blocked(cell, lamps[lamp], kind, center, rotation, half, radius):
                        offset = lamps[lamp] - cell
                        level[i, j, k] += 1.0 / (1.0 + (offset * offset).sum())
    return level


def light_room(solids: Primitives, lamps: np.ndarray, upper: np.ndarray, rng: np.random.Generator) -> Light:
    """Light of point lamps, (L, 3) metres, with soft shadows; `upper`: (3,) the corner opposite (0, 0, 0)."""
    origin = np.full(3, -CELL)
    size = np.ceil((upper + 2 * CELL) / CELL).astype(int) + 1
    shape = int(size[0]), int(size[1]), int(size[2])
    arrays = solids.kind, solids.center, solids.rotation, solids.half, solids.radius
    level = _light_levels(origin, shape, lamps.astype(np.float64), *arrays)
    level /= np.percentile(level[level > 0], 60)
    warmth = rng.normal(0.0, 0.03)
    tint = rng.uniform(0.98, 1.2) * np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    return Light(np.minimum(level, 2.0), origin, tint, float(rng.uniform(0.35, 0.5)))


@njit(cache=True, fastmath=True)
def _level_at(level: np.ndarray, x: float, y: float, z: float) -> float:
    """Trilinear value of the grid at grid coordinates, clamped to its edge."""
    x = min(max(x, 0.0), level.shape[0] - 1.001)
    y = min(max(y, 0.0), level.shape[1] - 1.001)
    z = min(max(z, 0.0), level.shape[2] - 1.001)
    i, j, k = int(x), int(y), int(z)
    u, v, w = x - i, y - j, z - k
    near = (1 - v) * ((1 - w) * level[i, j, k] + w * level[i, j, k + 1])
    near += v * ((1 - w) * level[i, j + 1, k] + w * level[i, j + 1, k + 1])
    far = (1 - v) * ((1 - w) * level[i + 1, j, k] + w * level[i + 1, j, k + 1])
    far += v * ((1 - w) * level[i + 1, j + 1, k] + w * level[i + 1, j + 1, k + 1])
    return (1 - u) * near + u * far


@njit(cache=True, fastmath=True)
def local_normal(kind: int, h: np.ndarray, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Outward normal of a primitive at a point on its surface, both in its own frame."""
    if kind == 0:
        a, b, c = abs(x) - h[0], abs(y) - h[1], abs(z) - h[2]
        if a >= b and a >= c:
            return (1.0 if x > 0 else -1.0), 0.0, 0.0
        if b >= c:
            return 0.0, (1.0 if y > 0 else -1.0), 0.0
        return 0.0, 0.0, (1.0 if z > 0 else -1.0)
    if kind == 1 and abs(z) > 0.9999 * h[2]:
        return 0.0, 0.0, (1.0 if z > 0 else -1.0)
    gx, gy, gz = x / (h[0] * h[0]), y / (h[1] * h[1]), 0.0 if kind == 1 else z / (h[2] * h[2])
    length = np.sqrt(gx * gx + gy * gy + gz * gz) + 1e-12
    return gx / length, gy / length, gz / length


@njit(cache=True, fastmath=True, parallel=True)
def _shade(
    points: np.ndarray,
    index: np.ndarray,
    kind: np.ndarray,
    center: np.ndarray,
    rotation: np.ndarray,
    half: np.ndarray,
    texture: np.ndarray,
    color: np.ndarray,
    accent: np.ndarray,
    scale: np.ndarray,
    seed: np.ndarray,
    level: np.ndarray,
    origin: np.ndarray,
    tint: np.ndarray,
    ambient: float,
    colors: np.ndarray,
    normals: np.ndarray,
) -> None:
    for n in prange(len(points)):
        p = index[n]
        if p < 0:
            colors[n], normals[n] = 0.0, 0.0
            continue
        x, y, z = to_local(
            p, rotation, points[n, 0] - center[p, 0], points[n, 1] - center[p, 1], points[n, 2] - center[p, 2]
        )
        normal = local_normal(kind[p], half[p], x, y, z)
        for c in range(3):
            normals[n, c] = (
                rotation[p, c, 0] * normal[0] + rotation[p, c, 1] * normal[1] + rotation[p, c, 2] * normal[2]
            )
        long_axis = int(np.argmax(half[p]))
        rgb = texture_color(texture[p], color[p], accent[p], scale[p], seed[p], long_axis, x, y, z)
        # Looked up a little off the surface: cells inside solids are dark.
        here = _level_at(
            level,
            (points[n, 0] - origin[0]) / CELL + 0.8 * normals[n, 0],
            (points[n, 1] - origin[1]) / CELL + 0.8 * normals[n, 1],
            (points[n, 2] - origin[2]) / CELL + 0.8 * normals[n, 2],
        )
        facing = 0.82 + 0.18 * normals[n, 2] + 0.05 * normals[n, 0]
        bright = facing * (ambient + (1.0 - ambient) * here)
        for c in range(3):
            lit = min(max(rgb[c] * bright * tint[c], 0.0), 1.0)
            root = np.sqrt(lit)
            colors[n, c] = root * np.sqrt(root * np.sqrt(np.sqrt(root)))  # a camera's tone curve: lit ** 0.8125


def shade(points: np.ndarray, index: np.ndarray, solids: Primitives, light: Light) -> tuple[np.ndarray, np.ndarray]:
    """Colours and normals of surface points.

    points: (N, 3) float64, metres, world. index: (N,) int32, the primitive of each point, -1 for none.
    Returns colours (N, 3) float64, 0 to 1, and unit normals (N, 3) float64, world; zeros where there is none.
    """
    colors, normals = np.empty((len(points), 3)), np.empty((len(points), 3))
    s = solids
    _shade(
        points,
        index,
        s.kind,
        s.center,
        s.rotation,
        s.half,
        s.texture,
        s.color,
        s.accent,
        s.scale,
        s.seed,
        light.level,
        light.origin,
        light.tint,
        light.ambient,
        colors,
        normals,
    )
    return colors, normals
