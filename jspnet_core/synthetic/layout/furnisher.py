"""Placing pieces in a room: at walls, on walls, free on the floor, at the ceiling, without collisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from jspnet_core.synthetic.assets.kinds import class_of
from jspnet_core.synthetic.assets.pieces import Piece
from jspnet_core.synthetic.layout.boxes import Boxes, box_of
from jspnet_core.synthetic.layout.looks import Palette, materials_of
from jspnet_core.synthetic.layout.occupancy import Numbers, Occupancy
from jspnet_core.synthetic.layout.placed import Counter, Placed
from jspnet_core.synthetic.layout.plan import STEP, Room
from jspnet_core.synthetic.layout.roof import Roof
from jspnet_core.synthetic.layout.spots import Near, WallSpots
from jspnet_core.synthetic.layout.stock import Stock
from jspnet_core.synthetic.meshes import Material, PlacedMesh

# Half of the width of a robot that must get through, in cells; and the radius of one that stands, metres.
_ROBOT, _STANDING = 3, 0.25
_HEADROOM = 1.95
# Square metres of floor below which a piece cannot shut off a part of a room.
_SMALL = 0.15


class Furnisher:
    """State of one room while it is furnished.

    placed: what stands, hangs and lies in it. meshes: these and the building's own. doorways: (2,) places before doors.
    """

    def __init__(
        self, rng: np.random.Generator, room: Room, roof: Roof, stock: Stock, palette: Palette, counter: Counter
    ) -> None:
        self.rng = rng
        self.room = room
        self.roof = roof
        self.stock = stock
        self.palette = palette
        self.counter = counter
        self.grid = Occupancy(room, roof)
        self.spots = WallSpots(room, self.grid)
        self.boxes = Boxes()
        self.placed: list[Placed] = []
        self.meshes: list[PlacedMesh] = []
        self.doorways: list[np.ndarray] = []
        self._looks: dict[int, tuple[Piece, Mapping[int, Material] | None]] = {}

    def draw(self, kinds: str, limit: tuple[float, ...] | None = None) -> Piece | None:
        """A piece of one of the kinds (names with | between), within a size if one is given."""
        if limit is None:
            return self.stock.draw(self.rng, kinds)
        return self.stock.draw_fitting(self.rng, kinds, limit)

    def add(self, piece: Piece, position, yaw: float, scale, wall: int = -1) -> Placed:  # type: ignore[no-untyped-def]
        """Put a piece down without any check. position: (3,) metres. scale: one factor, or three."""
        scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), 3)
        place = np.asarray(position, dtype=np.float64)
        thing = Placed(piece, place, float(yaw), scale, self.counter.next(), wall)
        label, look = class_of(piece.kind), self._look(piece)
        self.meshes.append(PlacedMesh(piece.mesh, thing.matrix, label, thing.number, look))
        self.placed.append(thing)
        return thing

    def remove(self, thing: Placed) -> None:
        """Remove a piece."""
        self.placed.remove(thing)
        self.meshes = [m for m in self.meshes if m.instance != thing.number]
        self.boxes.remove(thing.number)
        self.grid.clear(thing.number)

    def at_wall(
        self,
        piece: Piece | None,
        *,
        walls: Iterable[int] | None = None,
        near: Near | None = None,
        gap: float = 0.02,
        front: float = 0.0,
        corner: bool = False,
    ) -> Placed | None:
        """Stand a piece with its back at a wall, where it fits; None where it does not.

        walls: numbers to choose from. near: place on a wall to stay close to. gap: metres from the wall, at most.
        front: metres before it that must be free now. corner: prefer the ends of walls.
        """
        if piece is None:
            return None
        scale = self._stretch()
        w, d, h = np.asarray(piece.size) * scale
        gap = float(self.rng.uniform(0, gap)) + 0.012
        spots = self.spots.standing(w, d + gap, h, walls, front)
        if not len(spots):
            return None
        number, s = self.spots.choose(self.rng, spots, w, near, corner)
        wall = self.room.walls[number]
        thing = self._stand(piece, wall.at(s) + wall.inward * (d / 2 + gap), wall.yaw, scale, number)
        if thing:
            thing.along = s
            self.spots.take(number, s - w / 2, s + w / 2, 0.0, h)
        return thing

    def free(
        self, piece: Piece | None, *, margin: float = 0.0, loose: float = 0.0, near: np.ndarray | None = None
    ) -> Placed | None:
        """Stand a piece free on the floor, turned by quarters.

        margin: metres around it that must be free. loose: deviation of its direction, radians. near: (2,) place.
        """
        if piece is None:
            return None
        scale = self._stretch()
        w, d, h = np.asarray(piece.size) * scale
        quarter = int(self.rng.integers(4))
        a, b = (d, w) if quarter % 2 else (w, d)
        extra = loose * max(a, b) * 0.6
        middles = self.grid.centers(a + extra, b + extra, h, margin)
        if not len(middles):
            return None
        if near is not None:
            away = np.linalg.norm(middles - near, axis=1)
            middles = middles[np.argsort(away)[: max(1, len(middles) // 12)]]
        yaw = quarter * np.pi / 2 + (self.rng.uniform(-loose, loose) if loose else 0.0)
        return self._stand(piece, middles[self.rng.integers(len(middles))], yaw, scale)

    def stand(
        self,
        piece: Piece | None,
        xy: np.ndarray,
        yaw: float,
        *,
        allow: Numbers = (),
        reachable: bool = False,
        scale: float | np.ndarray | None = None,
    ) -> Placed | None:
        """Stand a piece at a given place if that is free; what stands below objects of `allow` counts as free.

        reachable: whether to take it away again where it shuts off a part of the room.
        """
        if piece is None:
            return None
        scale = self._stretch(0.03) if scale is None else np.broadcast_to(scale, 3)
        w, d, h = np.asarray(piece.size) * scale
        if not self.grid.fits(xy, yaw, (w, d), h, allow):
            return None
        return self._stand(piece, xy, yaw, scale, allow=allow, reachable=reachable)

    def on_wall(
        self,
        piece: Piece | None,
        z: float | None = None,
        *,
        walls: Iterable[int] | None = None,
        near: Near | None = None,
        margin: float = 0.05,
    ) -> Placed | None:
        """Hang a piece on a wall. z: height of its bottom, else its usual one with some variation."""
        if piece is None:
            return None
        scale = self._stretch()
        w, d, h = np.asarray(piece.size) * scale
        if z is None:
            z = (piece.elevation if piece.elevation is not None else 1.2) + self.rng.uniform(-0.08, 0.08)
        spots = self.spots.hanging(w + 2 * margin, z, h, walls)
        for _ in range(4 if len(spots) else 0):
            number, s = self.spots.choose(self.rng, spots, w, near)
            wall = self.room.walls[number]
            xy = wall.at(s) + wall.inward * (d / 2 + 0.004)
            box = box_of(xy, z, wall.yaw, np.array([w, d, h]))
            if self.boxes.hits(box):
                continue
            thing = self.add(piece, (*xy, z), wall.yaw, scale, number)
            thing.along = s
            self.boxes.add(box, thing.number)
            self.spots.take(number, s - w / 2, s + w / 2, z, z + h)
            return thing
        return None

    def hang(self, piece: Piece | None, xy: np.ndarray) -> Placed | None:
        """Hang a piece from the ceiling; long ones are shortened to leave headroom."""
        if piece is None:
            return None
        scale, height = self._stretch(0.08), float(self.roof.at(xy)[0])
        if height - piece.size[2] * scale[2] < _HEADROOM and piece.size[2] > 0.3:
            scale = scale * np.array([1, 1, max(0.3, (height - _HEADROOM) / piece.size[2])])
        z = height - piece.size[2] * scale[2] + 0.002
        if self.boxes.hits(box_of(xy, z, 0.0, np.asarray(piece.size) * scale)):
            return None
        return self.add(piece, (*xy, z), self.rng.choice([0, np.pi / 2]), scale)

    def doors_connected(self) -> bool:
        """Return whether a robot can drive between all doorways, and reach nearly all of the free floor."""
        regions = self.grid.passable(_ROBOT)
        sizes = np.bincount(regions.ravel())[1:]
        if not len(sizes):
            return False
        main = int(sizes.argmax()) + 1
        for xy in self.doorways:
            i, k = np.clip(((xy - self.grid.low) / STEP).astype(int), 0, np.array(regions.shape) - 1)
            if not (regions[max(0, i - 6) : i + 7, max(0, k - 6) : k + 7] == main).any():
                return False
        rest = int(sizes.sum() - sizes[main - 1])
        return rest <= 0.2 * sizes.sum() or rest < 200

    def standing_places(self, count: int) -> np.ndarray:
        """(N, 2) places for a robot, at most `count`, drawn evenly over the largest connected free region."""
        regions = self.grid.walkable(_STANDING)
        sizes = np.bincount(regions.ravel())[1:]
        if not len(sizes):
            return np.zeros((0, 2))
        main = regions == int(sizes.argmax()) + 1
        points = self.grid.points(main & (self.grid.ceiling > 2.0))
        return points[self.rng.permutation(len(points))[:count]]

    def _stretch(self, spread: float = 0.05) -> np.ndarray:
        """(3,) scale near 1, drawn at random."""
        return 1.0 + self.rng.uniform(-spread, spread, 3)

    def _look(self, piece: Piece) -> Mapping[int, Material] | None:
        """Materials of a piece: the same each time that it is used in the room."""
        if id(piece) not in self._looks:
            self._looks[id(piece)] = piece, materials_of(self.palette, piece)
        return self._looks[id(piece)][1]

    def _stand(
        self,
        piece: Piece,
        xy: np.ndarray,
        yaw: float,
        scale: np.ndarray,
        wall: int = -1,
        allow: Numbers = (),
        reachable: bool = True,
    ) -> Placed | None:
        size = np.asarray(piece.size) * scale
        box = box_of(xy, 0.0, yaw, size)
        if self.boxes.hits(box, allow):
            return None
        thing = self.add(piece, (*xy, 0.0), yaw, scale, wall)
        self.grid.mark(xy, yaw, size[:2], thing.number)
        if reachable and size[0] * size[1] > _SMALL and not self.doors_connected():
            self.remove(thing)
            return None
        self.boxes.add(box, thing.number)
        return thing
