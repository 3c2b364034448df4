"""Placing pieces in a room: at walls, on walls, free on the floor, beside one another; never into each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from jspnet_core.synthetic.assets.kinds import class_of
from jspnet_core.synthetic.assets.pieces import Piece
from jspnet_core.synthetic.layout.looks import Palette, materials_of
from jspnet_core.synthetic.layout.occupancy import Occupancy
from jspnet_core.synthetic.layout.plan import STEP, Room, Wall
from jspnet_core.synthetic.layout.roof import Roof
from jspnet_core.synthetic.layout.stock import Stock
from jspnet_core.synthetic.meshes import PlacedMesh

# Half of the width of a robot that must get through, in cells.
_ROBOT = 3
_SHRINK = 0.03


@dataclass(eq=False)
class Placed:
    """A piece in the room.

    position: (3,) of its origin, metres. wall: number of the wall at its back, or -1. along: metres along that wall.
    taken: by height of a surface, boxes (x, y, half width, half depth) of what lies on it.
    """

    piece: Piece
    position: np.ndarray
    yaw: float
    scale: np.ndarray
    number: int
    wall: int = -1
    along: float = 0.0
    taken: dict[float, list[tuple[float, ...]]] = field(default_factory=dict)

    @property
    def size(self) -> np.ndarray:
        """(3,) width, depth and height after scaling, metres."""
        return np.asarray(self.piece.size) * self.scale

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) world from mesh, scale included."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        matrix = np.eye(4)
        matrix[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) * self.scale
        matrix[:3, 3] = self.position
        return matrix

    def local(self, x: float, y: float) -> np.ndarray:
        """(2,) place in the room of a point in the piece's frame, metres."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return self.position[:2] + (cos * x - sin * y, sin * x + cos * y)


