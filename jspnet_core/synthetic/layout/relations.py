"""Groups of furniture that belong together. Each function furnishes one group and returns whether it found a place."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.tables import stairs
from jspnet_core.synthetic.layout.furnisher import Furnisher, Placed
from jspnet_core.synthetic.layout.things import put_on


def chairs_around(room: Furnisher, table: Placed, kinds: str, share: float, sides: str = "fblr") -> int:
    """Chairs at the sides of a table (front, back, left, right): pushed in, pulled out or turned. Returns how many."""
    rng = room.rng
    model = room.draw(kinds, (0.8, 0.85, 1.45))
    if model is None:
        return 0
    w, d, count = table.size[0], table.size[1], 0
    cw, cd = model.size[:2]
    for side, (length, reach, turn) in {
        "f": (w, d, 0.0),
        "b": (w, d, np.pi),
        "l": (d, w, -np.pi / 2),
        "r": (d, w, np.pi / 2),
    }.items():
        if side not in sides:
            continue
        places = max(1, int((length - 0.1) / (max(cw, 0.5) + 0.12)))
        for k in range(places):
            if rng.random() > share:
                continue
            s = (k + 0.5) / places * length - length / 2 + rng.normal(0, 0.03)
            out = reach / 2 + cd / 2 + rng.choice([-0.22, 0.05, 0.35], p=[0.5, 0.35, 0.15]) + rng.normal(0, 0.04)
            askew = rng.normal(0, 0.08) if rng.random() < 0.7 else rng.uniform(-1.2, 1.2)
            x, y = {"f": (s, -out), "b": (s, out), "l": (-out, s), "r": (out, s)}[side]
            piece = model if rng.random() < 0.93 else room.draw(kinds, (0.8, 0.85, 1.45))
            # A chair's front looks at the table: to +y from its front side.
            yaw = table.yaw + turn + np.pi + askew
            count += room.stand(piece, table.local(x, y), yaw, allow=(table.number,)) is not None
    return count


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
    return bool(table) and chairs_around(room, table, "bar_stool|bar_chair", 0.7) >= 0


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

    def set_down(piece, x: float, y: float, turn: float) -> None:
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


def sit_at(room: Furnisher, desk: Placed, kinds: str = "office_chair|office_chair|chair") -> Placed | None:
    """A chair before a desk: pushed in, pulled out, turned away."""
    rng = room.rng
    piece = room.draw(kinds, (0.8, 0.85, 1.45))
    if piece is None:
        return None
    for out in (rng.choice([-0.15, 0.1, 0.4]), 0.1, -0.2):
        y = -(desk.size[1] / 2 + piece.size[1] / 2 + out)
        askew = rng.normal(0, 0.25) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi)
        chair = room.stand(piece, desk.local(rng.normal(0, 0.1), y), desk.yaw + np.pi + askew, allow=(desk.number,))
        if chair:
            return chair
    return None


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


def beside(room: Furnisher, thing: Placed, kinds: str, side: int | None = None) -> Placed | None:
    """A piece to the left or right of another, backs in line."""
    rng = room.rng
    piece = room.draw(kinds, (0.9, 0.9, 2.0))
    if piece is None:
        return None
    for sign in (side,) if side else rng.permutation([-1, 1]):
        x = sign * (thing.size[0] / 2 + piece.size[0] / 2 + rng.uniform(0.03, 0.15))
        y = thing.size[1] / 2 - piece.size[1] / 2 - 0.01
        placed = room.stand(piece, thing.local(x, y), thing.yaw)
        if placed:
            placed.wall = thing.wall
            return placed
    return None


def under(room: Furnisher, table: Placed, kinds: str) -> Placed | None:
    """A small thing on the floor below a table."""
    piece = room.draw(kinds, (0.5, 0.6, 0.62))
    if piece is None:
        return None
    x = room.rng.choice([-1, 1]) * max(0.0, table.size[0] / 2 - piece.size[0] / 2 - 0.08)
    y = table.size[1] / 2 - piece.size[1] / 2 - 0.05
    return room.stand(piece, table.local(x, y), table.yaw, allow=(table.number,))


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
        if rug and room.grid.fits(*sofa.local(0, ahead - 0.9), sofa.yaw, 0.6, 0.6):
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


def lay_rug(room: Furnisher, piece, xy, yaw: float) -> None:
    """A rug, which takes no place from others; not through walls."""
    w, d = piece.size[:2]
    for _ in range(4):
        window, mask = room.grid.footprint(*xy, yaw, w, d)
        cells = room.grid.cells[window]
        full = mask.sum() > 0.9 * w * d / 0.0025 * 0.9
        if full and not (mask & (cells == -1)).any():
            scale = np.array([w / piece.size[0], d / piece.size[1], 1.0])
            room.add(piece, (*xy, 0.001), yaw, scale)
            return
        w, d = w * 0.8, d * 0.8


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


def storage(room: Furnisher, kinds: str, front: float = 0.4, row: int = 1) -> bool:
    """One or several pieces of storage side by side at a wall."""
    piece = room.draw(kinds, (4.0, 0.9, room.roof.height - 0.05))
    first = room.at_wall(piece, front=front)
    if not first:
        return False
    last = first
    for _ in range(row - 1):
        near = (last.wall, last.along + last.size[0])
        same = piece if piece.source != "own" or room.rng.random() < 0.7 else room.draw(kinds)
        last = room.at_wall(same, walls=[last.wall], near=near, gap=0.0, front=front)
        if not last:
            break
    return True


def kitchen_row(room: Furnisher) -> bool:
    """Base units, sink, oven and appliances in a row along a wall, wall units and a hood above; around a corner."""
    rng = room.rng
    lengths = []
    for number, wall in enumerate(room.room.walls):
        spots = room._wall_spots(0.65, 0.66, 0.92, [number], 0.6)
        lengths.append(len(spots) if wall.length > 1.2 else 0)
    if max(lengths, default=0) < 8:
        return False
    main = int(np.argmax(np.array(lengths) + rng.uniform(0, 30, len(lengths))))
    units = [
        "sink",
        "oven",
        "counter",
        "counter",
        "dishwasher",
        "counter",
        "fridge",
        "counter",
        "tall",
        "washer",
        "counter",
    ]
    keep = [units[k] for k in sorted(rng.choice(len(units), int(rng.integers(5, len(units) + 1)), replace=False))]
    rng.shuffle(keep)
    if "oven" not in keep:
        keep.insert(1, "oven")
    if "sink" not in keep:
        keep.insert(0, "sink")
    row = _place_units(room, main, keep)
    if len(row) < 2:
        return False
    for side in (-1, 1):
        neighbour = (main + side) % len(room.room.walls)
        if rng.random() < 0.45 and lengths[neighbour] > 10:
            _place_units(room, neighbour, ["counter", "counter", "counter", "fridge"][: int(rng.integers(2, 5))])
            break
    _wall_units(room, main, row)
    return True


_UNIT_KINDS = {
    "sink": "kitchen_sink",
    "counter": "kitchen_counter",
    "oven": "oven|stove",
    "dishwasher": "dishwasher",
    "fridge": "fridge",
    "tall": "kitchen_tall_cabinet|fridge",
    "washer": "washing_machine",
}


def _place_units(room: Furnisher, wall: int, units: list[str]) -> list[Placed]:
    row, look = [], None
    near = (wall, 0.0 if room.rng.random() < 0.5 else room.room.walls[wall].length)
    for unit in units:
        piece = room.draw(_UNIT_KINDS[unit], (1.3, 0.8, 2.3) if unit in ("fridge", "tall") else (1.3, 0.75, 1.25))
        placed = room.at_wall(piece, walls=[wall], near=near, gap=0.0)
        if not placed:
            continue
        if piece.source == "own":
            look = look or room.meshes[-1].materials
            mesh = room.meshes.pop()
            own = dict(mesh.materials or {})
            own.update({k: v for k, v in look.items() if k in own})
            room.meshes.append(type(mesh)(mesh.mesh, mesh.T_world_mesh, mesh.label, mesh.instance, own))
        row.append(placed)
    return row


def _wall_units(room: Furnisher, wall: int, row: list[Placed]) -> None:
    rng = room.rng
    z = rng.uniform(1.38, 1.55)
    if rng.random() < 0.2:
        return
    for unit in row:
        if unit.size[2] > 1.3:
            continue
        if unit.piece.kind in ("oven", "stove"):
            room.on_wall(
                room.draw("hood", (0.9, 0.6, room.roof.height - z)),
                z + 0.1,
                walls=[wall],
                near=(wall, unit.along),
                margin=0.0,
            )
        elif rng.random() < 0.8:
            kinds = "kitchen_wall_cabinet|kitchen_wall_cabinet|wall_shelf"
            piece = room.draw(kinds, (1.2, 0.5, room.roof.height - z - 0.05))
            room.on_wall(piece, z, walls=[wall], near=(wall, unit.along), margin=0.0)


def wash_basin(room: Furnisher) -> Placed | None:
    """Wash basin: standing, or hung on the wall where it has no foot."""
    piece = room.draw("sink|sink|vanity", (1.4, 0.75, 2.4))
    if piece is None or piece.size[2] > 0.6:
        return room.at_wall(piece, front=0.4)
    basin = room.on_wall(piece, 0.86 - min(piece.size[2], 0.25), margin=0.1)
    if basin:
        room.grid.mark(*basin.position[:2], basin.yaw, *basin.size[:2], basin.number)
        if not room.doors_connected():
            room.remove(basin)
            return None
    return basin


def bathroom_set(room: Furnisher) -> bool:
    """Toilet, wash basin with mirror, bath or shower, towels and small things."""
    rng = room.rng
    big = room.draw("bathtub|shower" if rng.random() < 0.8 else "shower", (2.0, 1.1, 2.3))
    room.at_wall(big, corner=True, gap=0.0) if rng.random() < 0.85 else None
    basin = wash_basin(room)
    toilet = room.at_wall(room.draw("toilet", (0.7, 0.95, 1.2)), front=0.4)
    if toilet and rng.random() < 0.2:
        beside(room, toilet, "bidet|trash_can")
    if basin:
        z = max(1.05, basin.size[2] + 0.1)
        if z < 1.4:
            room.on_wall(room.draw("mirror", (1.2, 0.3, 1.2)), z, walls=[basin.wall], near=(basin.wall, basin.along))
    if rng.random() < 0.5:
        room.on_wall(room.draw("towel_rack|bath_wall|towel_rack"), rng.uniform(0.9, 1.3))
    if toilet:
        room.on_wall(room.draw("bath_wall", (0.4, 0.3, 0.5)), 0.7, near=(toilet.wall, toilet.along))
    return bool(basin or toilet)


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
        wall = room.wall_of(board)
    yaw = np.arctan2(wall.inward[0], -wall.inward[1])
    table = room.draw("office_table|desk|office_table", (1.9, 0.9, 0.9))
    chair = room.draw("chair", (0.65, 0.7, 1.1))
    if table is None or chair is None:
        return False
    depth = float(abs(wall.inward @ size))
    count = 0
    step = table.size[1] + rng.uniform(0.75, 1.1)
    gap = rng.choice([0.05, 0.05, 0.6])
    for r in np.arange(rng.uniform(1.6, 2.4), depth - 0.9, step):
        for s in np.arange(table.size[0] / 2 + 0.6, wall.length - table.size[0] / 2 - 0.4, table.size[0] + gap):
            xy = wall.at(s) + wall.inward * r + rng.normal(0, 0.03, 2)
            if rng.random() < 0.06:
                continue
            # Tables turn their front to the rear of the room, where the chairs stand.
            placed = room.stand(table, xy, yaw + rng.normal(0, 0.02), reachable=True, scale=1.0)
            if placed:
                count += 1
                for x in (-0.25, 0.25) if table.size[0] > 1.1 else (0.0,):
                    if rng.random() < 0.9:
                        _class_chair(room, placed, chair, x * table.size[0])
    _teacher(room, wall, yaw)
    return count > 0


def _teacher(room: Furnisher, wall, yaw: float) -> None:
    rng = room.rng
    teacher = room.draw("desk|office_table", (1.9, 0.9, 1.0))
    if teacher is not None:
        xy = wall.at(wall.length * rng.uniform(0.2, 0.8)) + wall.inward * 0.9
        desk = room.stand(teacher, xy, yaw + np.pi)
        if desk:
            sit_at(room, desk)


def _class_chair(room: Furnisher, table: Placed, chair, x: float) -> None:
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
    found = 0
    if divider:
        _dividers(room, middle, turn, yaw, columns, w)
    for side in (-1, 1) if double else (-1,):
        for k in range(columns):
            x, y = (k - (columns - 1) / 2) * (w + 0.02), side * (d / 2 + 0.05)
            desk = room.stand(
                table, middle + turn @ (x, y), yaw + (0.0 if side < 0 else np.pi), scale=1.0, reachable=True
            )
            if desk:
                found += 1
                sit_at(room, desk)
                equip_desk(room, desk)
                if rng.random() < 0.3:
                    under(room, desk, "filing_cabinet|trash_can|computer_tower|bag")
    return found > 0


def _dividers(room: Furnisher, middle, turn, yaw: float, columns: int, w: float) -> None:
    screen = room.draw("partition")
    if screen is None:
        return
    for k in range(columns):
        x = (k - (columns - 1) / 2) * (w + 0.02)
        scale = np.array([(w + 0.02) / screen.size[0], 1.0, room.rng.uniform(0.85, 1.05)])
        xy = middle + turn @ (x, 0.0)
        room.stand(screen, xy, yaw, scale=scale)


def stacks(room: Furnisher, kinds: str, double: bool = True) -> bool:
    """Parallel rows of shelves in the room, back to back, with aisles: a library or a shop."""
    rng = room.rng
    piece = room.draw(kinds, (2.6, 0.7, room.roof.height - 0.1))
    if piece is None:
        return False
    size = room.room.high - room.room.low
    along = int(np.argmax(size)) if rng.random() < 0.7 else int(np.argmin(size))
    yaw = 0.0 if along == 0 else np.pi / 2
    w, d = piece.size[:2]
    aisle = rng.uniform(0.95, 1.5)
    step = (2 * d if double else d) + aisle
    margin_end, margin_side = rng.uniform(1.0, 1.6), rng.uniform(1.0, 1.4)
    count, own = 0, piece.source == "own"
    direction = np.array([1.0, 0.0]) if along == 0 else np.array([0.0, 1.0])
    across = np.array([-direction[1], direction[0]])
    length, breadth = size[along], size[1 - along]
    start = room.room.low + direction * 0 + (0 if along == 0 else 1) * np.array([size[0], 0.0])
    for r in np.arange(margin_side + d, breadth - margin_side, step):
        for s in np.arange(margin_end + w / 2, length - margin_end - w / 2 + 0.01, w + 0.01):
            for side in (-1, 1) if double else (-1,):
                model = room.draw(piece.kind) if own and rng.random() < 0.0 else piece
                xy = start + direction * s + across * (r + side * (d / 2 + 0.005))
                placed = room.stand(model, xy, yaw + (0.0 if side < 0 else np.pi), scale=1.0, reachable=True)
                count += placed is not None
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


def wall_piece(room: Furnisher, kinds: str, low: float | None = None, high: float | None = None) -> bool:
    """Something on a wall. low, high: range of the height of its bottom, metres."""
    z = None if low is None else room.rng.uniform(low, high or low)
    most = room.roof.height - (z if z is not None else 0.9) - 0.05
    return room.on_wall(room.draw(kinds, (4.2, 0.8, max(0.1, most))), z) is not None


def picture_group(room: Furnisher) -> bool:
    """One to five pictures near each other on one wall."""
    first = room.on_wall(room.draw("picture|picture|poster"), room.rng.uniform(1.1, 1.6))
    if not first:
        return False
    for _ in range(int(room.rng.integers(0, 5))):
        near = (first.wall, first.along + room.rng.choice([-1, 1]) * first.size[0])
        room.on_wall(
            room.draw("picture|picture|poster"),
            first.position[2] + room.rng.normal(0, 0.12),
            walls=[first.wall],
            near=near,
        )
    return True


def radiators(room: Furnisher) -> bool:
    """Radiators below windows, or on a wall where there is none."""
    done = False
    for number, wall in enumerate(room.room.walls):
        for hole in wall.openings:
            if hole.kind == "window" and hole.bottom > 0.45 and room.rng.random() < 0.7:
                piece = room.draw("radiator", (hole.width + 0.6, 0.3, hole.bottom - 0.12))
                middle = (hole.start + hole.end) / 2
                done |= room.on_wall(piece, 0.12, walls=[number], near=(number, middle), margin=0.0) is not None
    return done


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


def ceiling_lamps(room: Furnisher, office: bool) -> list[Placed]:
    """Lamps on the ceiling: a grid of panels in offices, one or a few lamps in homes."""
    rng = room.rng
    size = room.room.high - room.room.low
    kinds = "lamp_panel|lamp_panel|lamp_ceiling" if office and rng.random() < 0.85 else "lamp_ceiling"
    piece = room.draw(kinds, (1.6, 1.4, 1.8))
    if piece is None:
        return []
    spacing = rng.uniform(1.7, 2.6) if office else rng.uniform(2.8, 4.5)
    count = np.maximum(1, np.round(size / spacing)).astype(int)
    found = []
    for i in range(count[0]):
        for k in range(count[1]):
            xy = room.room.low + size * (np.array([i, k]) + 0.5) / count
            if room.grid.fits(*xy, 0.0, 0.05, 0.05, 0.0, tuple(t.number for t in room.placed)) or _over(room, xy):
                lamp = room.hang(piece, xy)
                found += [lamp] if lamp else []
    return found


def _over(room: Furnisher, xy) -> bool:
    window, mask = room.grid.footprint(*xy, 0.0, 0.1, 0.1)
    cells = room.grid.cells[window]
    return bool(mask.any()) and not (cells[mask] == -1).any()
