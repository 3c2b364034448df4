"""Whole rooms: an office, a meeting room, a hallway, a pantry, furnished at random."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jspnet_core.synthetic.primitives import clutter, furniture, shell
from jspnet_core.synthetic.primitives.floor_plan import Layout
from jspnet_core.synthetic.primitives.materials import Style, make_style
from jspnet_core.synthetic.primitives.scene import Scene
from jspnet_core.synthetic.primitives.shading import light_room
from jspnet_core.synthetic.primitives.solids import Builder, pose, rotation_x, rotation_z

_SIZES = {  # metres: narrowest and widest, for the two sides of the floor
    "office": ((2.7, 4.6), (3.0, 5.2)),
    "meeting": ((3.4, 5.0), (4.2, 7.0)),
    "hallway": ((1.6, 2.4), (5.0, 10.0)),
    "pantry": ((2.4, 3.6), (2.8, 4.6)),
}
KINDS = tuple(_SIZES)
"""Kinds of rooms that `make_scene` builds."""


def make_scene(seed: int, kind: str = "office") -> Scene:
    """A furnished room; the same seed and kind give the same room.

    Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, found {kind!r}")
    rng = np.random.default_rng((seed, KINDS.index(kind)))
    short, long = (float(rng.uniform(*side)) for side in _SIZES[kind])
    width, depth = (short, long) if rng.random() < 0.5 else (long, short)
    layout = Layout(width, depth, float(rng.uniform(2.45, 3.0)))
    style, build = make_style(rng), Builder(rng)
    doors = int(rng.integers(3, 6)) if kind == "hallway" else int(rng.integers(1, 3))
    windows = 0 if kind == "hallway" else int(rng.integers(0, 3))
    door_holes, window_holes = shell.cut_openings(layout, rng, doors, windows)
    shell.build_shell(build, layout, style, door_holes + window_holes)
    for hole in door_holes:
        shell.build_door(build, layout, style, hole)
    for hole in window_holes:
        shell.build_window(build, layout, style, hole)
    if rng.random() < 0.35:
        shell.build_column(build, layout, style)
    if rng.random() < 0.4:
        shell.build_beam(build, layout, style)
    _FURNISH[kind](build, layout, style)
    _decorate(build, layout, style, boards={"office": 1, "meeting": 2, "hallway": 0, "pantry": 0}[kind])
    lamps = shell.hang_lamps(build, layout, style)
    solids = build.finish()
    room = np.array([width, depth, layout.height])
    return Scene(f"{kind}_{seed}", solids, light_room(solids, lamps, room, rng), room)


def _furnish_office(build: Builder, layout: Layout, style: Style) -> None:
    rng = build.rng
    for _ in range(int(rng.integers(1, 4))):
        _add_desk(build, layout, style)
    for _ in range(int(rng.integers(1, 4))):
        _add_shelf(build, layout, style)
    if rng.random() < 0.25:
        _add_sofa(build, layout, style)
    _scatter(build, layout, style, int(rng.integers(3, 10)))
    if rng.random() < 0.5:
        _add_chair(build, layout, style)


def _furnish_meeting(build: Builder, layout: Layout, style: Style) -> None:
    rng = build.rng
    long = max(layout.width, layout.depth) * rng.uniform(0.4, 0.55)
    deep = rng.uniform(0.9, 1.3)
    yaw = 0.0 if layout.width >= layout.depth else np.pi / 2
    center = pose(layout.width / 2, layout.depth / 2, 0.0, yaw)
    table = center @ pose(y=-deep / 2)
    if layout.claim(table, long, deep):
        with build.at(table):
            furniture.meeting_table(build, style, long, deep)
            for _ in range(int(rng.integers(1, 5))):
                with build.at(pose(rng.uniform(-0.4, 0.4) * long, rng.uniform(0.25, 0.75) * deep, 0.775)):
                    (clutter.papers, clutter.cup)[int(rng.integers(2))](build, style)
    seats = max(2, int(long / 0.7))
    chair = (furniture.office_chair, furniture.plain_chair)[int(rng.integers(2))]
    for side in (-1, 1):
        for seat in range(seats):
            along = (seat + 0.5) / seats * long - long / 2
            out = side * (deep / 2 + rng.uniform(0.1, 0.35))
            yaw_seat = (0.0 if side < 0 else np.pi) + rng.normal(0, 0.25)
            place = center @ pose(along, out, 0.0, yaw_seat)
            if rng.random() < 0.85 and layout.claim(place @ pose(y=-0.25), 0.5, 0.3):
                with build.at(place):
                    chair(build, style)
    if rng.random() < 0.5:
        _add_shelf(build, layout, style)
    if rng.random() < 0.35:
        _add_sofa(build, layout, style)
    _scatter(build, layout, style, int(rng.integers(1, 4)))


