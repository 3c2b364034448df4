"""Placed meshes: result of a room layout, input of the scanner and the simulated cameras.

World frame: metres, z up, floor at z = 0. A layout fills a `FurnishedScene`; scans and frames are taken of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """One model in its own frame: z up, metres, origin in the middle of the footprint at the bottom, front at -y.

    vertices: (V, 3) float32. faces: (F, 3) int32, seen from both sides. color: (F, 3) uint8 sRGB.
    part: (F,) uint8, number of the material within the model. glass: (F,) bool, whether light passes.
    """

    vertices: np.ndarray
    faces: np.ndarray
    color: np.ndarray
    part: np.ndarray
    glass: np.ndarray


@dataclass(frozen=True)
class Material:
    """Look of one part of a mesh.

    color: sRGB, 0 to 255: base colour, or tint of a texture; None keeps the mesh's own, or the texture's own.
    texture: name in the texture catalogue, or None. mirror: reflects like a mirror, which depth cameras misread.
    """

    color: tuple[int, int, int] | None = None
    texture: str | None = None
    mirror: bool = False


@dataclass(frozen=True)
class PlacedMesh:
    """A mesh in the scene.

    T_world_mesh: (4, 4) float64, a scale per axis included. label: class of the table `indoor`.
    instance: above 0, one per object; several placed meshes may share it. materials: by part number; one material
    for all parts; None keeps the mesh's own colours.
    """

    mesh: Mesh
    T_world_mesh: np.ndarray
    label: int
    instance: int
    materials: Mapping[int, Material] | Material | None = None


@dataclass(frozen=True)
class Lamp:
    """A point-like light: a lamp, or the middle of a window pane.

    position: metres, world. power: relative, 1 for a ceiling lamp of an ordinary room. color: linear, around 1.
    direction: unit vector into the room for windows, that shine to one side; None for lamps.
    """

    position: tuple[float, float, float]
    power: float = 1.0
    color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    direction: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Lighting:
    """Light of a scene. ambient: share, 0 to 1, that reaches every corner. exposure: 1 is as a camera sets it."""

    ambient: float = 0.4
    lamps: tuple[Lamp, ...] = ()
    exposure: float = 1.0


@dataclass(frozen=True)
class FurnishedScene:
    """Furnished rooms, ready to be scanned.

    outlines: one (K, 2) float64 polygon per room, metres, its inner walls. free: for each room (M, 2) float64, places
    on the floor where a person or a robot can stand, drawn evenly over the free floor; a room may have none.
    ceiling: height above the floor in metres. placed holds walls, floors and ceilings too.
    """

    name: str
    kind: str
    placed: tuple[PlacedMesh, ...]
    lighting: Lighting
    outlines: tuple[np.ndarray, ...]
    free: tuple[np.ndarray, ...]
    ceiling: float
