"""The room itself: floor, ceiling, walls with their doors and windows, columns, beams and ceiling lamps."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.primitives import clutter
from jspnet_core.synthetic.primitives.floor_plan import Layout, Patch
from jspnet_core.synthetic.primitives.materials import Material, Style
from jspnet_core.synthetic.primitives.solids import Builder, pose, rotation_z

THICK = 0.18
"""Thickness of walls in metres."""


def build_shell(build: Builder, layout: Layout, style: Style, holes: list[Patch]) -> None:
    """Floor, ceiling and the four walls, with holes for doors and windows."""
    width, depth, height = layout.width, layout.depth, layout.height
    with build.instance("floor"):
        build.box((width / 2, depth / 2, -0.05), (width + 2 * THICK, depth + 2 * THICK, 0.1), style.floor)
    with build.instance("ceiling"):
        build.box((width / 2, depth / 2, height + 0.05), (width + 2 * THICK, depth + 2 * THICK, 0.1), style.ceiling)
    for wall in range(4):
        with build.at(layout.wall_pose(wall, 0.0)), build.instance("wall"):
            own = sorted((hole for hole in holes if hole.wall == wall), key=lambda hole: hole.start)
            _build_wall(build, layout.wall_length(wall), height, own, style)


def _build_wall(build: Builder, length: float, height: float, holes: list[Patch], style: Style) -> None:
    """One wall as boxes around its holes, with a skirting board; the wall's face is at y = 0."""

    def piece(start: float, end: float, bottom: float, top: float) -> None:
        if end - start > 1e-3 and top - bottom > 1e-3:
            center = ((start + end) / 2, -THICK / 2, (bottom + top) / 2)
            build.box(center, (end - start, THICK, top - bottom), style.wall)
            if bottom == 0.0:
                build.box(((start + end) / 2, 0.004, 0.05), (end - start, 0.012, 0.1), style.frame)

    reached = -THICK
    for hole in holes:
        piece(reached, hole.start, 0.0, height)
        piece(hole.start, hole.end, 0.0, hole.bottom)
        piece(hole.start, hole.end, hole.top, height)
        reached = hole.end
    piece(reached, length + THICK, 0.0, height)


def build_door(build: Builder, layout: Layout, style: Style, hole: Patch) -> None:
    """Door frame and leaf; the leaf is set back a little, and at times ajar, opening into the room."""
    rng = build.rng
    wide, tall = hole.end - hole.start, hole.top
    with build.at(layout.patch_pose(hole)), build.instance("door"):
        for side in (-1, 1):
            build.box((side * (wide / 2 - 0.03), -THICK / 2 + 0.02, tall / 2), (0.06, THICK + 0.04, tall), style.frame)
        build.box((0, -THICK / 2 + 0.02, tall - 0.03), (wide, THICK + 0.04, 0.06), style.frame)
        leaf, hinge = wide - 0.12, -wide / 2 + 0.06
        swing = float(rng.uniform(0.5, 1.5)) if rng.random() < 0.3 else 0.0
        with build.at(pose(hinge, 0.0 if swing else -0.06, 0.0, swing)):
            build.box((leaf / 2, 0, tall / 2 - 0.03), (leaf, 0.04, tall - 0.06), style.door)
            for face in (-1, 1):
                build.rod((leaf - 0.08, face * 0.05, 1.03), 0.012, 0.06, style.metal, rotation_z(0.0))
                build.box((leaf - 0.13, face * 0.065, 1.03), (0.12, 0.02, 0.025), style.metal)
    with build.at(layout.patch_pose(hole)), build.instance("wall"):
        build.box((0, -1.2, tall / 2), (wide + 1.6, 0.1, tall + 0.4), style.wall)  # the corridor's far side
    with build.at(layout.patch_pose(hole)), build.instance("floor"):
        build.box((0, -0.65, -0.05), (wide + 1.6, 1.2, 0.1), style.floor)


