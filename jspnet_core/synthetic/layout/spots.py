"""Free places along the walls of a room: to stand before them, and to hang on them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jspnet_core.synthetic.layout.occupancy import Occupancy
from jspnet_core.synthetic.layout.plan import STEP, Room

Near = tuple[int, float]
"""Number of a wall and metres along it."""

_NONE = np.zeros((0, 2))


class WallSpots:
    """Walls with the patches of them that are taken: (start, end, bottom, top), metres along and above the floor."""

    def __init__(self, room: Room, grid: Occupancy) -> None:
        self.walls = room.walls
        self.grid = grid
        self.patches: list[list[tuple[float, float, float, float]]] = [[] for _ in room.walls]

    def take(self, wall: int, start: float, end: float, bottom: float, top: float) -> None:
        """Mark a patch of a wall as taken."""
        self.patches[wall].append((start, end, bottom, top))

    def standing(
        self, width: float, depth: float, height: float, walls: Iterable[int] | None = None, front: float = 0.0
    ) -> np.ndarray:
        """(N, 2) wall and metres along it of all middles where a piece can stand, `front` metres before it free."""
        blocked = self.grid.blocked(height)
        found = [_NONE]
        for number in self._numbers(walls, width):
            wall = self.walls[number]
            strip = self.grid.strip(blocked, wall, depth)
            if strip.shape[1] * STEP < depth - STEP:
                continue
            taken = strip.max(1)
            if front:
                taken = taken | self.grid.strip(self.grid.cells > 0, wall, depth + front).max(1)
            found.append(self._runs(number, taken, width, 0.0, height))
        return np.concatenate(found)

    def hanging(self, width: float, bottom: float, height: float, walls: Iterable[int] | None = None) -> np.ndarray:
        """(N, 2) wall and metres along it of all middles where a piece can hang, `bottom` metres above the floor."""
        found = [_NONE]
        for number in self._numbers(walls, width):
            heights = self.grid.strip(self.grid.ceiling, self.walls[number], STEP)[:, 0]
            found.append(self._runs(number, heights < bottom + height + 0.02, width, bottom, height))
        return np.concatenate(found)

    def choose(
        self, rng: np.random.Generator, spots: np.ndarray, width: float, near: Near | None = None, corner: bool = False
    ) -> tuple[int, float]:
        """One of the spots: any, one as near as possible to a place on a wall, or one at the end of its wall."""
        if near is not None:
            place = self.walls[near[0]].at(near[1])
            cost = np.array([np.abs(self.walls[int(n)].at(s) - place).sum() for n, s in spots])
            best = np.flatnonzero(cost <= cost.min() + 0.05)
        elif corner:
            cost = np.array([min(s, self.walls[int(n)].length - s) for n, s in spots]) - width / 2
            best = np.flatnonzero(cost <= cost.min() + 0.1)
        else:
            best = np.arange(len(spots))
        pick = best[rng.integers(len(best))]
        return int(spots[pick, 0]), float(spots[pick, 1])

    def _numbers(self, walls: Iterable[int] | None, width: float) -> list[int]:
        return [n for n in (range(len(self.walls)) if walls is None else walls) if self.walls[n].length >= width]

    def _runs(self, number: int, taken: np.ndarray, width: float, bottom: float, height: float) -> np.ndarray:
        """Middles of all runs of free cells that are as long as a piece is wide."""
        taken = taken.copy()
        for start, end, low, high in self.patches[number]:
            if low < bottom + height and bottom < high:
                taken[max(0, int(np.floor(start / STEP))) : max(0, int(np.ceil(end / STEP)))] = True
        n = int(np.ceil(width / STEP - 1e-6))
        if n > len(taken):
            return _NONE
        total = np.concatenate([[0], np.cumsum(taken)])
        starts = np.flatnonzero(total[n:] == total[:-n])
        s = np.clip((starts + n / 2) * STEP, width / 2, len(taken) * STEP - width / 2)
        return np.column_stack([np.full(len(s), number), s])
