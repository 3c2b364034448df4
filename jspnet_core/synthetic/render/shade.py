"""Light in a furnished scene, and the colours of surface points under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.render.cube import TURNS, cube_views
from jspnet_core.synthetic.render.raster import draw
from jspnet_core.synthetic.render.triangles import Triangles, to_linear

SHADOW_SIZE = 64
"""Pixels on the edge of a shadow map; shadows are soft over about one of them."""

SHADOWS = 8
"""Lamps that cast shadows: the brightest. The others shine through everything."""

CASTS_SHADOW = 0.2
"""Metres, radius of the smallest thing whose shadow is drawn."""


MOST_LAMPS = 6
"""Lamps that a picture or a room is lit by."""


@dataclass(frozen=True)
class Light:
    """Lamps and their shadows.

    place, color: (L, 3) float32, metres and linear power. direction: (L, 3) float32, zero for lamps that shine to all
    sides. shadow: (S, 6, n, n) float32, depth that the first S lamps see, faces as in `cube`. ambient: linear, even.
    """

    place: np.ndarray
    color: np.ndarray
    direction: np.ndarray
    shadow: np.ndarray
    ambient: float


def light_scene(scene: FurnishedScene, triangles: Triangles) -> Light:
    """Light of a scene, with the ambient share of the light that falls where people stand."""
    lamps = sorted(scene.lighting.lamps, key=lambda lamp: -lamp.power)
    place = np.array([lamp.position for lamp in lamps], np.float32).reshape(-1, 3)
    color = np.array([np.multiply(lamp.color, lamp.power) for lamp in lamps], np.float32).reshape(-1, 3)
    direction = np.array([lamp.direction or (0, 0, 0) for lamp in lamps], np.float32).reshape(-1, 3)
    shadow = np.empty((min(len(lamps), SHADOWS), 6, SHADOW_SIZE, SHADOW_SIZE), np.float32)
    for number in range(len(shadow)):
        for face, view in enumerate(cube_views(place[number], SHADOW_SIZE)):
            shadow[number, face] = draw(triangles, view, CASTS_SHADOW).depth
    share = float(np.clip(scene.lighting.ambient, 0.05, 0.95)) if len(lamps) else 1.0
    open_light = _usual_light(scene, place, color) if len(lamps) else 1.0
    return Light(place, color * np.float32(1.0 - share), direction, shadow, share * open_light)


def _usual_light(scene: FurnishedScene, place: np.ndarray, color: np.ndarray) -> float:
    """Median brightness, without shadows, at places where people can stand; without any, that of the lamps."""
    stands = [free[:: max(len(free) // 16, 1)] for free in scene.free if len(free)]
    ground = np.concatenate(stands) if stands else place[:, :2]
    points = np.c_[ground, np.full(len(ground), 1.0)]
    square = np.square(points[:, None] - place[None]).sum(2)
    return float(np.median((color.mean(1) / (FALLOFF + square)).sum(1))) * 0.5


FALLOFF = 1.2
"""Square metres: lamps are not points, close to them light does not grow without bound."""


def lamps_near(light: Light, places: np.ndarray, most: int = MOST_LAMPS) -> Light:
    """The lamps that are brightest around some places, (N, 3) metres; the others are left out."""
    if len(light.place) <= most:
        return light
    square = np.square(places[:, None] - light.place[None]).sum(2)
    share = (light.color.mean(1) / (FALLOFF + square)).sum(0)
    share[: len(light.shadow)] *= 2.0  # prefer lights that cast shadows
    chosen = np.sort(np.argsort(-share)[:most])
    shadow = light.shadow[chosen[chosen < len(light.shadow)]]
    return Light(light.place[chosen], light.color[chosen], light.direction[chosen], shadow, light.ambient)


def shade(triangles: Triangles, light: Light, points: np.ndarray, faces: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Linear light that surface points send to the eye: (N, 3) float32, zeros where there is no face.

    points: (N, 3) float32, metres, world. faces: (N,) int32, triangle of each point, negative for none. eye: (3,) or
    (N, 3), metres: surfaces are lit on the side that is seen.
    """
    t = triangles
    eyes = np.ascontiguousarray(np.broadcast_to(np.asarray(eye, np.float32), points.shape))
    result = np.zeros((len(points), 3), np.float32)
    look = t.normal, t.color, t.texture, t.axis, t.placed, t.local, t.pictures, t.metres, t.tileable, _LINEAR, t.means
    lamps = light.place, light.color, light.direction, light.shadow, np.float32(light.ambient), _FACES
    _shade(np.ascontiguousarray(points, np.float32), faces, eyes, *look, *lamps, result)
    return result


_LINEAR = to_linear(np.arange(256))
_FACES = np.ascontiguousarray(TURNS, np.float32)


@njit(cache=True, nogil=True, inline="always")
def _picture_pixel(value: float, metres: float, tileable: bool, size: int) -> int:
    """Pixel of a texture coordinate in metres; pictures that do not tile are mirrored."""
    turns = value / metres
    whole = np.floor(turns)
    part = turns - whole
    if not tileable and int(whole) & 1:
        part = 1.0 - part
    return min(int(part * size), size - 1)


