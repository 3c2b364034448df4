"""Floor plans: rooms as rectilinear outlines, their walls, and the openings in them.

Plan frame: metres, x and y; all corners lie on multiples of 5 cm. Outlines run counter-clockwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

STEP = 0.05


@dataclass
class Opening:
    """Hole in a wall. kind: door, passage, window or glass.

    start, end: metres along the wall. bottom, top: metres above the floor. depth: of the wall there, metres.
    other: number of the room behind, or None. owner: whether this side builds what stands in the hole.
    angle: of an open door leaf, radians. hinge: -1 or 1.
    """

    kind: str
    start: float
    end: float
    bottom: float
    top: float
    depth: float
    other: int | None = None
    owner: bool = True
    angle: float = 0.0
    hinge: int = 1
    double: bool = False

    @property
    def width(self) -> float:
        return self.end - self.start


@dataclass
class Wall:
    """One edge of an outline, the room to its left. start, end: (2,) metres."""

    start: np.ndarray
    end: np.ndarray
    openings: list[Opening] = field(default_factory=list)

    @cached_property
    def length(self) -> float:
        return float(np.abs(self.end - self.start).sum())

    @cached_property
    def along(self) -> np.ndarray:
        """(2,) unit vector from start to end."""
        return (self.end - self.start) / self.length

    @cached_property
    def inward(self) -> np.ndarray:
        """(2,) unit vector into the room."""
        x, y = self.along
        return np.array([-y, x])

    @cached_property
    def yaw(self) -> float:
        """Direction of a piece with its back at the wall, radians."""
        return float(np.arctan2(self.inward[0], -self.inward[1]))

    def at(self, s: float) -> np.ndarray:
        """(2,) point `s` metres along the wall."""
        return self.start + s * self.along

    def pose(self, s: float, z: float = 0.0) -> np.ndarray:
        """(4, 4) of a mesh with its back at the wall: its x runs against `along`, its -y points into the room."""
        matrix = np.eye(4)
        matrix[:2, 0] = -self.along
        matrix[:2, 1] = -self.inward
        matrix[:3, 3] = (*self.at(s), z)
        return matrix

    def is_free(self, start: float, end: float, margin: float = 0.1) -> bool:
        """Return whether no opening touches an interval."""
        inside = margin <= start and end <= self.length - margin
        return inside and all(o.end + margin <= start or end + margin <= o.start for o in self.openings)


@dataclass
class Room:
    """kind: of room, see `programs`. outline: (K, 2) counter-clockwise."""

    kind: str
    outline: np.ndarray
    walls: list[Wall] = field(default_factory=list)

    def __post_init__(self) -> None:
        ends = np.roll(self.outline, -1, axis=0)
        self.walls = [Wall(a, b) for a, b in zip(self.outline, ends, strict=True)]

    @property
    def low(self) -> np.ndarray:
        return self.outline.min(0)

    @property
    def high(self) -> np.ndarray:
        return self.outline.max(0)

    @property
    def area(self) -> float:
        """Floor area in square metres."""
        x, y = self.outline.T
        return float(0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum())


@dataclass
class Plan:
    """kind: of scene. thickness: of inner walls, outer: of outer walls, metres. height: of the ceilings."""

    kind: str
    rooms: list[Room]
    height: float
    thickness: float
    outer: float


def snap(value: npt.ArrayLike) -> np.ndarray:
    """Nearest multiple of 5 cm."""
    return np.round(np.asarray(value, dtype=np.float64) / STEP) * STEP


def rectangle(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """(4, 2) outline of a rectangle."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=np.float64)


def contains(outline: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) whether (N, 2) points lie inside an outline."""
    inside = np.zeros(len(points), bool)
    x, y = points.T
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay == by:
            continue
        crosses = (ay > y) != (by > y)
        inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside


def with_corner_cut(rng: np.random.Generator, outline: np.ndarray) -> np.ndarray:
    """L-shape: a rectangle without one corner."""
    size = outline[2] - outline[0]
    cut = snap(rng.uniform(0.25, 0.5, 2) * size)
    k = int(rng.integers(4))
    corner = outline[k]
    before, after = outline[k - 1], outline[(k + 1) % 4]
    back, ahead = np.sign(before - corner), np.sign(after - corner)
    a, b = corner + back * cut, corner + ahead * cut
    return snap(np.concatenate([outline[:k], [a, a + b - corner, b], outline[k + 1 :]]))


def with_bay(
    rng: np.random.Generator, outline: np.ndarray, outward: bool, edges: list[int] | None = None
) -> np.ndarray:
    """Outline with a niche (outward) or a pillar or chimney breast (inward) in one of its edges."""
    k = int(rng.choice(edges if edges is not None else np.arange(len(outline))))
    a, b = outline[k], outline[(k + 1) % len(outline)]
    length = np.abs(b - a).sum()
    if length < 2.0:
        return outline
    along = (b - a) / length
    inward = np.array([-along[1], along[0]])
    width = float(snap(rng.uniform(0.8, min(2.5, length * 0.5)) if outward else rng.uniform(0.3, 1.2)))
    depth = float(snap(rng.uniform(0.3, 0.9) if outward else rng.uniform(0.15, 0.45)))
    s = float(snap(rng.uniform(0.3, length - width - 0.3)))
    step = -inward * depth if outward else inward * depth
    p, q = a + along * s, a + along * (s + width)
    return snap(np.concatenate([outline[: k + 1], [p, p + step, q + step, q], outline[k + 1 :]]))


def split(rng: np.random.Generator, box: tuple, count: int, gap: float) -> list[tuple]:
    """Split a rectangle (x0, y0, x1, y1) into `count` rectangles with walls between, the longer side first."""
    if count == 1:
        return [box]
    x0, y0, x1, y1 = box
    left = count // 2 if count < 4 else int(rng.integers(1, count))
    share = np.clip(left / count + rng.uniform(-0.12, 0.12), 0.25, 0.75)
    if x1 - x0 >= y1 - y0:
        m = float(snap(x0 + share * (x1 - x0)))
        parts = (x0, y0, m, y1), (m + gap, y0, x1, y1)
    else:
        m = float(snap(y0 + share * (y1 - y0)))
        parts = (x0, y0, x1, m), (x0, m + gap, x1, y1)
    return split(rng, parts[0], left, gap) + split(rng, parts[1], count - left, gap)


def faces(plan: Plan) -> list[tuple[int, int, int, int, float, float]]:
    """Pairs of walls back to back: room, wall, other room, its wall, and the shared interval on the first."""
    found = []
    for a, first in enumerate(plan.rooms):
        for b in range(a + 1, len(plan.rooms)):
            for i, wall in enumerate(first.walls):
                for k, other in enumerate(plan.rooms[b].walls):
                    span = _shared(wall, other, plan.thickness)
                    if span:
                        found.append((a, i, b, k, *span))
    return found


def _shared(wall: Wall, other: Wall, gap: float) -> tuple[float, float] | None:
    if wall.along @ other.along > -0.5 or abs((wall.start - other.start) @ wall.inward - gap) > 0.01:
        return None
    ends = sorted(((other.start - wall.start) @ wall.along, (other.end - wall.start) @ wall.along))
    low, high = max(0.0, ends[0]), min(wall.length, ends[1])
    return (low, high) if high - low > 0.3 else None