class Counter:
    """Numbers of objects, unique in a scene."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """A new number."""
        self.last += 1
        return self.last


class Furnisher:
    """State of one room while it is furnished."""

    def __init__(self, rng, room: Room, roof: Roof, stock: Stock, palette: Palette, counter: Counter) -> None:
        self.rng = rng
        self.room = room
        self.roof = roof
        self.stock = stock
        self.palette = palette
        self.counter = counter
        self.grid = Occupancy(room, roof)
        self.placed: list[Placed] = []
        self.meshes: list[PlacedMesh] = []
        self.patches: list[list[tuple[float, float, float, float]]] = [[] for _ in room.walls]
        self.doorways: list[np.ndarray] = []
        self._boxes: list[tuple[float, ...]] = []
        self._looks: dict[int, tuple] = {}

    def draw(self, kinds: str, limit: tuple | None = None) -> Piece | None:
        """A piece of one of the kinds, within a size if one is given."""
        if limit is None:
            return self.stock.draw(self.rng, kinds)
        return self.stock.draw_fitting(self.rng, kinds, limit)

    def add(self, piece: Piece, position, yaw: float, scale, wall: int = -1, number: int | None = None) -> Placed:
        """Put a piece down without any check."""
        scale = np.broadcast_to(np.asarray(scale, dtype=np.float64), 3)
        number = number or self.counter.next()
        thing = Placed(piece, np.asarray(position, dtype=np.float64), float(yaw), scale, number, wall)
        label = class_of(piece.kind)
        look = self._look(piece)
        self.meshes.append(PlacedMesh(piece.mesh, thing.matrix, label, number, look))
        self.placed.append(thing)
        return thing

    def _look(self, piece: Piece):
        """Materials of a piece: the same each time that it is used in the room."""
        if id(piece) not in self._looks:
            self._looks[id(piece)] = piece, materials_of(self.palette, piece)
        return self._looks[id(piece)][1]

    def remove(self, thing: Placed) -> None:
        """Take a piece away again."""
        self.placed.remove(thing)
        self.meshes = [m for m in self.meshes if m.instance != thing.number]
        self._boxes = [b for b in self._boxes if b[6] != thing.number]
        self.grid.clear(thing.number)

    def stretch(self, spread: float = 0.05) -> np.ndarray:
        """(3,) scale near 1, drawn at random."""
        return 1.0 + self.rng.uniform(-spread, spread, 3)

    def at_wall(
        self, piece: Piece | None, *, walls=None, near: tuple | None = None, gap: float = 0.02, front: float = 0.0,
        corner: bool = False, reachable: bool = True,
    ) -> Placed | None:  # fmt: skip
        """Stand a piece with its back at a wall, where it fits.

        walls: numbers to choose from. near: (wall, metres along it) to stay close to. gap: metres from the wall.
        front: metres before it that must be free now. corner: prefer the ends of walls.
        """
        if piece is None:
            return None
        scale = self.stretch()
        w, d, h = np.asarray(piece.size) * scale
        gap = float(self.rng.uniform(0, gap)) + 0.012
        spots = self._wall_spots(w, d + gap, h, walls, front)
        if not len(spots):
            return None
        wall, s = self._choose(spots, w, near, corner)
        place = self.room.walls[wall]
        xy = place.at(s) + place.inward * (d / 2 + gap)
        yaw = np.arctan2(place.inward[0], -place.inward[1])
        thing = self._stand(piece, (*xy, 0.0), yaw, scale, wall, reachable=reachable)
        if thing:
            thing.along = s
            self.patches[wall].append((s - w / 2, s + w / 2, 0.0, h))
        return thing

    def free(
        self,
        piece: Piece | None,
        *,
        margin: float = 0.0,
        turn: bool = True,
        loose: float = 0.0,
        near=None,
        reachable=True,
    ):
        """Stand a piece free on the floor. loose: deviation of its direction, radians. near: (2,) to stay close to."""
        if piece is None:
            return None
        scale = self.stretch()
        w, d, h = np.asarray(piece.size) * scale
        quarter = int(self.rng.integers(4)) if turn else 0
        a, b = (d, w) if quarter % 2 else (w, d)
        extra = loose * max(a, b) * 0.6
        middles = self.grid.centers(a + extra, b + extra, h, margin)
        if not len(middles):
            return None
        if near is not None:
            away = np.linalg.norm(middles - near, axis=1)
            middles = middles[np.argsort(away)[: max(1, len(middles) // 12)]]
        x, y = middles[self.rng.integers(len(middles))]
        yaw = quarter * np.pi / 2 + (self.rng.uniform(-loose, loose) if loose else 0.0)
        return self._stand(piece, (x, y, 0.0), yaw, scale, -1, reachable=reachable)

    def stand(
        self, piece: Piece | None, xy, yaw: float, *, allow: tuple[int, ...] = (), reachable: bool = False, scale=None
    ):
        """Stand a piece at a given place if that is free; cells of `allow` count as free."""
        if piece is None:
            return None
        scale = self.stretch(0.03) if scale is None else np.broadcast_to(scale, 3)
        w, d, h = np.asarray(piece.size) * scale
        if not self.grid.fits(*xy, yaw, w, d, h, allow):
            return None
        return self._stand(piece, (*xy, 0.0), yaw, scale, -1, allow, reachable)

    def on_wall(self, piece: Piece | None, z: float | None = None, *, walls=None, near=None, margin: float = 0.05):
        """Hang a piece on a wall. z: height of its bottom, else its usual one with some variation."""
        if piece is None:
            return None
        scale = self.stretch()
        w, d, h = np.asarray(piece.size) * scale
        if z is None:
            z = (piece.elevation if piece.elevation is not None else 1.2) + self.rng.uniform(-0.08, 0.08)
        spots = self._mount_spots(w + 2 * margin, z, h, walls)
        for _ in range(4):
            if not len(spots):
                return None
            wall, s = self._choose(spots, w, near, False)
            place = self.room.walls[wall]
            xy = place.at(s) + place.inward * (d / 2 + 0.004)
            yaw = np.arctan2(place.inward[0], -place.inward[1])
            box = self._box(xy, z, yaw, (w, d, h))
            if not self._hits(box):
                thing = self.add(piece, (*xy, z), yaw, scale, wall)
                thing.along = s
                self._boxes.append((*box, thing.number))
                self.patches[wall].append((s - w / 2, s + w / 2, z, z + h))
                return thing
        return None

    def hang(self, piece: Piece | None, xy) -> Placed | None:
        """Hang a piece from the ceiling."""
        if piece is None:
            return None
        scale = self.stretch(0.08)
        height = float(self.roof.at(np.asarray(xy))[0])
        z = height - piece.size[2] * scale[2] + 0.002
        if z < 1.95 and piece.size[2] > 0.3:
            scale = scale * np.array([1, 1, max(0.3, (height - 1.95) / piece.size[2])])
            z = height - piece.size[2] * scale[2] + 0.002
        if self._hits(self._box(xy, z, 0.0, np.asarray(piece.size) * scale)):
            return None
        return self.add(piece, (*xy, z), self.rng.choice([0, np.pi / 2]), scale)

    def wall_of(self, thing: Placed) -> Wall:
        """The wall at the back of a piece."""
        return self.room.walls[thing.wall]

    def doors_connected(self) -> bool:
        """Whether a robot can drive between all doorways, and has room at all."""
        regions = self.grid.passable(_ROBOT)
        sizes = np.bincount(regions.ravel())[1:]
        if not len(sizes):
            return False
        main = int(sizes.argmax()) + 1
        for xy in self.doorways:
            i, k = np.clip(((xy - self.grid.low) / STEP).astype(int), 0, np.array(regions.shape) - 1)
            near = regions[max(0, i - 6) : i + 7, max(0, k - 6) : k + 7]
            if not (near == main).any():
                return False
        return sizes[main - 1] >= 0.8 * sizes.sum() or sizes.sum() - sizes[main - 1] < 200

    def standing_places(self, rng: np.random.Generator, count: int = 400) -> np.ndarray:
        """(N, 2) places for a robot, drawn evenly over the largest connected free region."""
        regions = self.grid.walkable(0.25)
        sizes = np.bincount(regions.ravel())[1:]
        if not len(sizes):
            return np.zeros((0, 2))
        main = regions == int(sizes.argmax()) + 1
        points = self.grid.points(main & (self.grid.ceiling > 2.0))
        return points[rng.permutation(len(points))[:count]]

    def _stand(self, piece, position, yaw, scale, wall, allow=(), reachable=True) -> Placed | None:
        size = np.asarray(piece.size) * scale
        box = self._box(position[:2], 0.0, yaw, size)
        if self._hits(box, allow):
            return None
        thing = self.add(piece, position, yaw, scale, wall)
        self.grid.mark(*position[:2], yaw, size[0], size[1], thing.number)
        if reachable and size[0] * size[1] > 0.15 and not self.doors_connected():
            self.remove(thing)
            return None
        self._boxes.append((*box, thing.number))
        return thing

    def _wall_spots(self, w: float, depth: float, h: float, walls, front: float) -> np.ndarray:
        """(N, 2) wall number and metres along it, of all middles where a piece fits at a wall."""
        blocked = self.grid.blocked(h)
        found = []
        for number in walls if walls is not None else range(len(self.room.walls)):
            wall = self.room.walls[number]
            if wall.length < w:
                continue
            strip = self.grid.strip(blocked, wall, depth)
            taken = strip.any(1)
            if strip.shape[1] * STEP < depth - STEP:
                continue
            if front:
                taken = taken | self.grid.strip(self.grid.cells > 0, wall, depth + front).any(1)
            found.append(self._runs(number, taken, w, 0.0, h))
        return np.concatenate(found) if found else np.zeros((0, 2))

    def _mount_spots(self, w: float, z: float, h: float, walls) -> np.ndarray:
        found = []
        for number in walls if walls is not None else range(len(self.room.walls)):
            wall = self.room.walls[number]
            if wall.length < w:
                continue
            heights = self.grid.strip(self.grid.ceiling, wall, STEP)[:, 0]
            found.append(self._runs(number, heights < z + h + 0.02, w, z, h))
        return np.concatenate(found) if found else np.zeros((0, 2))

    def _runs(self, number: int, taken: np.ndarray, w: float, z: float, h: float) -> np.ndarray:
        taken = taken.copy()
        for s0, s1, z0, z1 in self.patches[number]:
            if z0 < z + h and z < z1:
                taken[max(0, int(np.floor(s0 / STEP))) : max(0, int(np.ceil(s1 / STEP)))] = True
        n = int(np.ceil(w / STEP - 1e-6))
        if n > len(taken):
            return np.zeros((0, 2))
        total = np.concatenate([[0], np.cumsum(taken)])
        starts = np.flatnonzero(total[n:] == total[:-n])
        s = np.clip((starts + n / 2) * STEP, w / 2, len(taken) * STEP - w / 2)
        return np.column_stack([np.full(len(s), number), s])

    def _choose(self, spots: np.ndarray, w: float, near, corner: bool) -> tuple[int, float]:
        if near is not None:
            place = self.room.walls[int(near[0])].at(near[1])
            walls = self.room.walls
            away = np.array([np.abs(walls[int(n)].at(s) - place).sum() for n, s in spots])
            best = np.flatnonzero(away <= away.min() + 0.05)
            pick = int(self.rng.choice(best))
        elif corner:
            ends = np.array([min(s, self.room.walls[int(n)].length - s) for n, s in spots]) - w / 2
            best = np.flatnonzero(ends <= ends.min() + 0.1)
            pick = int(self.rng.choice(best))
        else:
            pick = int(self.rng.integers(len(spots)))
        return int(spots[pick, 0]), float(spots[pick, 1])

    @staticmethod
    def _box(xy, z: float, yaw: float, size) -> tuple[float, ...]:
        """Axis-parallel box inside which a turned piece lies, shrunk by the tolerance; of the core if it is askew."""
        cos, sin = abs(np.cos(yaw)), abs(np.sin(yaw))
        if min(cos, sin) < 0.2:
            half = np.array([cos * size[0] + sin * size[1], sin * size[0] + cos * size[1]]) / 2 - _SHRINK
        else:
            half = np.full(2, min(size[0], size[1]) / 2 - _SHRINK)
        return (xy[0] - half[0], xy[0] + half[0], xy[1] - half[1], xy[1] + half[1], z + _SHRINK, z + size[2] - _SHRINK)

    def _hits(self, box: tuple[float, ...], allow: tuple[int, ...] = ()) -> bool:
        if not self._boxes:
            return False
        others = np.array(self._boxes)
        if allow:
            others = others[~np.isin(others[:, 6], allow)]
        a = np.asarray(box)
        hit = (others[:, 0] < a[1]) & (a[0] < others[:, 1]) & (others[:, 2] < a[3]) & (a[2] < others[:, 3])
        return bool((hit & (others[:, 4] < a[5]) & (a[4] < others[:, 5])).any())
