"""Architecture of a room: floor, ceiling, walls, doors, windows, and the light that comes in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.assets.kinds import CLASS_ID
from jspnet_core.synthetic.assets.own import openings
from jspnet_core.synthetic.assets.own.shape import Part
from jspnet_core.synthetic.layout import shell
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.looks import Palette, floor_material, wall_material, whole
from jspnet_core.synthetic.layout.plan import Opening, Wall
from jspnet_core.synthetic.meshes import Lamp, Material, Mesh, PlacedMesh

_HOME = {"living_room", "bedroom", "kitchen", "dining_room", "bathroom", "hall"}
_UNIT = np.eye(4)

Look = Material | dict[int, Material] | None


@dataclass(frozen=True)
class BuildingStyle:
    """Style that all rooms of a scene share. skirting: height and thickness in metres, 0 for none."""

    door: openings.DoorStyle
    window: openings.WindowStyle
    skirting: tuple[float, float]
    door_look: dict[int, Material]
    window_look: dict[int, Material]


def draw_style(rng: np.random.Generator, palette: Palette, office: bool) -> BuildingStyle:
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
    white = Material(whole(np.clip(rng.normal(238, 8) + rng.normal(0, 2, 3), 190, 250)))
    ceiling = white if rng.random() < 0.85 else palette.get("wood" if home else "paint")
    if paint.texture and palette.textures.get("tile") and room.room.kind in ("bathroom",) and rng.random() < 0.7:
        accent = paint = Material(paint.color, palette.texture("tile"))
    put_mesh(room, shell.floor_mesh(room.room), "floor", floor)
    put_mesh(room, shell.ceiling_mesh(room.room, room.roof), "ceiling", ceiling)
    for number, wall in enumerate(room.room.walls):
        look = accent if number == accent_wall else paint
        instance = put_mesh(room, shell.wall_mesh(wall, room.roof), "wall", look)
        if style.skirting[0]:
            board = shell.skirting_mesh(wall, *style.skirting)
            if board is not None:
                trim = style.door_look[Part.BODY]
                room.meshes.append(PlacedMesh(board, _UNIT, CLASS_ID["wall"], instance, trim))
        for opening in wall.openings:
            _build_opening(room, number, wall, opening, style, floor, lamps)


def put_mesh(room: Furnisher, mesh: Mesh, label: str, look: Look, matrix: np.ndarray = _UNIT) -> int:
    """Add a part of the building, an object of its own. Returns its number."""
    number = room.counter.next()
    room.meshes.append(PlacedMesh(mesh, matrix, CLASS_ID[label], number, look))
    return number


def _build_opening(
    room: Furnisher, number: int, wall: Wall, hole: Opening, style: BuildingStyle, floor: Material, lamps: list[Lamp]
) -> None:
    middle = (hole.start + hole.end) / 2
    matrix = wall.pose(middle, hole.bottom)
    yaw = wall.yaw
    margin = 0.14 if hole.kind in ("door", "passage") else 0.1
    room.spots.take(number, hole.start - margin, hole.end + margin, max(0.0, hole.bottom - 0.06), hole.top + margin)
    if hole.kind in ("door", "passage"):
        _keep_door_free(room, wall, hole, middle, yaw)
    if not hole.owner:
        return
    if hole.kind == "door":
        mesh = openings.door(style.door, hole.width, hole.top, hole.depth, hole.angle, hole.hinge, hole.double).mesh()
        put_mesh(room, mesh, "door", style.door_look, matrix)
    elif hole.kind == "passage" and room.rng.random() < 0.5:
        put_mesh(
            room,
            openings.door_frame(style.door, hole.width, hole.top, hole.depth).mesh(),
            "door",
            style.door_look,
            matrix,
        )
    elif hole.kind == "glass":
        mesh = openings.glass_wall(room.rng, hole.width, hole.top - hole.bottom, hole.depth).mesh()
        put_mesh(room, mesh, "window", style.window_look, matrix)
    elif hole.kind == "window":
        _build_window(room, number, wall, hole, style, matrix, lamps)
    if hole.other is not None and hole.bottom == 0.0:
        put_mesh(room, shell.threshold_mesh(wall, hole), "floor", floor)


def _keep_door_free(room: Furnisher, wall: Wall, hole: Opening, middle: float, yaw: float) -> None:
    reach = max(0.9, hole.width * 0.95 if hole.owner and hole.angle else 0.0)
    xy = wall.at(middle) + wall.inward * reach / 2
    room.grid.keep_free(xy, yaw, (hole.width + (0.1 if not hole.angle else 0.25), reach))
    room.doorways.append(wall.at(middle) + wall.inward * 0.35)
    if hole.kind == "door" and hole.owner and hole.angle > np.pi / 2 and not hole.double:
        side = -hole.hinge * wall.along
        xy = wall.at(middle) + side * hole.width * 0.75 + wall.inward * hole.width / 2
        room.grid.keep_free(xy, yaw, (hole.width, hole.width))


def _build_window(
    room: Furnisher, number: int, wall: Wall, hole: Opening, style: BuildingStyle, matrix: np.ndarray, lamps: list[Lamp]
) -> None:
    rng = room.rng
    height = hole.top - hole.bottom
    tilt = rng.uniform(0.2, 1.2) if rng.random() < 0.08 else 0.0
    mesh = openings.window(style.window, hole.width, height, hole.depth, tilt).mesh()
    window = put_mesh(room, mesh, "window", style.window_look, matrix)
    x, y = wall.at((hole.start + hole.end) / 2) + wall.inward * 0.1
    power = rng.uniform(0.5, 2.0) * hole.width * height
    into = (float(wall.inward[0]), float(wall.inward[1]), 0.0)
    lamps.append(Lamp((float(x), float(y), (hole.bottom + hole.top) / 2), power, (0.95, 1.0, 1.08), into))
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
    put_mesh(room, shape.mesh(), "curtain", look, wall.pose((hole.start + hole.end) / 2, bottom))
    room.spots.take(number, hole.start - side - 0.1, hole.end + side + 0.1, bottom, top + 0.1)