def _furnish_hallway(build: Builder, layout: Layout, style: Style) -> None:
    rng = build.rng
    for _ in range(int(rng.integers(0, 3))):
        _add_shelf(build, layout, style)
    if rng.random() < 0.2:
        _add_sofa(build, layout, style)
    _scatter(build, layout, style, int(rng.integers(0, 4)))


def _furnish_pantry(build: Builder, layout: Layout, style: Style) -> None:
    rng = build.rng
    wide, deep = rng.uniform(1.4, 2.4), rng.uniform(0.55, 0.65)
    place = layout.against_wall(rng, wide, deep, front=0.5, tall=2.1)
    if place is not None:
        with build.at(place):
            furniture.counter(build, style, wide, deep)
            for x in np.linspace(-0.35, 0.35, 3) * wide:
                thing = (clutter.coffee_machine, clutter.printer, clutter.cup, clutter.carton)[int(rng.integers(4))]
                with build.at(pose(float(x), deep * 0.45, 0.92)):
                    thing(build, style)
            if rng.random() < 0.6:
                with build.at(pose(z=1.5)):
                    furniture.cabinet(build, style, wide, 0.34, 0.6)
    place = layout.against_wall(rng, 0.62, 0.68, tall=1.9)
    if place is not None:
        with build.at(place):
            clutter.fridge(build, style)
    radius = rng.uniform(0.4, 0.55)
    place = layout.anywhere(rng, 2 * radius + 0.5, 2 * radius + 0.5)
    if place is not None:
        with build.at(place @ pose(y=0.25)):
            furniture.round_table(build, style, radius)
            for seat in range(int(rng.integers(2, 5))):
                out = radius + rng.uniform(0.05, 0.2)
                with build.at(pose(y=radius) @ pose(yaw=seat * np.pi / 2 + rng.normal(0, 0.2)) @ pose(y=-out)):
                    (furniture.plain_chair, furniture.stool)[int(rng.random() < 0.25)](build, style)
    _scatter(build, layout, style, int(rng.integers(1, 5)))


_FURNISH: dict[str, Callable[[Builder, Layout, Style], None]] = {
    "office": _furnish_office,
    "meeting": _furnish_meeting,
    "hallway": _furnish_hallway,
    "pantry": _furnish_pantry,
}


def _add_desk(build: Builder, layout: Layout, style: Style) -> None:
    """A desk with its things and mostly a chair before it."""
    rng = build.rng
    wide, deep = float(rng.uniform(1.1, 1.9)), float(rng.uniform(0.62, 0.85))
    place = layout.against_wall(rng, wide, deep, front=0.6)
    if place is None:
        return
    with build.at(place):
        furniture.desk(build, style, wide, deep)
        clutter.scatter_on_desk(build, style, wide, deep, 0.755)
    if rng.random() < 0.6:
        with build.at(place @ pose(rng.uniform(-0.3, 0.3) * wide, deep * 0.6)):
            clutter.computer(build, style)
    seat = place @ pose(rng.uniform(-0.2, 0.2) * wide, deep + rng.uniform(0.05, 0.35), 0.0, np.pi + rng.normal(0, 0.6))
    if rng.random() < 0.85:
        layout.claim(seat @ pose(y=-0.25), 0.5, 0.5)
        with build.at(seat):
            (furniture.office_chair, furniture.plain_chair)[int(rng.random() < 0.2)](build, style)


