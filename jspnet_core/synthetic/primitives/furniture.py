"""Tables, chairs, shelves and sofas, built from primitives.

Every function builds into the builder's current frame: x along the width, centred; the back at y = 0, the front
toward +y; z up from the floor; metres. Chairs stand centred on the origin and face +y.
"""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.primitives.materials import SPINES, Material, Style, bright_color
from jspnet_core.synthetic.primitives.solids import Builder, pose, rotation_x, rotation_z


def desk(build: Builder, style: Style, width: float, depth: float) -> None:
    """A desk against a wall: top, side panels or legs, often a drawer block."""
    rng = build.rng
    height, thick = rng.uniform(0.71, 0.77), rng.uniform(0.025, 0.045)
    with build.instance("table"):
        build.box((0, depth / 2, height - thick / 2), (width, depth, thick), style.wood)
        if rng.random() < 0.6:
            for side in (-1, 1):
                x = side * (width / 2 - 0.015)
                build.box((x, depth / 2, (height - thick) / 2), (0.03, depth - 0.04, height - thick), style.wood)
            build.box((0, 0.04, height * 0.68), (width - 0.06, 0.02, height * 0.5), style.wood)
        else:
            _four_legs(build, style.metal, width, depth, height - thick)
        if rng.random() < 0.7 and width > 1.0:
            side = rng.choice((-1, 1))
            x = side * (width / 2 - 0.25)
            block = style.wood if rng.random() < 0.5 else style.cabinet
            build.box((x, depth / 2, 0.32), (0.42, depth - 0.1, 0.6), block)
            for drawer in range(3):
                build.box((x, depth - 0.045, 0.12 + 0.2 * drawer), (0.14, 0.02, 0.015), style.dark)


def _four_legs(build: Builder, material: Material, width: float, depth: float, height: float) -> None:
    for x in (-width / 2 + 0.05, width / 2 - 0.05):
        for y in (0.06, depth - 0.06):
            build.rod((x, y, height / 2), 0.022, height, material)


def meeting_table(build: Builder, style: Style, width: float, depth: float) -> None:
    """A large table that stands free, on legs or on two plates."""
    rng = build.rng
    height = rng.uniform(0.72, 0.77)
    with build.instance("table"):
        build.box((0, depth / 2, height - 0.02), (width, depth, 0.04), style.wood)
        if rng.random() < 0.5:
            _four_legs(build, style.metal, width - 0.1, depth, height - 0.04)
        else:
            for x in (-width * 0.3, width * 0.3):
                build.box((x, depth / 2, (height - 0.04) / 2), (0.06, depth * 0.55, height - 0.04), style.dark)


def round_table(build: Builder, style: Style, radius: float) -> None:
    """A round table with one column, centred at y = radius."""
    height = build.rng.uniform(0.71, 0.78)
    with build.instance("table"):
        build.rod((0, radius, height - 0.015), radius, 0.03, style.wood)
        build.rod((0, radius, height / 2), 0.04, height - 0.04, style.metal)
        build.rod((0, radius, 0.015), 0.26, 0.03, style.metal)


def counter(build: Builder, style: Style, width: float, depth: float) -> None:
    """A kitchen counter: closed cabinet (clutter, as in S3DIS) under a worktop (table)."""
    height = build.rng.uniform(0.86, 0.94)
    with build.instance("clutter"):
        build.box((0, depth / 2 - 0.02, (height - 0.04) / 2), (width, depth - 0.04, height - 0.04), style.cabinet)
        for door in np.arange(-width / 2 + 0.25, width / 2 - 0.2, 0.5):
            build.box((float(door), depth - 0.035, height * 0.82), (0.12, 0.02, 0.015), style.dark)
    with build.instance("table"):
        build.box((0, depth / 2, height - 0.02), (width, depth, 0.04), style.wood)


def office_chair(build: Builder, style: Style) -> None:
    """A swivel chair: cushion, tilted back, arm rests, column and a star of five legs on castors."""
    rng = build.rng
    seat, wide, deep = rng.uniform(0.43, 0.52), rng.uniform(0.44, 0.52), rng.uniform(0.42, 0.5)
    back, lean = rng.uniform(0.38, 0.6), rng.uniform(0.08, 0.25)
    cloth = style.seat.varied(rng, 0.02)
    with build.instance("chair"):
        build.box((0, 0, seat), (wide, deep, 0.07), cloth)
        build.blob((0, 0.02, seat + 0.035), (wide, deep, 0.06), cloth)
        middle = seat + 0.14 + back / 2
        build.box((0, -deep / 2 - 0.05, middle), (wide * 0.9, 0.05, back), cloth, rotation_x(lean))
        build.box((0, -deep / 2 - 0.02, seat + 0.1), (0.07, 0.03, 0.26), style.dark, rotation_x(lean))
        build.rod((0, 0, seat / 2), 0.028, seat - 0.06, style.dark)
        for leg in range(5):
            with build.at(pose(yaw=2 * np.pi * leg / 5)):
                build.box((0.15, 0, 0.085), (0.3, 0.045, 0.035), style.dark)
                build.rod((0.28, 0, 0.03), 0.028, 0.05, style.dark, rotation_x(np.pi / 2))
        if rng.random() < 0.6:
            for side in (-1, 1):
                build.box((side * (wide / 2 + 0.03), -0.03, seat + 0.22), (0.05, 0.26, 0.03), style.dark)
                build.box((side * (wide / 2 + 0.03), -0.03, seat + 0.11), (0.03, 0.05, 0.2), style.dark)


