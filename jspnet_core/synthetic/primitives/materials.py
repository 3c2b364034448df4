"""Materials of surfaces: colours, procedural textures, and their response to a depth sensor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numba import njit

PLAIN, GRAIN, SPECKLE, TILES, SPINES, PATCHES = range(6)
"""Textures: paint, wood grain along the longest edge, carpet, tiles with joints, book spines, poster."""

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """Surface of a primitive.

    color, accent: red green blue, 0 to 1; the accent is the texture's second colour.
    texture: one of the constants of this module.
    scale: metres of one feature of the texture.
    dropout: share of the depth camera's rays that get no return (glass, black screens).
    """

    color: Color
    texture: int = PLAIN
    accent: Color = (0.2, 0.2, 0.2)
    scale: float = 0.4
    dropout: float = 0.0

    def varied(self, rng: np.random.Generator, amount: float = 0.06) -> Material:
        """Vary a material's brightness and hue a little."""
        shift = rng.normal(0.0, amount) + rng.normal(0.0, amount / 3, 3)
        red, green, blue = np.clip(np.asarray(self.color) + shift, 0.02, 0.98)
        return replace(self, color=(float(red), float(green), float(blue)))


@dataclass(frozen=True)
class Style:
    """Materials that one building has in common."""

    wall: Material
    ceiling: Material
    floor: Material
    wood: Material
    door: Material
    frame: Material
    seat: Material
    metal: Material
    dark: Material
    cabinet: Material


WALLS = ((0.76, 0.75, 0.69), (0.72, 0.73, 0.71), (0.80, 0.75, 0.63), (0.70, 0.70, 0.64), (0.77, 0.78, 0.78))
FLOORS = ((0.36, 0.32, 0.30), (0.50, 0.58, 0.52), (0.56, 0.62, 0.64), (0.62, 0.61, 0.56), (0.40, 0.42, 0.42))
WOODS = ((0.74, 0.55, 0.34), (0.66, 0.50, 0.34), (0.80, 0.72, 0.58), (0.52, 0.36, 0.23), (0.82, 0.80, 0.75))
DOORS = ((0.66, 0.46, 0.24), (0.56, 0.40, 0.26), (0.70, 0.56, 0.40), (0.42, 0.36, 0.32), (0.52, 0.58, 0.66))
SEATS = ((0.10, 0.10, 0.10), (0.14, 0.14, 0.13), (0.16, 0.20, 0.38), (0.38, 0.37, 0.34), (0.34, 0.40, 0.26))


def pick(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    """One of the colours."""
    return colors[int(rng.integers(len(colors)))]


def bright_color(rng: np.random.Generator) -> Color:
    """A colour of small things: books, cups, posters."""
    red, green, blue = np.clip(rng.uniform(0.15, 0.95) + rng.normal(0.0, 0.13, 3), 0.05, 0.95)
    return float(red), float(green), float(blue)


def make_style(rng: np.random.Generator) -> Style:
    """Materials of one room, in the colours of offices and university buildings."""
    floor_texture = int(rng.choice((SPECKLE, TILES, SPECKLE)))
    light = pick(rng, WALLS)
    return Style(
        wall=Material(light).varied(rng, 0.03),
        ceiling=Material((0.58, 0.56, 0.50), TILES, (0.45, 0.43, 0.38), 0.6).varied(rng),
        floor=Material(pick(rng, FLOORS), floor_texture, (0.30, 0.29, 0.27), 0.5).varied(rng),
        wood=Material(pick(rng, WOODS), GRAIN, scale=0.05).varied(rng, 0.04),
        door=Material(pick(rng, DOORS), GRAIN, scale=0.06).varied(rng, 0.04),
        frame=Material(pick(rng, ((0.30, 0.36, 0.42), (0.60, 0.46, 0.30), (0.55, 0.55, 0.52)))).varied(rng, 0.03),
        seat=Material(pick(rng, SEATS), SPECKLE, (0.05, 0.05, 0.05), 0.03).varied(rng, 0.02),
        metal=Material((0.58, 0.58, 0.57)).varied(rng),
        dark=Material((0.11, 0.11, 0.11)).varied(rng, 0.02),
        cabinet=Material(pick(rng, ((0.70, 0.68, 0.62), (0.56, 0.56, 0.54), (0.30, 0.30, 0.30)))).varied(rng),
    )


@njit(cache=True, inline="always")
def hashed(x: int, y: int, z: int, seed: int) -> float:
    """A number in [0, 1) that looks random, from whole numbers."""
    mixed = (x * 374761393 + y * 668265263 + z * 1440662683 + seed * 974634777) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 16)) * 2246822519) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 15)) / 4294967296.0


