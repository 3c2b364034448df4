"""Meshes of floors, ceilings and walls with their openings, and skirting boards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Shape
from jspnet_core.synthetic.layout.plan import Opening, Room, Wall, contains
from jspnet_core.synthetic.layout.roof import Roof
from jspnet_core.synthetic.meshes import Mesh


def floor_mesh(room: Room) -> Mesh:
    """The floor at z = 0."""
    quads = [[(x0, y0, 0.0), (x1, y0, 0.0), (x1, y1, 0.0), (x0, y1, 0.0)] for x0, y0, x1, y1 in tiles(room.outline)]
    return _quads(quads).mesh()


def ceiling_mesh(room: Room, roof: Roof) -> Mesh:
    """The ceiling, bent where the roof bends."""
    cuts = {roof.axis: roof.ridge} if roof.slope else {}
    quads = []
    for x0, y0, x1, y1 in tiles(room.outline, cuts):
        plan = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        quads.append(np.column_stack([plan, roof.at(plan)]))
    return _quads(quads).mesh()


def tiles(outline: np.ndarray, cuts: dict[int, float] | None = None) -> list[tuple[float, float, float, float]]:
    """Rectangles that cover a rectilinear outline. cuts: by axis, a further coordinate to cut at."""
    edges = []
    for axis in (0, 1):
        values = set(np.round(outline[:, axis], 4))
        cut = (cuts or {}).get(axis)
        if cut is not None and min(values) < cut < max(values):
            values.add(cut)
        edges.append(sorted(values))
    cells = [(x0, y0, x1, y1) for x0, x1 in zip(edges[0], edges[0][1:], strict=False)
             for y0, y1 in zip(edges[1], edges[1][1:], strict=False)]  # fmt: skip
    middle = np.array([((a + c) / 2, (b + d) / 2) for a, b, c, d in cells])
    return [cell for cell, inside in zip(cells, contains(outline, middle), strict=True) if inside]


def wall_mesh(wall: Wall, roof: Roof) -> Mesh:
    """Face of a wall with its holes, and the sides of the holes: half of the depth of those to other rooms."""
    quads = []
    cuts = {0.0, wall.length, *roof.breaks(wall.start, wall.end)}
    for hole in wall.openings:
        cuts |= {hole.start, hole.end}
    for a, b in pairwise(sorted(cuts)):
        inner = [o for o in wall.openings if o.start < (a + b) / 2 < o.end]
        z = 0.0
        for hole in sorted(inner, key=lambda o: o.bottom):
            if hole.bottom > z:
                quads.append(_upright(wall, a, b, (z, z), (hole.bottom, hole.bottom)))
            z = hole.top
        tops = roof.at(np.array([wall.at(a), wall.at(b)]))
        quads.append(_upright(wall, a, b, (z, z), tuple(tops)))
    for hole in wall.openings:
        quads += _reveal(wall, hole)
    return _quads(quads).mesh()


def _upright(wall: Wall, a: float, b: float, bottom: tuple, top: tuple) -> list:
    p, q = wall.at(a), wall.at(b)
    return [(*p, bottom[0]), (*q, bottom[1]), (*q, top[1]), (*p, top[0])]


def _reveal(wall: Wall, hole: Opening) -> list:
    depth = hole.depth if hole.other is None else hole.depth / 2 + 0.001
    back = -wall.inward * depth
    p, q = wall.at(hole.start), wall.at(hole.end)
    low, high = hole.bottom, hole.top
    sides = [[(*c, low), (*(c + back), low), (*(c + back), high), (*c, high)] for c in (p, q)]
    flat = [[(*p, z), (*q, z), (*(q + back), z), (*(p + back), z)] for z in ((high,) if low == 0 else (low, high))]
    return sides + flat


def threshold_mesh(wall: Wall, hole: Opening) -> Mesh:
    """Floor inside a doorway."""
    back = -wall.inward * hole.depth
    p, q = wall.at(hole.start), wall.at(hole.end)
    return _quads([[(*p, 0.0), (*q, 0.0), (*(q + back), 0.0), (*(p + back), 0.0)]]).mesh()


def skirting_mesh(wall: Wall, height: float, thickness: float) -> Mesh | None:
    """Board along the foot of a wall, left out at openings that reach the floor; in world coordinates."""
    gaps = sorted((o.start - 0.08, o.end + 0.08) for o in wall.openings if o.bottom < height)
    shape, s = Shape(), 0.0
    for low, high in [*gaps, (wall.length, wall.length)]:
        if low - s > 0.05:
            p, q = wall.at(s), wall.at(low) + wall.inward * thickness
            shape.box(tuple(sorted((p[0], q[0]))), tuple(sorted((p[1], q[1]))), (0.0, height))
        s = max(s, high)
    return None if shape.empty else shape.mesh()


def _quads(quads: list) -> Shape:
    points = np.asarray(quads, dtype=np.float64).reshape(-1, 3)
    base = 4 * np.arange(len(quads))[:, None, None]
    return Shape().add(points, (np.array([[0, 1, 2], [0, 2, 3]]) + base).reshape(-1, 3))