def plain_chair(build: Builder, style: Style) -> None:
    """A stacking chair on four legs."""
    rng = build.rng
    seat, wide, deep = rng.uniform(0.42, 0.47), rng.uniform(0.42, 0.5), rng.uniform(0.4, 0.48)
    shell = style.wood if rng.random() < 0.3 else style.seat.varied(rng, 0.04)
    with build.instance("chair"):
        build.box((0, 0, seat), (wide, deep, 0.035), shell)
        build.box((0, -deep / 2 - 0.01, seat + 0.28), (wide, 0.03, 0.32), shell, rotation_x(rng.uniform(0.08, 0.2)))
        for x in (-wide / 2 + 0.03, wide / 2 - 0.03):
            build.rod((x, deep / 2 - 0.03, seat / 2), 0.014, seat, style.metal)
            build.rod((x, -deep / 2 + 0.01, seat * 0.75), 0.014, 1.5 * seat, style.metal)


def bookcase(build: Builder, style: Style, width: float, depth: float, height: float) -> None:
    """An open bookcase with a back, shelves and books."""
    rng = build.rng
    wood = style.wood if rng.random() < 0.7 else style.cabinet
    shelves = max(2, int(height / rng.uniform(0.32, 0.42)))
    gap = (height - 0.1) / shelves
    with build.instance("bookcase"):
        build.box((0, 0.01, height / 2), (width, 0.02, height), wood)
        for side in (-1, 1):
            build.box((side * (width / 2 - 0.0125), depth / 2, height / 2), (0.025, depth, height), wood)
        for shelf in range(shelves + 1):
            z = 0.08 + shelf * gap
            build.box((0, depth / 2, z), (width - 0.05, depth, 0.025), wood)
            if shelf < shelves:
                _row_of_books(build, width - 0.08, depth, z + 0.0125, gap - 0.04)


def _row_of_books(build: Builder, width: float, depth: float, z: float, room: float) -> None:
    """Groups of books, with gaps, standing on a shelf at height `z`."""
    rng = build.rng
    x = -width / 2
    while x < width / 2 - 0.1:
        run = min(rng.uniform(0.08, 0.4), width / 2 - x)
        if rng.random() < 0.75:
            tall, thick = rng.uniform(0.6, 0.95) * room, depth * rng.uniform(0.5, 0.85)
            spines = Material(bright_color(rng), SPINES, bright_color(rng), float(rng.uniform(0.02, 0.05)))
            build.box((x + run / 2, 0.02 + thick / 2, z + tall / 2), (run - 0.005, thick, tall), spines)
        x += run


def cabinet(build: Builder, style: Style, width: float, depth: float, height: float) -> None:
    """A closed cabinet or filing cabinet, a bookcase in S3DIS."""
    with build.instance("bookcase"):
        build.box((0, depth / 2, height / 2), (width, depth, height), style.cabinet)
        rows = max(2, round(height / 0.38))
        for row in range(rows):
            z = (row + 0.5) * height / rows
            build.box((0, depth + 0.002, z - height / rows / 2), (width, 0.006, 0.008), style.dark)
            build.box((0, depth + 0.008, z + 0.05), (min(0.14, width / 3), 0.016, 0.018), style.metal)


def sofa(build: Builder, style: Style, width: float, depth: float) -> None:
    """A sofa: base, cushions, back and arm rests."""
    rng = build.rng
    cloth = style.seat.varied(rng, 0.1)
    seat, back = rng.uniform(0.38, 0.45), rng.uniform(0.7, 0.85)
    places = max(1, round((width - 0.3) / 0.62))
    with build.instance("sofa"):
        build.box((0, depth / 2, seat / 2 - 0.03), (width, depth, seat - 0.1), cloth)
        build.box((0, 0.11, back / 2), (width, 0.2, back), cloth)
        for side in (-1, 1):
            build.box((side * (width / 2 - 0.08), depth / 2, 0.3), (0.16, depth, 0.6), cloth)
        span = (width - 0.34) / places
        for place in range(places):
            x = -width / 2 + 0.17 + (place + 0.5) * span
            build.box((x, depth / 2 + 0.08, seat - 0.05), (span - 0.015, depth - 0.24, 0.14), cloth)
            build.blob((x, 0.26, seat + 0.2), (span - 0.06, 0.2, 0.42), cloth, rotation_x(0.2))


def stool(build: Builder, style: Style) -> None:
    """A round stool, a chair without a back."""
    height = build.rng.uniform(0.44, 0.7)
    with build.instance("chair"):
        build.rod((0, 0, height), 0.18, 0.05, style.seat)
        for leg in range(4):
            with build.at(pose(yaw=np.pi / 4 + np.pi * leg / 2)):
                build.box((0.14, 0, height / 2), (0.025, 0.025, height), style.metal, rotation_z(0.1))
