"""Groups of seats, tables and beds: tables with chairs, sofas with a television, beds with night stands."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.groups.beside import beside, chairs_around, lay_rug
from jspnet_core.synthetic.layout.placed import Placed
from jspnet_core.synthetic.layout.things import put_on


def dining_set(
    room: Furnisher, tables: str = "dining_table", chairs: str = "chair", share: float | None = None
) -> bool:
    """Table in the room or at a wall, with chairs around."""
    rng = room.rng
    piece = room.draw(tables, (2.6, 1.6, 1.2))
    if piece is None:
        return False
    table = room.free(piece, margin=0.45, loose=0.1 if rng.random() < 0.3 else 0.0) or room.at_wall(piece, front=0.5)
    if not table:
        return False
    chairs_around(room, table, chairs, share or rng.uniform(0.5, 1.0))
    return True


def meeting_set(room: Furnisher) -> bool:
    """Long table in the middle with chairs; a screen and a board come with the room's own groups."""
    for kinds, margin in (("meeting_table", 0.7), ("meeting_table", 0.55), ("office_table|dining_table", 0.5)):
        for _ in range(3):
            piece = room.draw(kinds, (4.5, 1.8, 1.0))
            table = room.free(piece, margin=margin, near=(room.room.low + room.room.high) / 2) if piece else None
            if table:
                chairs_around(room, table, "office_chair|chair", room.rng.uniform(0.6, 1.0))
                return True
    return False


def bar_set(room: Furnisher) -> bool:
    """High table with stools."""
    table = room.free(room.draw("bar_table", (1.6, 1.2, 1.5)), margin=0.35)
    if table:
        chairs_around(room, table, "bar_stool|bar_chair", 0.7)
    return table is not None


def sofa_group(room: Furnisher) -> bool:
    """Sofa with coffee table, television opposite, armchairs, side table, floor lamp, rug."""
    rng = room.rng
    piece = room.draw("sofa|corner_sofa", (3.2, 2.0, 1.2))
    sofa = room.at_wall(piece, front=1.0, gap=0.1)
    if not sofa and piece:
        sofa = room.free(piece, margin=0.5)
    if not sofa:
        return False
    ahead = -(sofa.size[1] / 2)
    if rng.random() < 0.35:
        rug = room.draw("rug", (3.5, 3.0, 0.1))
        if rug and room.grid.fits(sofa.local(0, ahead - 0.9), sofa.yaw, (0.6, 0.6)):
            lay_rug(room, rug, sofa.local(0, ahead - 0.9), sofa.yaw)
    if rng.random() < 0.85:
        table = room.draw("coffee_table", (1.5, 0.95, 0.6))
        if table:
            y = ahead - rng.uniform(0.3, 0.55) - table.size[1] / 2
            room.stand(table, sofa.local(rng.normal(0, 0.1), y), sofa.yaw + rng.normal(0, 0.06))
    television(room, sofa)
    _beside_sofa(room, sofa)
    return True


def _beside_sofa(room: Furnisher, sofa: Placed) -> None:
    rng, ahead = room.rng, -(sofa.size[1] / 2)
    for side in (-1, 1):
        if rng.random() < 0.4:
            chair = room.draw("armchair|lounge_chair|ottoman", (1.3, 1.4, 1.1))
            if chair:
                x = side * (sofa.size[0] / 2 + chair.size[1] / 2 - 0.2 + rng.uniform(0, 0.3))
                yaw = sofa.yaw - side * (np.pi / 2) + rng.normal(0, 0.25)
                room.stand(chair, sofa.local(x, ahead - rng.uniform(0.6, 1.1)), yaw, reachable=True)
    for side in (-1, 1):
        if rng.random() < 0.35:
            beside(room, sofa, "side_table|lamp_floor|plant", side)


def television(room: Furnisher, sofa: Placed) -> None:
    """Television on a low board or on the wall opposite a sofa."""
    rng = room.rng
    front = sofa.local(0, -3.0) - sofa.position[:2]
    facing = [k for k, w in enumerate(room.room.walls) if w.inward @ front < -0.8 * np.linalg.norm(front)]
    if not facing or rng.random() < 0.12:
        return
    wall = max(facing, key=lambda k: room.room.walls[k].length)
    near = (
        wall,
        float(np.clip((sofa.position[:2] - room.room.walls[wall].start) @ room.room.walls[wall].along, 0, 99)),
    )
    stand = room.at_wall(room.draw("tv_stand|tv_stand|cabinet", (2.2, 0.6, 0.8)), walls=facing, near=near)
    if stand and rng.random() < 0.75 and stand.piece.surfaces:
        screen = room.draw("tv", (stand.size[0] + 0.3, 0.45, 1.2))
        top = max(stand.piece.surfaces, key=lambda s: s.z)
        if screen and screen.placement != "wall_mounted":
            put_on(room, stand, top, screen, 0.0, (top.y[0] + top.y[1]) / 2, 0.0)
            stand.taken.setdefault(top.z, []).append((0.0, 0.0, screen.size[0] / 2, 0.2))
            return
    room.on_wall(room.draw("wall_tv"), rng.uniform(0.95, 1.3), walls=facing, near=near)


def bed_group(room: Furnisher) -> bool:
    """Bed with the head at a wall, night stands, lamps, rug, pictures above."""
    rng = room.rng
    piece = room.draw("bed|bed|bed|bunk_bed|futon", (2.3, 2.5, 2.2))
    bed = room.at_wall(piece, front=0.3, corner=rng.random() < 0.4)
    if not bed:
        return False
    for side in (-1, 1):
        if rng.random() < 0.8:
            beside(room, bed, "nightstand|nightstand|side_table", side)
    if rng.random() < 0.35:
        rug = room.draw("rug", (3.0, 2.5, 0.1))
        if rug:
            lay_rug(room, rug, bed.local(rng.uniform(-0.8, 0.8), -bed.size[1] / 2), bed.yaw)
    if rng.random() < 0.5:
        room.on_wall(room.draw("picture|poster"), rng.uniform(1.3, 1.6), walls=[bed.wall], near=(bed.wall, bed.along))
    return True