@njit(cache=True, fastmath=True)
def _noise(x: float, y: float, z: float, seed: int) -> float:
    """Smooth value noise in [-1, 1] with features of size one."""
    i, j, k = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    u, v, w = x - i, y - j, z - k
    u, v, w = u * u * (3 - 2 * u), v * v * (3 - 2 * v), w * w * (3 - 2 * w)
    total = 0.0
    for corner in range(8):
        a, b, c = corner & 1, (corner >> 1) & 1, corner >> 2
        weight = (u if a else 1 - u) * (v if b else 1 - v) * (w if c else 1 - w)
        total += weight * hashed(i + a, j + b, k + c, seed)
    return 2.0 * total - 1.0


@njit(cache=True, fastmath=True)
def _blend(color: np.ndarray, accent: np.ndarray, share: float, gain: float) -> tuple[float, float, float]:
    keep = 1.0 - share
    return (
        gain * (keep * color[0] + share * accent[0]),
        gain * (keep * color[1] + share * accent[1]),
        gain * (keep * color[2] + share * accent[2]),
    )


@njit(cache=True, fastmath=True)
def texture_color(
    texture: int,
    color: np.ndarray,
    accent: np.ndarray,
    scale: float,
    seed: int,
    long_axis: int,
    x: float,
    y: float,
    z: float,
) -> tuple[float, float, float]:
    """Colour of a surface point before lighting, red green blue 0 to 1; x y z in the primitive's frame, metres."""
    broad = 1.0 + 0.05 * _noise(1.7 * x, 1.7 * y, 1.7 * z, seed)
    if texture == GRAIN:
        stretch = 1.0 / (12.0 * scale)
        sx, sy, sz = 1.0 / scale, 1.0 / scale, 1.0 / scale
        if long_axis == 0:
            sx = stretch
        elif long_axis == 1:
            sy = stretch
        else:
            sz = stretch
        return _blend(color, accent, 0.0, broad + 0.13 * _noise(x * sx, y * sy, z * sz, seed))
    if texture == SPECKLE:
        fine = _noise(90.0 * x, 90.0 * y, 90.0 * z, seed)
        return _blend(color, accent, 0.0, broad + 0.16 * fine)
    if texture == TILES:
        u, v = abs(x / scale + 512.5), abs(y / scale + 512.5)
        joint = min(min(u % 1.0, 1.0 - u % 1.0), min(v % 1.0, 1.0 - v % 1.0)) * scale < 0.012
        tile = 1.0 + 0.05 * (hashed(int(u), int(v), 0, seed) - 0.5)
        return _blend(color, accent, 0.8 if joint else 0.0, broad * tile)
    if texture == SPINES:
        book = int(np.floor(x / scale))
        hue = (hashed(book, 1, 0, seed), hashed(book, 2, 0, seed), hashed(book, 3, 0, seed))
        gain = 0.35 + 1.0 * hashed(book, 4, 0, seed)
        tint = _blend(color, accent, 0.5 * hashed(book, 5, 0, seed), gain)
        return 0.5 * tint[0] + 0.4 * hue[0], 0.5 * tint[1] + 0.4 * hue[1], 0.5 * tint[2] + 0.4 * hue[2]
    if texture == PATCHES:
        patch = _noise(x / scale, y / scale, z / scale, seed)
        return _blend(color, accent, 1.0 if patch > 0.0 else 0.0, broad + 0.25 * patch)
    return _blend(color, accent, 0.0, broad)
