"""A small furnished room built from code: box furniture, a window with glass, a mirror."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.meshes import FurnishedScene, Lamp, Lighting, Material, Mesh, PlacedMesh

WIDE, DEEP, TALL = 4.0, 3.0, 2.5

_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)], np.float32)
_SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))


def box_mesh(color: tuple[int, int, int], glass: bool = False) -> Mesh:
    """A cube of 1 m, its origin in the middle of the footprint at the bottom."""
    faces = np.array([t for a, b, c, d in _SIDES for t in ((a, b, c), (a, c, d))], np.int32)
    return Mesh(_CORNERS, faces, np.full((12, 3), color, np.uint8), np.zeros(12, np.uint8), np.full(12, glass))


def place(mesh: Mesh, name: str, instance: int, at, size, material: Material | None = None) -> PlacedMesh:
    """A box with its middle bottom `at`, of a size, metres."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(size)
    matrix[:3, 3] = at
    return PlacedMesh(mesh, matrix, CLASS_ID[name], instance, material)


def small_room() -> FurnishedScene:
    """4 m x 3 m x 2.5 m with a table, a chair on each side, a cabinet, a window and a mirror."""
    wall, wood, dark = box_mesh((200, 195, 180)), box_mesh((150, 110, 70)), box_mesh((40, 40, 45))
    x, y, thin = WIDE / 2, DEEP / 2, 0.1
    placed = [
        place(wood, "floor", 1, (x, y, -thin), (WIDE, DEEP, thin)),
        place(wall, "ceiling", 2, (x, y, TALL), (WIDE, DEEP, thin)),
        place(wall, "wall", 3, (-thin / 2, y, 0), (thin, DEEP, TALL)),
        place(wall, "wall", 4, (x, -thin / 2, 0), (WIDE, thin, TALL)),
        place(wall, "wall", 5, (x, DEEP + thin / 2, 0), (WIDE, thin, TALL)),
        place(wall, "wall", 6, (WIDE + thin / 2, y, 0), (thin, DEEP, 0.9)),
        place(box_mesh((220, 230, 235), glass=True), "window", 7, (WIDE + thin / 2, y, 0.9), (0.01, DEEP, TALL - 0.9)),
        place(wood, "table", 8, (2.0, 1.5, 0.70), (1.2, 0.7, 0.04)),
        place(dark, "chair", 9, (2.0, 0.85, 0.0), (0.4, 0.4, 0.45)),
        place(dark, "chair", 10, (2.0, 2.15, 0.0), (0.4, 0.4, 0.45)),
        place(wall, "cabinet", 11, (0.3, 1.5, 0.0), (0.6, 1.0, 1.8)),
        place(wall, "clutter", 12, (2.0, DEEP - 0.02, 1.2), (0.8, 0.02, 0.8), Material((220, 220, 220), mirror=True)),
    ]  # fmt: skip
    grid = np.array([[a, b] for a in np.arange(0.8, 3.7, 0.1) for b in np.arange(0.3, 2.8, 0.1)])
    free = grid[(np.abs(grid[:, 0] - 2.0) > 0.9) | (np.abs(grid[:, 1] - 1.5) > 1.0)]
    outline = np.array([[0.0, 0.0], [WIDE, 0.0], [WIDE, DEEP], [0.0, DEEP]])
    lamps = (Lamp((2.0, 1.5, 2.4)), Lamp((WIDE, 1.5, 1.7), 1.5, (0.9, 1.0, 1.1), (-1.0, 0.0, 0.0)))
    return FurnishedScene("small", "office", tuple(placed), Lighting(0.4, lamps), (outline,), (free,), TALL)
