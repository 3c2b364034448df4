"""Height of the ceiling over the floor plan: flat, sloped to one side, or a gable."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.layout.plan import Room

_OVER = 0.12


@dataclass(frozen=True)
class Roof:
    """Ceiling of a scene. height: of the flat part, or the highest point, metres.

    slope: fall per metre, 0 for flat. axis: 0 or 1, the direction in which it falls. ridge: coordinate on that axis
    from which it falls. both: whether to both sides of the ridge (a gable) or only where the coordinate grows.
    """

    height: float
    slope: float = 0.0
    axis: int = 0
    ridge: float = 0.0
    both: bool = True

    def at(self, points: np.ndarray) -> np.ndarray:
        """(N,) height over (N, 2) points, metres."""
        points = np.atleast_2d(points)
        away = points[:, self.axis] - self.ridge
        away = np.abs(away) if self.both else np.maximum(away, 0.0)
        return self.height - self.slope * away

    def breaks(self, start: np.ndarray, end: np.ndarray) -> list[float]:
        """Metres along a wall from start to end at which the ceiling bends."""
        a, b = start[self.axis], end[self.axis]
        if self.slope == 0 or abs(b - a) < 1e-6 or not min(a, b) < self.ridge < max(a, b):
            return []
        return [float(abs(self.ridge - a))]


def draw_roof(rng: np.random.Generator, kind: str, low: np.ndarray, high: np.ndarray, height: float) -> Roof:
    """Sloped in one of eight single rooms of homes, flat otherwise. low, high: (2,) corners of the plan."""
    if kind not in ("living_room", "bedroom", "kitchen", "office", "bathroom", "library") or rng.random() > 0.14:
        return Roof(height)
    axis = int(rng.integers(2))
    size = float((high - low)[axis])
    both = rng.random() < 0.5
    ridge = float(low[axis] + size * (rng.uniform(0.35, 0.65) if both else rng.uniform(0.0, 0.5)))
    run = max(ridge - low[axis], high[axis] - ridge) if both else high[axis] - ridge
    rise = rng.uniform(0.5, 1.2)
    lowest = rng.uniform(1.5, 2.1)
    return Roof(lowest + rise, rise / float(run), axis, ridge, both)


def fit_roof(room: Room, roof: Roof, height: float) -> Roof:
    """The roof, with the room's windows lowered below it; a flat one where a door would reach through it."""
    if roof.slope == 0:
        return roof
    for wall in room.walls:
        kept = []
        for hole in wall.openings:
            limit = float(roof.at(np.array([wall.at(hole.start), wall.at(hole.end)])).min()) - _OVER
            if hole.top > limit and hole.kind != "window":
                return Roof(height)
            if hole.kind == "window":
                hole.top = min(hole.top, limit)
                if hole.top - hole.bottom < 0.4:
                    continue
            kept.append(hole)
        wall.openings = kept
    return roof