def _add_shelf(build: Builder, layout: Layout, style: Style) -> None:
    """A bookcase or a cabinet against a wall, at times with a box on it."""
    rng = build.rng
    wide = float(rng.uniform(0.7, 1.4))
    if rng.random() < 0.6:
        deep, tall, kind = float(rng.uniform(0.26, 0.36)), float(rng.uniform(1.2, 2.2)), furniture.bookcase
    else:
        deep, tall, kind = float(rng.uniform(0.42, 0.5)), float(rng.choice((0.75, 1.1, 1.45, 1.9))), furniture.cabinet
        wide = float(rng.uniform(0.42, 0.95))
    place = layout.against_wall(rng, wide, deep, front=0.3, tall=tall)
    if place is not None:
        with build.at(place):
            kind(build, style, wide, deep, tall)
            if rng.random() < 0.4:
                with build.at(pose(rng.uniform(-0.2, 0.2) * wide, deep / 2, tall + 0.012)):
                    (clutter.carton, clutter.papers)[int(rng.integers(2))](build, style)


def _add_sofa(build: Builder, layout: Layout, style: Style) -> None:
    wide, deep = float(build.rng.choice((0.9, 1.5, 2.0))), float(build.rng.uniform(0.75, 0.9))
    place = layout.against_wall(build.rng, wide, deep, front=0.3)
    if place is not None:
        with build.at(place):
            furniture.sofa(build, style, wide, deep)


def _add_chair(build: Builder, layout: Layout, style: Style) -> None:
    place = layout.anywhere(build.rng, 0.55, 0.55)
    if place is not None:
        with build.at(place @ pose(y=0.27, yaw=build.rng.normal(0, 0.4))):
            furniture.office_chair(build, style)


def _scatter(build: Builder, layout: Layout, style: Style, count: int) -> None:
    """Things that stand on the floor, mostly along the walls."""
    rng = build.rng
    things = (clutter.bin_can, clutter.carton, clutter.plant, clutter.computer)
    for _ in range(count):
        place = layout.against_wall(rng, 0.45, 0.45)
        if place is not None:
            with build.at(place @ pose(y=0.22, yaw=rng.normal(0, 0.4))):
                things[int(rng.choice(4, p=(0.4, 0.35, 0.1, 0.15)))](build, style)


def _decorate(build: Builder, layout: Layout, style: Style, boards: int) -> None:
    """Boards, pictures, and a pipe along the ceiling on the walls."""
    rng = build.rng
    for _ in range(boards):
        wide, tall = float(rng.uniform(1.1, 2.2)), float(rng.uniform(0.9, 1.2))
        patch = layout.wall_patch(rng, wide, 0.9, 2.2) if rng.random() < 0.6 else None
        if patch is not None:
            with build.at(layout.patch_pose(patch) @ pose(z=1.0 + tall / 2)):
                clutter.board(build, style, wide, tall)
    for _ in range(int(rng.integers(1, 7))):
        wide, tall = (float(side) for side in rng.uniform(0.25, 0.7, 2))
        patch = layout.wall_patch(rng, wide, 1.1, 2.1)
        if patch is not None:
            with build.at(layout.patch_pose(patch) @ pose(z=rng.uniform(1.5, 1.75))):
                clutter.poster(build, wide, tall)
    if rng.random() < 0.4:
        wall = int(rng.integers(4))
        length = layout.wall_length(wall)
        with build.at(layout.wall_pose(wall, length / 2)), build.instance("clutter"):
            lying = rotation_z(np.pi / 2) @ rotation_x(np.pi / 2)
            build.rod((0, 0.12, layout.height - 0.15), 0.05, length - 0.1, style.metal, lying)
