"""Storage, rows of shelves, and what stands about on the floor."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.tables import stairs
from jspnet_core.synthetic.layout.furnisher import Furnisher


def storage(room: Furnisher, kinds: str, front: float = 0.4, row: int = 1) -> bool:
    """One or several pieces of storage side by side at a wall."""
    piece = room.draw(kinds, (4.0, 0.9, room.roof.height - 0.05))
    last = room.at_wall(piece, front=front)
    if not last or piece is None:
        return False
    for _ in range(row - 1):
        near = (last.wall, last.along + last.size[0])
        same = piece if piece.source != "own" or room.rng.random() < 0.7 else room.draw(kinds)
        following = room.at_wall(same, walls=[last.wall], near=near, gap=0.0, front=front)
        if not following:
            break
        last = following
    return True


def stacks(room: Furnisher, kinds: str) -> bool:
    """Parallel rows of shelves in the room, back to back, with aisles: a library or a shop."""
    rng = room.rng
    piece = room.draw(kinds, (2.6, 0.7, room.roof.height - 0.1))
    if piece is None:
        return False
    size = room.room.high - room.room.low
    lengthwise = bool(size[0] >= size[1]) == (rng.random() < 0.7)
    yaw = 0.0 if lengthwise else np.pi / 2
    length, breadth = size if lengthwise else size[::-1]
    w, d = piece.size[:2]
    end, side = rng.uniform(1.0, 1.6), rng.uniform(1.0, 1.4)
    count = 0
    for r in np.arange(side + d, breadth - side, 2 * d + rng.uniform(0.95, 1.5)):
        for s in np.arange(end + w / 2, length - end - w / 2 + 0.01, w + 0.01):
            for back in (-1, 1):
                across = r + back * (d / 2 + 0.005)
                xy = room.room.low + ((s, across) if lengthwise else (size[0] - across, s))
                turn = yaw + (0.0 if back < 0 else np.pi)
                count += room.stand(piece, xy, turn, scale=1.0, reachable=True) is not None
    return count > 0


def shop_till(room: Furnisher) -> bool:
    """Counter with a till, and somebody's chair behind it."""
    counter = room.free(room.draw("shop_counter|kitchen_island", (2.6, 1.2, 1.3)), margin=0.5)
    if not counter:
        return False
    room.stand(
        room.draw("chair|bar_stool|office_chair", (0.7, 0.7, 1.3)),
        counter.local(0, counter.size[1] / 2 + 0.4),
        counter.yaw,
    )
    return True


def floor_thing(room: Furnisher, kinds: str, wall: float = 0.7) -> bool:
    """Something that stands or lies on the floor, mostly near a wall."""
    piece = room.draw(kinds, (1.6, 1.6, 2.1))
    if piece is None:
        return False
    if room.rng.random() < wall:
        return room.at_wall(piece, gap=0.15, corner=room.rng.random() < 0.5) is not None
    return room.free(piece, loose=0.6) is not None


def staircase(room: Furnisher) -> bool:
    """Straight flight of stairs along a wall, up to the ceiling."""
    if room.roof.slope:
        return False
    return room.at_wall(stairs(room.rng, room.roof.height - 0.02), gap=0.0, corner=True) is not None


def pile(room: Furnisher, kinds: str = "box") -> bool:
    """Boxes on top of one another, at a wall."""
    rng = room.rng
    base = room.at_wall(room.draw(kinds, (0.7, 0.7, 0.7)), gap=0.1, corner=rng.random() < 0.5)
    if not base:
        return False
    z, below = base.size[2], base
    for _ in range(int(rng.integers(0, 4))):
        piece = room.draw(kinds, (*below.size[:2], 0.5))
        if piece is None or z + piece.size[2] > min(1.7, float(room.roof.at(base.position[:2])[0]) - 0.1):
            break
        slack = (below.size[:2] - piece.size[:2]) / 2
        xy = below.local(*rng.uniform(-slack, slack))
        below = room.add(piece, (*xy, z), base.yaw + rng.normal(0, 0.06), 1.0)
        z += piece.size[2]
    return True
