"""Own appliances, sanitary ware and radiators. Front at -y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.own.storage import closed
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece


def fridge(rng: np.random.Generator) -> Piece:
    """Fridge with one or two doors."""
    return closed(rng, "fridge", (0.6, 0.65, rng.uniform(0.85, 2.0)), 1, int(rng.choice([1, 2])), 0.03)


def oven(rng: np.random.Generator, kind: str = "oven") -> Piece:
    """Oven, dishwasher or washing machine of 60 cm."""
    shape = (
        Shape()
        .box((-0.298, 0.298), (-0.29, 0.3), (0.0, 0.86), Part.WHITE)
        .box((-0.28, 0.28), (-0.305, -0.29), (0.1, 0.68), Part.LEG)
    )
    shape.box((-0.28, 0.28), (-0.3, -0.29), (0.72, 0.84), Part.DARK)
    if kind == "washing_machine":
        ring = [(0.2 * np.cos(a), -0.33, 0.42 + 0.2 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)]
        shape.add(np.array(ring), [[0, k, k + 1] for k in range(1, 15)], Part.DARK)
        shape.box((-0.22, 0.22), (-0.325, -0.3), (0.2, 0.64), Part.WHITE)
    else:
        shape.box((-0.23, 0.23), (-0.345, -0.33), (0.62, 0.645), Part.METAL).box(
            (-0.23, -0.21), (-0.34, -0.3), (0.62, 0.645), Part.METAL
        ).box((0.21, 0.23), (-0.34, -0.3), (0.62, 0.645), Part.METAL)
    if kind == "oven":
        shape.box((-0.21, 0.21), (-0.31, -0.3), (0.2, 0.55), Part.DARK).box(
            (-0.3, 0.3), (-0.3, 0.3), (0.86, 0.9), Part.DARK
        )
        for x in (-0.2, -0.1, 0.1, 0.2):
            shape.box((x - 0.02, x + 0.02), (-0.325, -0.3), (0.76, 0.8), Part.METAL)
        for x, y in ((-0.14, -0.12), (0.14, -0.12), (-0.14, 0.14), (0.14, 0.14)):
            shape.cylinder(x, y, (0.9, 0.912), 0.09, Part.DARK, 10)
        return own_piece(kind, shape, [Surface(0.912, (-0.25, 0.25), (-0.22, 0.25))], placement="floor_wall")
    shape.box((-0.3, 0.3), (-0.3, 0.3), (0.86, 0.9), Part.BODY)
    return own_piece(kind, shape, [Surface(0.9, (-0.27, 0.27), (-0.27, 0.27))], placement="floor_wall")


def microwave(rng: np.random.Generator) -> Piece:
    """Microwave."""
    w, d, h = rng.uniform(0.44, 0.52), rng.uniform(0.32, 0.4), rng.uniform(0.26, 0.31)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0.01, h), Part.WHITE)
        .box((-w / 2 + 0.02, w / 4), (-d / 2 - 0.012, -d / 2), (0.03, h - 0.02), Part.DARK)
    )
    shape.box((w / 4 + 0.01, w / 4 + 0.025), (-d / 2 - 0.04, -d / 2 - 0.02), (0.05, h - 0.04), Part.METAL)
    return own_piece("microwave", shape, placement="on_surface")


def hood(rng: np.random.Generator) -> Piece:
    """Extractor hood with its chimney."""
    h = rng.uniform(0.7, 1.0)
    shape = (
        Shape()
        .box((-0.3, 0.3), (-0.25, 0.25), (0, 0.06), Part.METAL)
        .box((-0.12, 0.12), (0.02, 0.25), (0.06, h), Part.METAL)
    )
    corners = [(-0.3, -0.25, 0.06), (0.3, -0.25, 0.06), (0.12, 0.02, 0.25), (-0.12, 0.02, 0.25)]
    shape.add(np.array(corners), [[0, 1, 2], [0, 2, 3]], Part.METAL)
    return own_piece("hood", shape, (), 1.55, "wall_mounted")


def toilet(rng: np.random.Generator) -> Piece:
    """Toilet with cistern."""
    shape = (
        Shape()
        .turned(0, -0.1, [(0.11, 0), (0.1, 0.15), (0.19, 0.36), (0.19, 0.4)], Part.WHITE, 14)
        .turned(0, -0.1, [(0.2, 0.4), (0.2, 0.43)], Part.WHITE, 14)
    )
    shape.box((-0.1, 0.1), (-0.05, 0.3), (0, 0.38), Part.WHITE)
    if rng.random() < 0.7:
        shape.box((-0.19, 0.19), (0.14, 0.32), (0.36, rng.uniform(0.72, 0.82)), Part.WHITE)
    else:
        shape.box((-0.18, 0.18), (0.08, 0.12), (0.43, 0.8), Part.WHITE)
    return own_piece("toilet", shape, placement="floor_wall")


def sink(rng: np.random.Generator) -> Piece:
    """Wash basin on a column, at the wall."""
    w, d = rng.uniform(0.45, 0.65), rng.uniform(0.38, 0.48)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2), (0.7, 0.72), Part.WHITE)
    for x in ((-w / 2, -w / 2 + 0.04), (w / 2 - 0.04, w / 2)):
        shape.box(x, (-d / 2, d / 2), (0.72, 0.86), Part.WHITE)
    shape.box((-w / 2, w / 2), (-d / 2, -d / 2 + 0.04), (0.72, 0.86), Part.WHITE).box(
        (-w / 2, w / 2), (d / 2 - 0.1, d / 2), (0.72, 0.86), Part.WHITE
    )
    if rng.random() < 0.6:
        shape.turned(0, 0.05, [(0.1, 0), (0.08, 0.4), (0.11, 0.7)], Part.WHITE, 10)
    shape.cylinder(0, d / 2 - 0.05, (0.86, 0.98), 0.015, Part.METAL, 6).bar(
        (0, d / 2 - 0.05, 0.97), (0, d / 2 - 0.18, 0.94), 0.02, Part.METAL
    )
    return own_piece(
        "sink", shape, [Surface(0.86, (-w / 2 + 0.02, w / 2 - 0.02), (d / 2 - 0.1, d / 2))], None, "floor_wall"
    )


def vanity(rng: np.random.Generator) -> Piece:
    """Wash basin on a cabinet."""
    w = rng.uniform(0.6, 1.2)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-0.22, 0.24), (0.25, 0.82), Part.BODY2)
        .box((-w / 2, w / 2), (-0.24, 0.24), (0.82, 0.85), Part.WHITE)
    )
    for x in np.linspace(-w / 2, w / 2, 3)[:-1]:
        shape.box((x + 0.01, x + w / 2 - 0.01), (-0.24, -0.22), (0.27, 0.8), Part.BODY2).box(
            (x + w / 4 - 0.06, x + w / 4 + 0.06), (-0.26, -0.25), (0.7, 0.715), Part.METAL
        )
    shape.turned(0, -0.02, [(0.1, 0.85), (0.2, 0.97), (0.19, 0.97), (0.08, 0.87)], Part.WHITE, 14)
    shape.cylinder(0, 0.2, (0.85, 1.08), 0.015, Part.METAL, 6).bar((0, 0.2, 1.07), (0, 0.06, 1.05), 0.02, Part.METAL)
    places = [Surface(0.85, (-w / 2 + 0.02, -0.22), (-0.2, 0.22)), Surface(0.85, (0.22, w / 2 - 0.02), (-0.2, 0.22))]
    return own_piece("vanity", shape, [p for p in places if p.x[1] - p.x[0] > 0.08], None, "floor_wall")


def bathtub(rng: np.random.Generator) -> Piece:
    """Bathtub with an apron."""
    w, d, h = rng.uniform(1.5, 1.8), rng.uniform(0.7, 0.82), rng.uniform(0.52, 0.62)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, -d / 2 + 0.07), (0, h), Part.WHITE)
        .box((-w / 2, w / 2), (d / 2 - 0.07, d / 2), (0, h), Part.WHITE)
    )
    shape.box((-w / 2, -w / 2 + 0.1), (-d / 2, d / 2), (0, h), Part.WHITE).box(
        (w / 2 - 0.1, w / 2), (-d / 2, d / 2), (0, h), Part.WHITE
    )
    shape.box((-w / 2, w / 2), (-d / 2, d / 2), (0.1, 0.14), Part.WHITE).bar(
        (w / 2 - 0.15, d / 2 - 0.03, h + 0.1), (w / 2 - 0.15, 0.1, h + 0.1), 0.03, Part.METAL
    )
    shape.cylinder(w / 2 - 0.15, d / 2 - 0.03, (h, h + 0.12), 0.02, Part.METAL, 6)
    return own_piece("bathtub", shape, placement="floor_wall")


def shower(rng: np.random.Generator) -> Piece:
    """Shower tray with glass screens and a riser."""
    w = rng.uniform(0.8, 1.1)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-w / 2, w / 2), (0, 0.08), Part.WHITE)
        .box((-w / 2, w / 2), (-w / 2, -w / 2 + 0.01), (0.08, 2.0), Part.GLASS, True)
    )
    for x in (-w / 2, w / 2 - 0.03):
        shape.box((x, x + 0.03), (-w / 2, -w / 2 + 0.03), (0.08, 2.0), Part.METAL)
    shape.box((-w / 2, w / 2), (-w / 2, -w / 2 + 0.03), (1.97, 2.0), Part.METAL)
    shape.cylinder(0, w / 2 - 0.04, (1.0, 2.05), 0.012, Part.METAL, 6).bar(
        (0, w / 2 - 0.04, 2.04), (0, w / 2 - 0.3, 2.0), 0.02, Part.METAL
    )
    shape.turned(0, w / 2 - 0.3, [(0.1, 1.97), (0.03, 2.0)], Part.METAL, 10)
    return own_piece("shower", shape, placement="floor_wall")


def radiator(rng: np.random.Generator) -> Piece:
    """Panel or column radiator."""
    w, h, d = rng.uniform(0.5, 1.8), rng.uniform(0.4, 0.62), rng.uniform(0.06, 0.12)
    shape, z = Shape(), (0.0, h)
    if rng.random() < 0.5:
        shape.box((-w / 2, w / 2), (-d, -d + 0.02), z, Part.WHITE).box(
            (-w / 2, w / 2), (-0.04, -0.02), z, Part.WHITE
        ).box((-w / 2, w / 2), (-d, -0.02), (h - 0.01, h), Part.WHITE)
        for x in np.arange(-w / 2 + 0.02, w / 2 - 0.02, 0.05):
            shape.box((x, x + 0.02), (-d - 0.006, -d), (0.03, h - 0.03), Part.WHITE)
    else:
        for x in np.arange(-w / 2, w / 2 - 0.03, 0.055):
            shape.box((x, x + 0.035), (-d, -0.02), z, Part.WHITE)
        shape.box((-w / 2, w / 2), (-d * 0.7, -d * 0.4), (0.03, 0.06), Part.WHITE).box(
            (-w / 2, w / 2), (-d * 0.7, -d * 0.4), (h - 0.06, h - 0.03), Part.WHITE
        )
    shape.box((w / 2, w / 2 + 0.05), (-d * 0.7, -d * 0.4), (0.06, 0.1), Part.METAL)
    return own_piece("radiator", shape, (), rng.uniform(0.1, 0.15), "wall_mounted")


MAKERS = {
    "fridge": fridge,
    "oven": oven,
    "dishwasher": lambda rng: oven(rng, "dishwasher"),
    "washing_machine": lambda rng: oven(rng, "washing_machine"),
    "microwave": microwave,
    "hood": hood,
    "toilet": toilet,
    "sink": sink,
    "vanity": vanity,
    "bathtub": bathtub,
    "shower": shower,
    "radiator": radiator,
}
