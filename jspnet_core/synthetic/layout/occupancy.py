"""Occupancy grid of one room: 5 cm cells that hold the numbers of what stands there."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from jspnet_core.synthetic.layout.plan import STEP, Room, Wall, contains
from jspnet_core.synthetic.layout.roof import Roof

Numbers = tuple[int, ...]
"""Numbers of objects."""

Pair = tuple[float, float] | np.ndarray
"""Width and depth, metres."""

OUTSIDE = -1
KEEP_FREE = -2
_TOLERANCE = 0.02
# Half of the width, metres, below which a turned rectangle could slip between the middles of the cells.
_THINNEST = 0.036


class Occupancy:
    """cells: (X, Y) int32; 0 free, -1 outside the room, -2 to be kept free, else an object's number.

    ceiling: (X, Y) height of the ceiling over the cells, metres.
    """

    def __init__(self, room: Room, roof: Roof) -> None:
        self.low = room.low.copy()
        count = np.round((room.high - room.low) / STEP).astype(int)
        grid = np.stack(np.meshgrid(*[np.arange(n) + 0.5 for n in count], indexing="ij"), -1) * STEP + self.low
        flat = grid.reshape(-1, 2)
        inside = contains(room.outline, flat).reshape(count)
        self.cells = np.where(inside, 0, OUTSIDE).astype(np.int32)
        self.ceiling = roof.at(flat).reshape(count)
        self._middle = grid

    def blocked(self, height: float, allow: Numbers = ()) -> np.ndarray:
        """(X, Y) bool: cells where a piece of some height cannot stand."""
        taken = self.cells != 0
        for number in allow:
            taken &= self.cells != number
        return taken | (self.ceiling < height)

    def strip(self, grid: np.ndarray, wall: Wall, depth: float) -> np.ndarray:
        """(S, D) view of a grid along a wall: S cells from its start, D cells into the room."""
        cells = max(1, int(np.ceil(depth / STEP - 1e-6)))
        a, b = np.round((wall.start - self.low) / STEP), np.round((wall.end - self.low) / STEP)
        axis = 0 if abs(wall.along[0]) > 0.5 else 1
        span = slice(int(min(a[axis], b[axis])), int(max(a[axis], b[axis])))
        edge = int(a[1 - axis])
        ahead = wall.inward[1 - axis] > 0
        band = slice(edge, edge + cells) if ahead else slice(max(0, edge - cells), edge)
        view = grid[span, band] if axis == 0 else grid[band, span].T
        view = view if wall.inward[1 - axis] > 0 else view[:, ::-1]
        return view if wall.along[axis] > 0 else view[::-1]

    def footprint(self, xy: np.ndarray, yaw: float, size: Pair) -> tuple[tuple[slice, slice], np.ndarray]:
        """Window of the grid and (W, D) mask of the cells under a turned rectangle, shrunk by 2 cm."""
        cos, sin = np.cos(yaw), np.sin(yaw)
        width, depth = size
        reach = np.array([abs(cos) * width + abs(sin) * depth, abs(sin) * width + abs(cos) * depth]) / 2
        middle = np.asarray(xy) - self.low
        a = np.maximum(np.floor((middle - reach) / STEP), 0).astype(int)
        b = np.minimum(np.ceil((middle + reach) / STEP), self.cells.shape).astype(int)
        window = slice(a[0], max(a[0], b[0])), slice(a[1], max(a[1], b[1]))
        offset = self._middle[window] - np.asarray(xy)
        u, v = offset @ (cos, sin), offset @ (-sin, cos)
        half = [max(length / 2 - _TOLERANCE, _THINNEST) for length in size]
        return window, (np.abs(u) < half[0]) & (np.abs(v) < half[1])

    def fits(self, xy: np.ndarray, yaw: float, size: Pair, height: float = 0.0, allow: Numbers = ()) -> bool:
        """Return whether a turned rectangle lies inside the room, on free cells or on those of `allow`."""
        window, mask = self.footprint(xy, yaw, size)
        cells = self.cells[window]
        expected = size[0] * size[1] / STEP**2
        if not mask.any() or (mask.sum() < 0.6 * expected and expected > 12):
            return False
        bad = (cells != 0) | (self.ceiling[window] < height)
        for number in allow:
            bad &= cells != number
        return not (bad & mask).any()

    def mark(self, xy: np.ndarray, yaw: float, size: Pair, number: int) -> None:
        """Write a number into the free cells (and those to be kept free) under a turned rectangle."""
        window, mask = self.footprint(xy, yaw, size)
        cells = self.cells[window]
        cells[mask & ((cells == 0) | (cells == KEEP_FREE))] = number

    def clear(self, number: int) -> None:
        """Remove an object."""
        self.cells[self.cells == number] = 0

    def keep_free(self, xy: np.ndarray, yaw: float, size: Pair) -> None:
        """Reserve a rectangle to stay free."""
        window, mask = self.footprint(xy, yaw, size)
        cells = self.cells[window]
        cells[mask & (cells == 0)] = KEEP_FREE

    def centers(self, width: float, depth: float, height: float, margin: float) -> np.ndarray:
        """(N, 2) middles at which an axis-parallel rectangle, with a margin around it, is free; metres."""
        blocked = self.blocked(height)
        w, d = (max(1, int(np.ceil((v + 2 * margin) / STEP))) for v in (width, depth))
        if w > blocked.shape[0] or d > blocked.shape[1]:
            return np.zeros((0, 2))
        total = np.zeros((blocked.shape[0] + 1, blocked.shape[1] + 1), np.int32)
        np.cumsum(np.cumsum(blocked, 0), 1, out=total[1:, 1:])
        count = total[w:, d:] - total[:-w, d:] - total[w:, :-d] + total[:-w, :-d]
        return (np.argwhere(count == 0) + (w / 2, d / 2)) * STEP + self.low

    def passable(self, half: int) -> np.ndarray:
        """(X, Y) int: numbers of the connected regions where a square of 2 `half` + 1 cells fits; 0 where it cannot.

        A fast stand-in for `walkable`.
        """
        taken = np.pad((self.cells != 0) & (self.cells != KEEP_FREE), half, constant_values=True)
        total = np.zeros((taken.shape[0] + 1, taken.shape[1] + 1), np.int32)
        np.cumsum(np.cumsum(taken, 0, dtype=np.int32), 1, out=total[1:, 1:])
        n = 2 * half + 1
        count = total[n:, n:] - total[:-n, n:] - total[n:, :-n] + total[:-n, :-n]
        return ndimage.label(count == 0)[0]

    def walkable(self, radius: float) -> np.ndarray:
        """(X, Y) int: numbers of the connected regions where a disc can stand; 0 where it cannot."""
        free = np.pad((self.cells == 0) | (self.cells == KEEP_FREE), 1)
        room = ndimage.distance_transform_edt(free)[1:-1, 1:-1] * STEP > radius
        return ndimage.label(room)[0]

    def points(self, mask: np.ndarray) -> np.ndarray:
        """(N, 2) middles of the cells of a mask, metres."""
        return self._middle[mask]
