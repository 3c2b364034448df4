"""Small objects of S3DIS's class clutter, and objects on walls and ceilings."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.primitives.materials import GRAIN, PATCHES, PLAIN, SPECKLE, Material, Style, bright_color
from jspnet_core.synthetic.primitives.solids import Builder, pose, rotation_x, rotation_z

SCREEN = Material((0.06, 0.07, 0.09), PLAIN, dropout=0.15)
CARDBOARD = Material((0.66, 0.51, 0.34), GRAIN, scale=0.2)
PAPER = Material((0.88, 0.88, 0.85))
LEAVES = Material((0.22, 0.29, 0.16), SPECKLE)


def monitor(build: Builder, style: Style) -> None:
    """A screen on a foot, facing +y, standing at z = 0."""
    wide = build.rng.uniform(0.4, 0.6)
    with build.instance("clutter"):
        build.box((0, 0, 0.12 + wide * 0.3), (wide, 0.03, wide * 0.6), style.dark)
        build.box((0, 0.017, 0.12 + wide * 0.3), (wide - 0.03, 0.006, wide * 0.6 - 0.03), SCREEN)
        build.box((0, -0.03, 0.1), (0.05, 0.03, 0.2), style.dark)
        build.box((0, 0, 0.01), (0.22, 0.16, 0.02), style.dark)


def keyboard(build: Builder, style: Style) -> None:
    with build.instance("clutter"):
        build.box((0, 0, 0.012), (0.44, 0.14, 0.024), style.dark if build.rng.random() < 0.6 else PAPER)


def papers(build: Builder, style: Style) -> None:
    """A stack of sheets or a few books lying flat."""
    rng = build.rng
    with build.instance("clutter"):
        z = 0.0
        for _ in range(int(rng.integers(1, 4))):
            thick = float(rng.uniform(0.01, 0.05))
            cover = PAPER if rng.random() < 0.5 else Material(bright_color(rng))
            turn = rotation_z(float(rng.normal(0, 0.2)))
            build.box((0, 0, z + thick / 2), (rng.uniform(0.18, 0.3), rng.uniform(0.15, 0.24), thick), cover, turn)
            z += thick


def desk_lamp(build: Builder, style: Style) -> None:
    with build.instance("clutter"):
        build.rod((0, 0, 0.01), 0.09, 0.02, style.dark)
        build.rod((0, 0, 0.2), 0.01, 0.4, style.metal)
        build.rod((0, 0.06, 0.42), 0.08, 0.1, style.dark, rotation_x(0.5))


def cup(build: Builder, style: Style) -> None:
    with build.instance("clutter"):
        build.rod((0, 0, 0.05), 0.04, 0.1, Material(bright_color(build.rng)))


def bin_can(build: Builder, style: Style) -> None:
    """A waste bin, round or square."""
    rng = build.rng
    tall, paint = rng.uniform(0.28, 0.6), Material(bright_color(rng)) if rng.random() < 0.4 else style.dark
    with build.instance("clutter"):
        if rng.random() < 0.5:
            build.rod((0, 0, tall / 2), rng.uniform(0.13, 0.18), tall, paint)
        else:
            build.box((0, 0, tall / 2), (rng.uniform(0.22, 0.36), rng.uniform(0.2, 0.3), tall), paint)


def carton(build: Builder, style: Style) -> None:
    """One or two cardboard boxes."""
    rng = build.rng
    with build.instance("clutter"):
        z = 0.0
        for _ in range(int(rng.integers(1, 3))):
            wide, deep, tall = rng.uniform(0.25, 0.5), rng.uniform(0.22, 0.4), rng.uniform(0.18, 0.36)
            turn = rotation_z(float(rng.normal(0, 0.3)))
            build.box((0, 0, z + tall / 2), (wide, deep, tall), CARDBOARD.varied(rng), turn)
            z += float(tall)


def computer(build: Builder, style: Style) -> None:
    with build.instance("clutter"):
        build.box((0, 0, 0.22), (0.19, 0.42, 0.43), style.dark if build.rng.random() < 0.7 else style.cabinet)


def printer(build: Builder, style: Style) -> None:
    shell = Material((0.74, 0.74, 0.71)).varied(build.rng)
    with build.instance("clutter"):
        build.box((0, 0, 0.12), (0.44, 0.38, 0.24), shell)
        build.box((0, 0, 0.26), (0.4, 0.3, 0.06), style.dark)


def plant(build: Builder, style: Style) -> None:
    """A pot with leaves."""
    rng = build.rng
    with build.instance("clutter"):
        build.rod((0, 0, 0.15), 0.15, 0.3, Material(bright_color(rng)))
        for _ in range(16):
            x, y = rng.normal(0, 0.14, 2)
            size = tuple(rng.uniform(0.08, 0.26, 3))
            build.blob((x, y, rng.uniform(0.45, 1.1)), size, LEAVES.varied(rng))


def coffee_machine(build: Builder, style: Style) -> None:
    with build.instance("clutter"):
        build.box((0, 0, 0.19), (0.28, 0.34, 0.38), style.dark)
        build.box((0, 0.175, 0.28), (0.2, 0.02, 0.14), style.metal)


def fridge(build: Builder, style: Style) -> None:
    """A fridge, its back at y = 0 like furniture."""
    tall = build.rng.uniform(1.4, 1.85)
    shell = Material((0.82, 0.82, 0.80)).varied(build.rng)
    with build.instance("clutter"):
        build.box((0, 0.32, tall / 2), (0.62, 0.62, tall), shell)
        build.box((0.25, 0.65, tall * 0.6), (0.025, 0.04, 0.3), style.metal)


def poster(build: Builder, wide: float, tall: float) -> None:
    """A picture on a wall at y = 0, centred at the origin."""
    rng = build.rng
    picture = Material(bright_color(rng), PATCHES, bright_color(rng), float(rng.uniform(0.06, 0.25)))
    with build.instance("clutter"):
        build.box((0, 0.012, 0), (wide, 0.024, tall), picture)


def board(build: Builder, style: Style, wide: float, tall: float) -> None:
    """A whiteboard on a wall at y = 0, centred at the origin: plate, frame and pen tray."""
    with build.instance("board"):
        build.box((0, 0.012, 0), (wide, 0.024, tall), Material((0.84, 0.86, 0.87)).varied(build.rng, 0.02))
        for side in (-1, 1):
            build.box((side * wide / 2, 0.015, 0), (0.025, 0.03, tall + 0.02), style.metal)
            build.box((0, 0.015, side * tall / 2), (wide, 0.03, 0.025), style.metal)
        build.box((0, 0.04, -tall / 2 - 0.01), (wide * 0.6, 0.07, 0.02), style.metal)


def ceiling_lamp(build: Builder, style: Style, long: float) -> None:
    """A fluorescent fixture along x that hangs below z = 0, the ceiling."""
    drop = float(build.rng.choice((0.02, 0.02, 0.25)))
    with build.instance("clutter"):
        build.box((0, 0, -drop - 0.03), (long, 0.22, 0.06), style.metal)
        build.box((0, 0, -drop - 0.064), (long - 0.04, 0.18, 0.008), Material((1.25, 1.25, 1.2)))
        if drop > 0.1:
            for x in (-long / 3, long / 3):
                build.rod((x, 0, -drop / 2), 0.008, drop, style.metal)


def scatter_on_desk(build: Builder, style: Style, width: float, depth: float, top: float) -> None:
    """Objects on a desk whose top is at height `top`."""
    rng = build.rng
    if rng.random() < 0.85:
        x = float(rng.uniform(-0.2, 0.2) * width)
        with build.at(pose(x, depth * 0.3, top, float(rng.normal(0, 0.15)))):
            monitor(build, style)
        with build.at(pose(x, depth * 0.7, top)):
            keyboard(build, style)
    for _ in range(int(rng.integers(2, 7))):
        thing = (papers, papers, cup, desk_lamp, carton, printer)[int(rng.choice(6, p=(0.3, 0.2, 0.2, 0.1, 0.1, 0.1)))]
        x = float(rng.choice((-1, 1)) * rng.uniform(0.25, 0.42) * width)
        with build.at(pose(x, depth * rng.uniform(0.25, 0.6), top, float(rng.uniform(0, 2 * np.pi)))):
            thing(build, style)