@njit(cache=True, nogil=True)
def _base_color(
    point: np.ndarray,
    face: int,
    color: np.ndarray,
    texture: np.ndarray,
    axis: np.ndarray,
    placed: np.ndarray,
    local: np.ndarray,
    pictures: np.ndarray,
    metres: np.ndarray,
    tileable: np.ndarray,
    linear: np.ndarray,
    means: np.ndarray,
    result: np.ndarray,
) -> None:
    """Linear colour of a point without light; with a texture its picture, tinted to the face's colour on average."""
    for c in range(3):
        result[c] = color[face, c]
    t = texture[face]
    if t < 0:
        return
    frame = local[placed[face]]
    first, second = (1, 2) if axis[face] == 0 else ((0, 2) if axis[face] == 1 else (0, 1))
    u = frame[first, 0] * point[0] + frame[first, 1] * point[1] + frame[first, 2] * point[2] + frame[first, 3]
    v = frame[second, 0] * point[0] + frame[second, 1] * point[1] + frame[second, 2] * point[2] + frame[second, 3]
    column = _picture_pixel(u, metres[t, 0], tileable[t], pictures.shape[2])
    row = pictures.shape[1] - 1 - _picture_pixel(v, metres[t, 1], tileable[t], pictures.shape[1])
    for c in range(3):
        gain = min(color[face, c] / max(means[t, c], 0.004), 6.0)
        result[c] = min(gain * linear[pictures[t, row, column, c]], 1.0)


@njit(cache=True, nogil=True)
def _lit(dx: float, dy: float, dz: float, shadow: np.ndarray, turns: np.ndarray) -> float:
    """Share of a lamp's light that reaches a point, (dx, dy, dz) metres from the lamp."""
    ax, ay, az = abs(dx), abs(dy), abs(dz)
    if ax >= ay and ax >= az:
        face = 0 if dx > 0 else 1
    elif ay >= az:
        face = 2 if dy > 0 else 3
    else:
        face = 4 if dz > 0 else 5
    turn, size = turns[face], shadow.shape[1]
    depth = dx * turn[0, 2] + dy * turn[1, 2] + dz * turn[2, 2]
    right = (dx * turn[0, 0] + dy * turn[1, 0] + dz * turn[2, 0]) / depth
    down = (dx * turn[0, 1] + dy * turn[1, 1] + dz * turn[2, 1]) / depth
    u, v = size / 2 * right + (size - 1) / 2, size / 2 * down + (size - 1) / 2
    total = 0.0
    for i in range(4):
        column = min(max(int(u + 1.6 * (i & 1) - 0.3), 0), size - 1)
        row = min(max(int(v + 1.6 * (i >> 1) - 0.3), 0), size - 1)
        total += 0.25 if shadow[face, row, column] > 0.96 * depth - 0.05 else 0.0
    return total


@njit(cache=True, nogil=True, inline="always")
def _strength(dx: float, dy: float, dz: float, nx: float, ny: float, nz: float, direction: np.ndarray) -> float:
    """Light of a lamp of power 1 at (dx, dy, dz) metres from a point with a normal, without shadow."""
    square = dx * dx + dy * dy + dz * dz + 1e-6
    length = np.sqrt(square)
    ahead = 1.0
    if direction[0] != 0 or direction[1] != 0 or direction[2] != 0:
        ahead = max(-(direction[0] * dx + direction[1] * dy + direction[2] * dz) / length, 0.0)
    # Lamps and windows have a size: what faces a little away from their middle is lit, too.
    return max(0.15 + 0.85 * (nx * dx + ny * dy + nz * dz) / length, 0.0) * ahead / (FALLOFF + square)


@njit(cache=True, nogil=True)
def _shade(
    points: np.ndarray,
    faces: np.ndarray,
    eyes: np.ndarray,
    normal: np.ndarray,
    color: np.ndarray,
    texture: np.ndarray,
    axis: np.ndarray,
    placed: np.ndarray,
    local: np.ndarray,
    pictures: np.ndarray,
    metres: np.ndarray,
    tileable: np.ndarray,
    linear: np.ndarray,
    means: np.ndarray,
    lamp_place: np.ndarray,
    lamp_color: np.ndarray,
    lamp_direction: np.ndarray,
    shadow: np.ndarray,
    ambient: float,
    turns: np.ndarray,
    result: np.ndarray,
) -> None:
    base = np.empty(3, np.float32)
    for i in range(len(points)):
        face = faces[i]
        if face < 0:
            continue
        _base_color(
            points[i], face, color, texture, axis, placed, local, pictures, metres, tileable, linear, means, base
        )
        nx, ny, nz = normal[face, 0], normal[face, 1], normal[face, 2]
        toward = nx * (eyes[i, 0] - points[i, 0]) + ny * (eyes[i, 1] - points[i, 1]) + nz * (eyes[i, 2] - points[i, 2])
        if toward < 0:
            nx, ny, nz = -nx, -ny, -nz
        even = ambient * (0.85 + 0.15 * nz + 0.05 * nx)
        red, green, blue = even, even, even
        for lamp in range(len(lamp_place)):
            dx, dy, dz = points[i, 0], points[i, 1], points[i, 2]
            dx, dy, dz = lamp_place[lamp, 0] - dx, lamp_place[lamp, 1] - dy, lamp_place[lamp, 2] - dz
            strength = _strength(dx, dy, dz, nx, ny, nz, lamp_direction[lamp])
            if strength > 1e-3 and lamp < len(shadow):
                strength *= _lit(-dx, -dy, -dz, shadow[lamp], turns)
            red += strength * lamp_color[lamp, 0]
            green += strength * lamp_color[lamp, 1]
            blue += strength * lamp_color[lamp, 2]
        result[i, 0], result[i, 1], result[i, 2] = base[0] * red, base[1] * green, base[2] * blue
