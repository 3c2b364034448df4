"""Architecture of a room: floor, ceiling, walls, doors, windows, columns, beams, and the light that comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.assets.own import openings
from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.layout import shell
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.looks import floor_material, wall_material
from jspnet_core.synthetic.layout.plan import Opening, Wall
from jspnet_core.synthetic.meshes import Lamp, Material, PlacedMesh

_HOME = {"living_room", "bedroom", "kitchen", "dining_room", "bathroom", "hall"}
_UNIT = np.eye(4)


@dataclass(frozen=True)
class BuildingStyle:
    """What all rooms of a scene share. skirting: height and thickness in metres, 0 for none."""

    door: openings.DoorStyle
    window: openings.WindowStyle
    skirting: tuple[float, float]
    door_look: dict[int, Material]
    window_look: dict[int, Material]


def draw_style(rng: np.random.Generator, palette, office: bool) -> BuildingStyle:
    """Draw the style of a building at random."""
    leaf = palette.get("wood") if rng.random() < 0.45 else palette.get("paint", 0.2)
    frame = leaf if rng.random() < 0.5 else palette.trim
    metal, glass = palette.get("metal"), Material((190, 208, 212))
    pane_frame = palette.trim if rng.random() < 0.6 else palette.get("wood" if rng.random() < 0.5 else "metal")
    return BuildingStyle(
        door=openings.DoorStyle.draw(rng, office),
        window=openings.WindowStyle.draw(rng),
        skirting=(float(rng.uniform(0.05, 0.12)), float(rng.uniform(0.008, 0.02)))
        if rng.random() < 0.75
        else (0.0, 0.0),
        door_look={Part.BODY: frame, Part.BODY2: leaf, Part.METAL: metal, Part.GLASS: glass},
        window_look={Part.BODY: pane_frame, Part.METAL: metal, Part.GLASS: glass, Part.WHITE: palette.trim},
    )


def build_room(room: Furnisher, style: BuildingStyle, lamps: list[Lamp]) -> None:
    """Add the shell of a room and all that stands in its openings; mark what must stay free."""
    rng, palette = room.rng, room.palette
    home = room.room.kind in _HOME
    floor = floor_material(palette, room.room.kind)
    paint = wall_material(palette, home)
    accent = wall_material(palette, home) if rng.random() < 0.3 else paint
    accent_wall = int(rng.integers(len(room.room.walls)))
    white = Material(tuple(int(v) for v in np.clip(rng.normal(238, 8) + rng.normal(0, 2, 3), 190, 250)))
    ceiling = white if rng.random() < 0.85 else palette.get("wood" if home else "paint")
    if paint.texture and palette.textures.get("tile") and room.room.kind in ("bathroom",) and rng.random() < 0.7:
        accent = paint = Material(paint.color, palette.texture("tile"))
    _put(room, shell.floor_mesh(room.room), "floor", floor)
    _put(room, shell.ceiling_mesh(room.room, room.roof), "ceiling", ceiling)
    for number, wall in enumerate(room.room.walls):
        look = accent if number == accent_wall else paint
        instance = _put(room, shell.wall_mesh(wall, room.roof), "wall", look)
        if style.skirting[0]:
            board = shell.skirting_mesh(wall, *style.skirting)
            if board is not None:
                trim = style.door_look[Part.BODY]
                room.meshes.append(PlacedMesh(board, _UNIT, CLASS_ID["wall"], instance, trim))
        for opening in wall.openings:
            _build_opening(room, number, wall, opening, style, floor, lamps)


def _put(room: Furnisher, mesh, label: str, look, matrix=_UNIT, number: int | None = None) -> int:
    number = number or room.counter.next()
    room.meshes.append(PlacedMesh(mesh, matrix, CLASS_ID[label], number, look))
    return number


def _build_opening(room: Furnisher, number: int, wall: Wall, hole: Opening, style: BuildingStyle, floor, lamps) -> None:
    middle = (hole.start + hole.end) / 2
    matrix = wall.pose(middle, hole.bottom)
    yaw = np.arctan2(wall.inward[0], -wall.inward[1])
    margin = 0.14 if hole.kind in ("door", "passage") else 0.1
    room.patches[number].append(
        (hole.start - margin, hole.end + margin, max(0.0, hole.bottom - 0.06), hole.top + margin)
    )
    if hole.kind in ("door", "passage"):
        _keep_door_free(room, wall, hole, middle, yaw)
    if not hole.owner:
        return
    if hole.kind == "door":
        mesh = openings.door(style.door, hole.width, hole.top, hole.depth, hole.angle, hole.hinge, hole.double).mesh()
        _put(room, mesh, "door", style.door_look, matrix)
    elif hole.kind == "passage" and room.rng.random() < 0.5:
        _put(
            room,
            openings.door_frame(style.door, hole.width, hole.top, hole.depth).mesh(),
            "door",
            style.door_look,
            matrix,
        )
    elif hole.kind == "glass":
        mesh = openings.glass_wall(room.rng, hole.width, hole.top - hole.bottom, hole.depth).mesh()
        _put(room, mesh, "window", style.window_look, matrix)
    elif hole.kind == "window":
        _build_window(room, number, wall, hole, style, matrix, lamps)
    if hole.other is not None and hole.bottom == 0.0:
        _put(room, shell.threshold_mesh(wall, hole), "floor", floor)


def _keep_door_free(room: Furnisher, wall: Wall, hole: Opening, middle: float, yaw: float) -> None:
    reach = max(0.9, hole.width * 0.95 if hole.owner and hole.angle else 0.0)
    xy = wall.at(middle) + wall.inward * reach / 2
    room.grid.keep_free(*xy, yaw, hole.width + (0.1 if not hole.angle else 0.25), reach)
    room.doorways.append(wall.at(middle) + wall.inward * 0.35)
    if hole.kind == "door" and hole.owner and hole.angle > np.pi / 2 and not hole.double:
        side = -hole.hinge * wall.along
        xy = wall.at(middle) + side * hole.width * 0.75 + wall.inward * hole.width / 2
        room.grid.keep_free(*xy, yaw, hole.width, hole.width)


def _build_window(room: Furnisher, number: int, wall: Wall, hole: Opening, style: BuildingStyle, matrix, lamps) -> None:
    rng = room.rng
    height = hole.top - hole.bottom
    tilt = rng.uniform(0.2, 1.2) if rng.random() < 0.08 else 0.0
    mesh = openings.window(style.window, hole.width, height, hole.depth, tilt).mesh()
    window = _put(room, mesh, "window", style.window_look, matrix)
    at = wall.at((hole.start + hole.end) / 2) + wall.inward * 0.1
    power = rng.uniform(0.5, 2.0) * hole.width * height
    into = (float(wall.inward[0]), float(wall.inward[1]), 0.0)
    lamps.append(Lamp((*(float(v) for v in at), (hole.bottom + hole.top) / 2), power, (0.95, 1.0, 1.08), into))
    home = room.room.kind in _HOME
    if rng.random() < (0.45 if home else 0.12):
        _hang_curtain(room, number, wall, hole)
    elif rng.random() < 0.4:
        blind = openings.blind(rng, hole.width - 0.02, height - 0.02)
        soft = room.palette.get("paint") if rng.random() < 0.7 else room.palette.get("soft")
        inside = wall.pose((hole.start + hole.end) / 2, hole.bottom)
        inside[:2, 3] -= wall.inward * min(style.window.inset, 0.1) * 0.8
        look = {Part.SOFT: soft, Part.BODY: room.palette.trim}
        room.meshes.append(PlacedMesh(blind.mesh(), inside, CLASS_ID["window"], window, look))


def _hang_curtain(room: Furnisher, number: int, wall: Wall, hole: Opening) -> None:
    rng = room.rng
    side = min(0.3, hole.start - 0.08, wall.length - hole.end - 0.08)
    top = min(hole.top + 0.15, float(room.roof.at(wall.at(hole.start))[0]) - 0.05)
    if side < 0.03:
        return
    bottom = 0.02 if rng.random() < 0.75 else max(0.02, hole.bottom - 0.15)
    shape = openings.curtain(rng, hole.width + 2 * side, top - bottom)
    look = {Part.SOFT: room.palette.get("soft"), Part.METAL: room.palette.get("metal")}
    _put(room, shape.mesh(), "curtain", look, wall.pose((hole.start + hole.end) / 2, bottom))
    room.patches[number].append((hole.start - side - 0.1, hole.end + side + 0.1, bottom, top + 0.1))


def add_structure(room: Furnisher, office: bool) -> None:
    """Beams, columns, pipes and ceiling rasters, now and then."""
    rng = room.rng
    low, high, height = room.room.low, room.room.high, room.roof.height
    if room.roof.slope == 0 and rng.random() < 0.3:
        _beams(room, low, high, height)
    elif room.roof.slope == 0 and office and rng.random() < 0.35:
        _raster(room, low, high, height)
    if room.room.area > 25 and rng.random() < 0.7:
        _columns(room, int(rng.integers(1, 6)), height)
    elif room.room.area > 6 and rng.random() < 0.4:
        _columns(room, int(rng.integers(1, 3)), height)
    if office and rng.random() < 0.3 and room.roof.slope == 0:
        _ducts(room, low, high, height)


def _spans(room: Furnisher, axis: int, c: float) -> list[tuple[float, float]]:
    """Intervals of a straight line inside the room: at coordinate c of an axis, running along the other."""
    count = room.grid.cells.shape
    index = int(np.clip((c - room.room.low[axis]) / 0.05, 0, count[axis] - 1))
    row = room.grid.cells[index] if axis == 0 else room.grid.cells[:, index]
    inside = np.concatenate([[False], row != -1, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    base = room.room.low[1 - axis]
    return [(base + a * 0.05, base + b * 0.05) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _beams(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    rng = room.rng
    axis = int(rng.integers(2))
    count = int(rng.integers(1, 5))
    width, drop = rng.uniform(0.1, 0.4), rng.uniform(0.1, min(0.5, height - 2.15))
    look = room.palette.get("wood") if rng.random() < 0.4 else Material((232, 231, 228))
    step = (high - low)[axis] / (count + 1)
    for k in range(count):
        c = low[axis] + (k + 1) * step
        for a, b in _spans(room, axis, c):
            shape, across = Shape(), (c - width / 2, c + width / 2)
            x, y = (across, (a, b)) if axis == 0 else ((a, b), across)
            _put(room, shape.box(x, y, (height - drop, height)).mesh(), "beam", look)
            room._boxes.append((*x, *y, height - drop, height, -5))


def _raster(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    cell, shape = float(room.rng.choice([0.6, 0.625, 1.2])), Shape()
    for axis in (0, 1):
        for c in np.arange(low[axis] + cell / 2, high[axis], cell):
            for a, b in _spans(room, axis, c):
                across = (c - 0.012, c + 0.012)
                x, y = (across, (a, b)) if axis == 0 else ((a, b), across)
                shape.box(x, y, (height - 0.008, height))
    if shape._boxes:
        _put(room, shape.mesh(), "ceiling", Material((225, 225, 222)))


def _columns(room: Furnisher, count: int, height: float) -> None:
    rng = room.rng
    rounded, w, d = rng.random() < 0.3, rng.uniform(0.2, 0.75), rng.uniform(0.2, 0.75)
    if rounded:
        d = w
    look = wall_material(room.palette, False) if rng.random() < 0.5 else room.palette.get("paint")
    for _ in range(count):
        place = _column_place(room, w, d, height)
        if place is None:
            continue
        x, y, a, b = place
        top = float(room.roof.at(np.array([x, y]))[0])
        shape = Shape()
        if rounded:
            shape.cylinder(x, y, (0.0, top), w / 2, 0, 20)
        else:
            shape.box((x - a / 2, x + a / 2), (y - b / 2, y + b / 2), (0.0, top))
            if rng.random() < 0.3:
                shape.box((x - a / 2 - 0.015, x + a / 2 + 0.015), (y - b / 2 - 0.015, y + b / 2 + 0.015), (0, 0.1))
        number = _put(room, shape.mesh(), "column", look)
        room.grid.mark(x, y, 0.0, a, b, number)
        if room.doors_connected():
            room._boxes.append((x - a / 2, x + a / 2, y - b / 2, y + b / 2, 0.0, top, number))
        else:
            room.grid.clear(number)
            room.meshes.pop()


def _column_place(room: Furnisher, w: float, d: float, height: float) -> tuple[float, float, float, float] | None:
    """Middle and sizes along x and y of a column: half of them at a wall beside its openings, the others free."""
    rng = room.rng
    if rng.random() < 0.5:
        spots = room.grid.centers(w, d, 0.5, 0.8)
        return (*spots[rng.integers(len(spots))], w, d) if len(spots) else None
    spots = room._wall_spots(w, d, height - 0.1, None, 0.0)
    if not len(spots):
        return None
    number, s = spots[rng.integers(len(spots))]
    wall = room.room.walls[int(number)]
    x, y = wall.at(s) + wall.inward * d / 2
    room.patches[int(number)].append((s - w / 2, s + w / 2, 0.0, height))
    return (x, y, w, d) if abs(wall.along[0]) > 0.5 else (x, y, d, w)


def _ducts(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    rng = room.rng
    axis, r = int(rng.integers(2)), rng.uniform(0.05, 0.2)
    c = rng.uniform(low[axis] + 0.3, high[axis] - 0.3)
    for a, b in _spans(room, axis, c):
        turn = np.linspace(0, 2 * np.pi, 13)
        ring = np.stack([c + r * np.cos(turn), height - r - 0.05 + r * np.sin(turn)], -1)
        points = np.empty((2, 13, 3))
        points[..., axis], points[..., 2] = ring[:, 0], ring[:, 1]
        points[0, :, 1 - axis], points[1, :, 1 - axis] = a, b
        _put(room, Shape().grid(points).mesh(), "clutter", room.palette.get("metal"))