def build_window(build: Builder, layout: Layout, style: Style, hole: Patch) -> None:
    """Window frame, mullions, and panes bright with daylight."""
    wide, tall, middle = hole.end - hole.start, hole.top - hole.bottom, (hole.bottom + hole.top) / 2
    panes = max(1, round(wide / 0.8))
    sky = Material((0.60, 0.72, 0.86), dropout=0.25).varied(build.rng, 0.1)
    with build.at(layout.patch_pose(hole)), build.instance("window"):
        build.box((0, -0.11, middle), (wide, 0.015, tall), sky)
        for edge in range(panes + 1):
            x = -wide / 2 + 0.025 + edge * (wide - 0.05) / panes
            build.box((x, -0.08, middle), (0.05, 0.07, tall), style.metal)
        for z in (hole.bottom + 0.025, hole.top - 0.025):
            build.box((0, -0.08, z), (wide, 0.07, 0.05), style.metal)
    with build.at(layout.patch_pose(hole)), build.instance("clutter"):
        build.box((0, 0.01, hole.bottom - 0.02), (wide + 0.1, 0.14, 0.04), style.wood)  # sill


def cut_openings(layout: Layout, rng: np.random.Generator, doors: int, windows: int) -> tuple[list[Patch], list[Patch]]:
    """Choose places for doors and windows; returns those that found one."""
    door_holes, window_holes = [], []
    for _ in range(doors):
        hole = layout.wall_patch(rng, float(rng.uniform(0.95, 1.1)), 0.0, float(rng.uniform(2.05, 2.2)), margin=0.2)
        if hole is not None:
            layout.keep_free_before(hole, 1.0)
            door_holes.append(hole)
    for _ in range(windows):
        hole = layout.wall_patch(rng, float(rng.uniform(1.2, 2.4)), 0.9, min(2.3, layout.height - 0.25), margin=0.2)
        if hole is not None:
            window_holes.append(hole)
    return door_holes, window_holes


def build_column(build: Builder, layout: Layout, style: Style) -> None:
    """A column in a corner or half in a wall."""
    size = float(build.rng.uniform(0.25, 0.45))
    place = layout.against_wall(build.rng, size, size, tall=layout.height)
    if place is not None:
        with build.at(place), build.instance("column"):
            build.box((0, size / 2 - 0.02, layout.height / 2), (size, size, layout.height), style.wall)


def build_beam(build: Builder, layout: Layout, style: Style) -> None:
    """A beam under the ceiling, across the room or along a wall."""
    rng = build.rng
    wide, tall = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.2, 0.4))
    z = layout.height - tall / 2 + 0.01
    along_x = rng.random() < 0.5
    reach = layout.depth if along_x else layout.width
    where = wide / 2 if rng.random() < 0.6 else float(rng.uniform(0.3, 0.7)) * reach
    with build.instance("beam"):
        if along_x:
            build.box((layout.width / 2, where, z), (layout.width, wide, tall), style.wall)
        else:
            build.box((where, layout.depth / 2, z), (wide, layout.depth, tall), style.wall)


def hang_lamps(build: Builder, layout: Layout, style: Style) -> np.ndarray:
    """Fluorescent fixtures on the ceiling; returns the points that light the room, (L, 3) metres."""
    rng = build.rng
    lengthwise = layout.width >= layout.depth
    long, short = max(layout.width, layout.depth), min(layout.width, layout.depth)
    rows, count = max(1, round(short / 3.0)), max(1, round(long / 2.4))
    fixture = float(rng.uniform(0.6, min(1.5, 0.8 * long / count)))
    points = []
    for row in range(rows):
        for column in range(count):
            u, v = (column + 0.5) * long / count, (row + 0.5) * short / rows
            x, y = (u, v) if lengthwise else (v, u)
            with build.at(pose(x, y, layout.height, 0.0 if lengthwise else np.pi / 2)):
                clutter.ceiling_lamp(build, style, fixture)
                for end in (-0.35, 0.35):
                    along = np.array([end * fixture, 0.0, -0.36, 1.0])
                    points.append((build.frame @ along)[:3])
    return np.array(points)
