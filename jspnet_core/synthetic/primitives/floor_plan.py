"""Occupancy of a room's floor and walls: places where things may stand and hang."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from jspnet_core.synthetic.primitives.solids import pose

Rectangle = tuple[float, float, float, float]
_TRIES = 24


@dataclass(frozen=True)
class Patch:
    """A part of a wall that is taken: by a door, a window, a board, a bookcase.

    wall: 0 to 3, see `Layout.wall_pose`. start, end: metres along the wall. bottom, top: metres above the floor.
    """

    wall: int
    start: float
    end: float
    bottom: float
    top: float

    def overlaps(self, other: Patch, margin: float) -> bool:
        """Return whether two patches of the same wall come closer to each other than `margin` metres along it."""
        beside = self.end + margin < other.start or other.end + margin < self.start
        return self.wall == other.wall and not beside and self.bottom < other.top and other.bottom < self.top


@dataclass
class Layout:
    """Floor plan of a rectangular room: x from 0 to `width`, y from 0 to `depth`, metres."""

    width: float
    depth: float
    height: float
    floor: list[Rectangle] = field(default_factory=list)
    walls: list[Patch] = field(default_factory=list)

    def wall_length(self, wall: int) -> float:
        return self.width if wall % 2 == 0 else self.depth

    def wall_pose(self, wall: int, along: float) -> np.ndarray:
        """(4, 4) room from wall: x along the wall, y into the room; `along` metres from the wall's left end.

        Walls: 0 at y = 0, 1 at x = width, 2 at y = depth, 3 at x = 0.
        """
        x, y = ((0.0, 0.0), (self.width, 0.0), (self.width, self.depth), (0.0, self.depth))[wall]
        yaw = wall * np.pi / 2
        return pose(x + along * np.cos(yaw), y + along * np.sin(yaw), 0.0, yaw)

    def wall_patch(
        self, rng: np.random.Generator, width: float, bottom: float, top: float, margin: float = 0.12
    ) -> Patch | None:
        """Take a free part of some wall, or return None where nothing fits."""
        for _ in range(_TRIES):
            wall = int(rng.integers(4))
            slack = self.wall_length(wall) - width - 0.3
            if slack > 0.0:
                start = float(rng.uniform(0.15, 0.15 + slack))
                patch = Patch(wall, start, start + width, bottom, top)
                if not any(patch.overlaps(other, margin) for other in self.walls):
                    self.walls.append(patch)
                    return patch
        return None

    def patch_pose(self, patch: Patch) -> np.ndarray:
        """(4, 4) room from the foot of the patch's middle; axes as in `wall_pose`."""
        return self.wall_pose(patch.wall, (patch.start + patch.end) / 2)

    def keep_free_before(self, patch: Patch, depth: float) -> None:
        """Keep `depth` metres of floor before a patch (a door) free."""
        self.floor.append(_footprint(self.patch_pose(patch), patch.end - patch.start, depth))

    def against_wall(
        self, rng: np.random.Generator, width: float, depth: float, front: float = 0.0, tall: float = 0.0
    ) -> np.ndarray | None:
        """A free place with its back to a wall: (4, 4) room from furniture, or None where nothing fits.

        front: metres kept free before the furniture. tall: height in metres up to which it hides the wall.
        """
        for _ in range(_TRIES):
            wall = int(rng.integers(4))
            slack = self.wall_length(wall) - width
            if slack <= 0.04:
                continue
            corner = rng.random() < 0.4  # furniture likes corners
            start = float(rng.choice((0.02, slack - 0.02)) if corner else rng.uniform(0.02, slack))
            place = self.wall_pose(wall, start + width / 2)
            patch = Patch(wall, start, start + width, 0.0, tall)
            hides = tall > 0.0 and any(patch.overlaps(other, 0.02) for other in self.walls)
            if not hides and self._is_free(_footprint(place, width, depth + front)):
                self.floor.append(_footprint(place, width, depth))
                if tall > 0.0:
                    self.walls.append(patch)
                place[:3, 3] += place[:3, 1] * 0.01
                return place
        return None

    def anywhere(self, rng: np.random.Generator, width: float, depth: float) -> np.ndarray | None:
        """A free place on the floor, its back at local y = 0, or None."""
        for _ in range(_TRIES):
            place = pose(rng.uniform(0, self.width), rng.uniform(0, self.depth), 0.0, rng.integers(4) * np.pi / 2)
            if self.claim(place, width, depth):
                return place
        return None

    def claim(self, place: np.ndarray, width: float, depth: float) -> bool:
        """Take the floor of a piece of furniture at `place`, (4, 4); False where it is not free."""
        rectangle = _footprint(place, width, depth)
        if not self._is_free(rectangle):
            return False
        self.floor.append(rectangle)
        return True

    def _is_free(self, rectangle: Rectangle) -> bool:
        x0, y0, x1, y1 = rectangle
        if x0 < -0.01 or y0 < -0.01 or x1 > self.width + 0.01 or y1 > self.depth + 0.01:
            return False
        gap = 0.01
        return not any(
            x0 < right - gap and left < x1 - gap and y0 < back - gap and front < y1 - gap
            for left, front, right, back in self.floor
        )


def _footprint(place: np.ndarray, width: float, depth: float) -> Rectangle:
    """Axis-aligned rectangle around furniture at `place`: x from -width/2 to width/2, y from 0 to depth."""
    corners = np.array([[-width / 2, 0], [width / 2, 0], [-width / 2, depth], [width / 2, depth]])
    corners = corners @ place[:2, :2].T + place[:2, 3]
    (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
    return float(x0), float(y0), float(x1), float(y1)
