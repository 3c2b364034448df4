"""Work places: desks with their screens and chairs, clusters of desks, rows of school tables."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.pieces import Piece
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.groups.beside import beside, sit_at, under
from jspnet_core.synthetic.layout.placed import Placed
from jspnet_core.synthetic.layout.plan import Wall
from jspnet_core.synthetic.layout.things import put_on


def equip_desk(room: Furnisher, desk: Placed) -> None:
    """Screens, keyboard, mouse or a laptop on a desk; what else lies there comes later."""
    rng = room.rng
    tops = [s for s in desk.piece.surfaces if s.z > 0.6 and s.x[1] - s.x[0] > 0.6]
    if not tops:
        return
    top = max(tops, key=lambda s: (s.x[1] - s.x[0]) * (s.y[1] - s.y[0]))
    taken = desk.taken.setdefault(top.z, [])
    sx, sy = desk.scale[:2]
    low, high = top.y[0] * sy, top.y[1] * sy
    middle = (top.x[0] + top.x[1]) / 2 * sx + rng.uniform(-0.15, 0.15) * (top.x[1] - top.x[0])

    def set_down(piece: Piece | None, x: float, y: float, turn: float) -> None:
        if piece is not None:
            put_on(room, desk, top, piece, x / sx, y / sy, turn)
            taken.append((x, y, piece.size[0] / 2, piece.size[1] / 2))

    if rng.random() < 0.2:
        set_down(room.draw("laptop"), middle, low + 0.24, rng.normal(0, 0.15))
        return
    screens = 2 if rng.random() < 0.3 and top.x[1] - top.x[0] > 1.15 else 1
    model = room.draw("monitor", (0.75, 0.4, 0.8))
    if model:
        half = model.size[0] / 2
        offsets = [0.0] if screens == 1 else [-half - 0.01, half + 0.01]
        for k, offset in enumerate(offsets):
            turn = rng.normal(0, 0.1) if screens == 1 else (0.15 if k == 0 else -0.15)
            set_down(model, middle + offset, high - model.size[1] / 2 - rng.uniform(0.02, 0.12), -turn)
    set_down(room.draw("keyboard"), middle + rng.normal(0, 0.03), low + rng.uniform(0.12, 0.22), rng.normal(0, 0.06))
    set_down(room.draw("mouse"), middle + 0.32, low + rng.uniform(0.12, 0.2), rng.normal(0, 0.3))


def desk_place(room: Furnisher, free: bool = False) -> bool:
    """Desk with its chair, screen and what stands under and beside it."""
    rng = room.rng
    piece = room.draw("desk|office_table", (2.2, 1.1, 1.0))
    desk = room.free(piece, margin=0.5) if free else room.at_wall(piece, front=0.6)
    if not desk:
        return False
    sit_at(room, desk)
    equip_desk(room, desk)
    if rng.random() < 0.5:
        beside(room, desk, "filing_cabinet|trash_can|computer_tower|computer_tower")
    if rng.random() < 0.3:
        under(room, desk, "trash_can|computer_tower|box|bag")
    return True


def class_rows(room: Furnisher) -> bool:
    """Rows of tables with chairs that look at a board."""
    rng = room.rng
    size = room.room.high - room.room.low
    front = int(np.argmax([w.length for w in room.room.walls]))
    wall = room.room.walls[front]
    board = room.on_wall(
        room.draw("whiteboard|blackboard|blackboard|projection_screen", (4.2, 0.3, 2.2)), walls=[front]
    )
    if board:
        wall = room.room.walls[board.wall]
    yaw = wall.yaw
    table = room.draw("office_table|desk|office_table", (1.9, 0.9, 0.9))
    chair = room.draw("chair", (0.65, 0.7, 1.1))
    if table is None or chair is None:
        return False
    gap = rng.choice([0.05, 0.05, 0.6])
    across = np.arange(table.size[0] / 2 + 0.6, wall.length - table.size[0] / 2 - 0.4, table.size[0] + gap)
    away = np.arange(rng.uniform(1.6, 2.4), abs(wall.inward @ size) - 0.9, table.size[1] + rng.uniform(0.75, 1.1))
    # Tables turn their front to the rear of the room, where the chairs stand.
    places = [wall.at(s) + wall.inward * r for r in away for s in across if rng.random() > 0.06]
    count = sum(_school_table(room, table, chair, xy, yaw) for xy in places)
    _teacher(room, wall, yaw)
    return count > 0


def _school_table(room: Furnisher, table: Piece, chair: Piece, xy: np.ndarray, yaw: float) -> bool:
    """Table with one or two chairs."""
    rng = room.rng
    xy = xy + rng.normal(0, 0.03, 2)
    placed = room.stand(table, xy, yaw + rng.normal(0, 0.02), reachable=True, scale=1.0)
    if placed is None:
        return False
    for x in (-0.25, 0.25) if table.size[0] > 1.1 else (0.0,):
        if rng.random() < 0.9:
            _class_chair(room, placed, chair, x * table.size[0])
    return True


def _teacher(room: Furnisher, wall: Wall, yaw: float) -> None:
    rng = room.rng
    teacher = room.draw("desk|office_table", (1.9, 0.9, 1.0))
    if teacher is not None:
        xy = wall.at(wall.length * rng.uniform(0.2, 0.8)) + wall.inward * 0.9
        desk = room.stand(teacher, xy, yaw + np.pi)
        if desk:
            sit_at(room, desk)


def _class_chair(room: Furnisher, table: Placed, chair: Piece, x: float) -> None:
    rng = room.rng
    y = -(table.size[1] / 2 + chair.size[1] / 2 + rng.choice([-0.2, 0.0, 0.2], p=[0.6, 0.25, 0.15]))
    room.stand(chair, table.local(x, y), table.yaw + np.pi + rng.normal(0, 0.15), allow=(table.number,), scale=1.0)


def desk_cluster(room: Furnisher) -> bool:
    """Two to eight desks back to back, with partitions between them or none."""
    rng = room.rng
    table = room.draw("desk|office_table|office_table", (1.9, 0.95, 0.95))
    if table is None:
        return False
    columns = int(rng.integers(1, 4))
    w, d = table.size[0], table.size[1]
    double = rng.random() < 0.75
    divider = rng.random() < 0.55
    turned = rng.random() < 0.5
    total = (columns * w + 0.2, (2 * d + 0.1 if double else d) + 1.6)
    spots = room.grid.centers(*(total[::-1] if turned else total), 1.2, 0.1)
    if not len(spots):
        return False
    middle = spots[rng.integers(len(spots))]
    yaw = (np.pi / 2 if turned else 0.0) + (np.pi if rng.random() < 0.5 else 0.0)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    if divider:
        _dividers(room, middle, turn, yaw, columns, w)
    found = 0
    for side in (-1, 1) if double else (-1,):
        for k in range(columns):
            xy = middle + turn @ ((k - (columns - 1) / 2) * (w + 0.02), side * (d / 2 + 0.05))
            found += _seat_of_cluster(room, table, xy, yaw + (0.0 if side < 0 else np.pi))
    return found > 0


def _seat_of_cluster(room: Furnisher, table: Piece, xy: np.ndarray, yaw: float) -> bool:
    """One desk with what belongs to it."""
    desk = room.stand(table, xy, yaw, scale=1.0, reachable=True)
    if desk is None:
        return False
    sit_at(room, desk)
    equip_desk(room, desk)
    if room.rng.random() < 0.3:
        under(room, desk, "filing_cabinet|trash_can|computer_tower|bag")
    return True


def _dividers(room: Furnisher, middle: np.ndarray, turn: np.ndarray, yaw: float, columns: int, w: float) -> None:
    screen = room.draw("partition")
    if screen is None:
        return
    for k in range(columns):
        x = (k - (columns - 1) / 2) * (w + 0.02)
        scale = np.array([(w + 0.02) / screen.size[0], 1.0, room.rng.uniform(0.85, 1.05)])
        xy = middle + turn @ (x, 0.0)
        room.stand(screen, xy, yaw, scale=scale)
