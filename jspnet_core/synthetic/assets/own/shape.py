"""Builder of meshes from boxes, prisms, sheets and turned profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from jspnet_core.synthetic.meshes import Mesh

# Corners of a unit box, centred in x and y and in z, and its triangles.
_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_BOX_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4]]
    + [[1, 5, 7], [1, 7, 3]]
)


@dataclass
class Shape:
    """A mesh that grows piece by piece. Colours come from materials later; the mesh itself is light grey.

    Parts are small numbers: see `Part`. `glass` marks pieces that light passes.
    """

    vertices: list[np.ndarray] = field(default_factory=list)
    faces: list[np.ndarray] = field(default_factory=list)
    parts: list[np.ndarray] = field(default_factory=list)
    glass: list[np.ndarray] = field(default_factory=list)
    count: int = 0
    _boxes: list[tuple] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Return whether there is no piece yet."""
        return not self._boxes and not self.vertices

    def box(self, x: tuple, y: tuple, z: tuple, part: int = 0, glass: bool = False) -> Shape:
        """Axis-parallel box: the intervals that it spans."""
        self._boxes.append((x[0], x[1], y[0], y[1], z[0], z[1], part, glass))
        return self

    def add(self, vertices: ArrayLike, faces: ArrayLike, part: int = 0, glass: bool = False) -> Shape:
        """Triangles of one part: vertices (V, 3), faces (F, 3) into them."""
        faces = np.asarray(faces)
        self.vertices.append(np.asarray(vertices, dtype=np.float64))
        self.faces.append(faces + self.count)
        self.parts.append(np.full(len(faces), part, np.uint8))
        self.glass.append(np.full(len(faces), glass))
        self.count += len(self.vertices[-1])
        return self

    def turned(
        self, x: float, y: float, profile: ArrayLike, part: int = 0, sides: int = 12, glass: bool = False
    ) -> Shape:
        """Solid of revolution about a vertical axis: profile is a list of (radius, z)."""
        profile = np.asarray(profile, dtype=np.float64)
        turn = 2 * np.pi * np.arange(sides) / sides
        ring = np.column_stack([np.cos(turn), np.sin(turn)])
        points = np.concatenate([np.column_stack([ring * r + (x, y), np.full(sides, z)]) for r, z in profile])
        rows, i = len(profile), np.arange(sides)
        j = (i + 1) % sides
        quads = [q for k in range(rows - 1) for q in _quads(k * sides + i, k * sides + j, sides)]
        caps = [np.column_stack([np.full(sides - 2, b), b + i[1:-1], b + i[2:]]) for b in (0, (rows - 1) * sides)]
        return self.add(points, np.concatenate([*quads, *caps]), part, glass)

    def cylinder(self, x: float, y: float, z: tuple, radius: float, part: int = 0, sides: int = 12) -> Shape:
        """Upright cylinder."""
        return self.turned(x, y, [(radius, z[0]), (radius, z[1])], part, sides)

    def bar(self, a: ArrayLike, b: ArrayLike, width: float, part: int = 0) -> Shape:
        """Square bar between two points, for slanted legs and arms."""
        a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
        axis = (b - a) / max(np.linalg.norm(b - a), 1e-9)
        side = np.cross(axis, (0, 0, 1) if abs(axis[2]) < 0.9 else (1, 0, 0))
        side /= np.linalg.norm(side)
        frame = np.stack([side, np.cross(axis, side), axis])
        corners = _CORNERS * (width, width, np.linalg.norm(b - a))
        return self.add(corners @ frame + (a + b) / 2, _BOX_FACES, part)

    def grid(self, points: np.ndarray, part: int = 0, glass: bool = False) -> Shape:
        """Curved sheet over a (R, C, 3) grid of points."""
        rows, columns = points.shape[:2]
        index = np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, d), (a, d, c))])
        return self.add(points.reshape(-1, 3), faces, part, glass)

    def slab(
        self, x: Sequence[float], y: Sequence[float], z: Sequence[float], part: int = 0, bulge: float = 0.03
    ) -> Shape:
        """Cushion: a box whose upper edges are rounded off."""
        inset = min(bulge, 0.45 * (x[1] - x[0]), 0.45 * (y[1] - y[0]), 0.9 * (z[1] - z[0]))
        levels = [(0.0, z[0]), (0.0, z[1] - inset), (0.35 * inset, z[1] - 0.35 * inset), (inset, z[1])]
        rings = [[(x[0] + i, y[0] + i, h), (x[1] - i, y[0] + i, h), (x[1] - i, y[1] - i, h), (x[0] + i, y[1] - i, h)]
                 for i, h in levels]  # fmt: skip
        faces = [[4 * k + i, 4 * k + (i + 1) % 4, 4 * k + 4 + (i + 1) % 4] for k in range(3) for i in range(4)]
        faces += [[4 * k + i, 4 * k + 4 + (i + 1) % 4, 4 * k + 4 + i] for k in range(3) for i in range(4)]
        return self.add(np.concatenate(rings), [*faces, [0, 1, 2], [0, 2, 3], [12, 13, 14], [12, 14, 15]], part)

    def transformed(self, matrix: np.ndarray) -> Shape:
        """Return the shape transformed by a (4, 4) matrix."""
        self._flush()
        self.vertices = [v @ matrix[:3, :3].T + matrix[:3, 3] for v in self.vertices]
        return self

    def extend(self, other: Shape) -> Shape:
        """All pieces of another shape in addition."""
        other._flush()
        for v, f, p, g in zip(other.vertices, other.faces, other.parts, other.glass, strict=True):
            self.vertices.append(v)
            self.faces.append(f + self.count)
            self.parts.append(p)
            self.glass.append(g)
        self.count += other.count
        return self

    def mesh(self, color: int = 190) -> Mesh:
        """The finished mesh."""
        self._flush()
        faces = np.concatenate(self.faces).astype(np.int32)
        return Mesh(
            vertices=np.concatenate(self.vertices).astype(np.float32),
            faces=faces,
            color=np.full((len(faces), 3), color, np.uint8),
            part=np.concatenate(self.parts),
            glass=np.concatenate(self.glass),
        )

    def _flush(self) -> None:
        if not self._boxes:
            return
        b = np.array([row[:6] for row in self._boxes], dtype=np.float64)
        low, size = b[:, 0::2], b[:, 1::2] - b[:, 0::2]
        vertices = ((_CORNERS + 0.5)[None] * size[:, None] + low[:, None]).reshape(-1, 3)
        faces = (_BOX_FACES[None] + 8 * np.arange(len(b))[:, None, None]).reshape(-1, 3)
        self.vertices.append(vertices)
        self.faces.append(faces + self.count)
        self.parts.append(np.repeat(np.array([row[6] for row in self._boxes], np.uint8), 12))
        self.glass.append(np.repeat(np.array([row[7] for row in self._boxes], bool), 12))
        self.count += len(vertices)
        self._boxes.clear()


def _quads(a: np.ndarray, b: np.ndarray, rise: int) -> tuple[np.ndarray, np.ndarray]:
    return np.column_stack([a, b, b + rise]), np.column_stack([a, b + rise, a + rise])


class Part:
    """Part numbers of own shapes: the material of a part decides its possible colours."""

    BODY = 0  # wood, paint
    LEG = 1  # metal, wood
    SOFT = 2  # fabric, leather
    METAL = 3
    DARK = 4  # black plastic, screens
    WHITE = 5  # ceramics, paper
    COLOR = 6  # any colour
    GREEN = 7  # leaves
    EARTH = 8  # soil, pots
    GLASS = 9
    BODY2 = 10  # second wood or paint: fronts
    LIGHT = 11  # lamp shades
    COLOR2 = 12
    COLOR3 = 13
    CORK = 14
    BOARD = 15  # writing surface
