"""Own screens, office machines and lamps. Front at -y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece


def monitor(rng: np.random.Generator, kind: str = "monitor") -> Piece:
    """Flat screen on a foot."""
    w = rng.uniform(0.45, 0.75) if kind == "monitor" else rng.uniform(0.8, 1.5)
    h, foot = w * rng.uniform(0.54, 0.62), rng.uniform(0.05, 0.16)
    shape = Shape().box((-w / 2, w / 2), (-0.01, 0.025), (foot, foot + h), Part.DARK)
    rim = rng.uniform(0.006, 0.02)
    shape.box((-w / 2 + rim, w / 2 - rim), (-0.013, 0), (foot + rim, foot + h - rim), Part.DARK)
    shape.box((-w * 0.2, w * 0.2), (-0.08, 0.12), (0, 0.012), Part.LEG).box(
        (-0.03, 0.03), (0.02, 0.05), (0, foot + h * 0.4), Part.LEG
    )
    return own_piece(kind, shape, placement="on_surface")


def wall_tv(rng: np.random.Generator) -> Piece:
    """Television on the wall."""
    w = rng.uniform(0.9, 1.7)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-0.07, -0.03), (0, w * 0.57), Part.DARK)
        .box((-0.2, 0.2), (-0.03, 0), (w * 0.15, w * 0.4), Part.DARK)
    )
    return own_piece("tv", shape, (), 1.0, "wall_mounted")


def laptop(rng: np.random.Generator) -> Piece:
    """Open laptop."""
    w, d, lean = rng.uniform(0.3, 0.37), rng.uniform(0.21, 0.25), rng.uniform(0.2, 0.9)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0, 0.017), Part.LEG)
        .box((-w / 2 + 0.02, w / 2 - 0.02), (-0.03, d / 2 - 0.03), (0.017, 0.02), Part.DARK)
    )
    y, z = np.sin(lean) * d, np.cos(lean) * d
    corners = np.array(
        [(-w / 2, d / 2, 0.02), (w / 2, d / 2, 0.02), (w / 2, d / 2 + y, 0.02 + z), (-w / 2, d / 2 + y, 0.02 + z)]
    )
    for shift, part in ((0.0, Part.DARK), (0.008, Part.LEG)):
        shape.add(corners + (0, shift, 0), [[0, 1, 2], [0, 2, 3]], part)
    return own_piece("laptop", shape, placement="on_surface")


def keyboard(rng: np.random.Generator) -> Piece:
    """Keyboard."""
    w = rng.uniform(0.36, 0.46)
    shape = Shape().box((-w / 2, w / 2), (-0.07, 0.07), (0, 0.018), Part.DARK)
    for y in np.linspace(-0.055, 0.055, 5):
        shape.box((-w / 2 + 0.012, w / 2 - 0.012), (y - 0.009, y + 0.009), (0.018, 0.027), Part.DARK)
    return own_piece("keyboard", shape, placement="on_surface")


def mouse(rng: np.random.Generator) -> Piece:
    """Mouse."""
    return own_piece(
        "mouse", Shape().slab((-0.03, 0.03), (-0.055, 0.055), (0, 0.035), Part.DARK, 0.02), placement="on_surface"
    )


def computer_tower(rng: np.random.Generator) -> Piece:
    """Computer case on the floor."""
    shape = (
        Shape()
        .box((-0.1, 0.1), (-0.22, 0.22), (0, rng.uniform(0.36, 0.46)), Part.DARK)
        .box((-0.08, 0.08), (-0.225, -0.22), (0.2, 0.34), Part.METAL)
    )
    return own_piece("computer_tower", shape)


def printer(rng: np.random.Generator) -> Piece:
    """Desk printer."""
    w, d, h = rng.uniform(0.38, 0.5), rng.uniform(0.34, 0.45), rng.uniform(0.18, 0.36)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0, h), Part.WHITE)
        .box((-w / 2 + 0.04, w / 2 - 0.04), (-d / 2 - 0.12, -d / 2), (0.05, 0.07), Part.DARK)
    )
    shape.box((-w / 2 + 0.05, w / 2 - 0.05), (d / 2 - 0.08, d / 2 - 0.06), (h, h + 0.12), Part.DARK)
    return own_piece("printer", shape, placement="on_surface")


def copier(rng: np.random.Generator) -> Piece:
    """Floor-standing copier."""
    w, d, h = rng.uniform(0.58, 0.7), rng.uniform(0.6, 0.7), rng.uniform(0.95, 1.15)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0.04, h - 0.25), Part.WHITE)
        .box((-w / 2, w / 2), (-d / 2 + 0.1, d / 2), (h - 0.25, h), Part.WHITE)
    )
    for z in (0.12, 0.3, 0.48):
        shape.box((-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 - 0.012, -d / 2), (z, z + 0.15), Part.LEG)
    shape.box((w / 2, w / 2 + 0.25), (-d / 2 + 0.1, d / 2 - 0.1), (h - 0.4, h - 0.37), Part.DARK)
    return own_piece("printer", shape, [Surface(h, (-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.15, d / 2 - 0.05))])


def lamp_ceiling(rng: np.random.Generator) -> Piece:
    """Pendant, dome or bar; its top hangs from the ceiling."""
    shape, style = Shape(), rng.integers(3)
    if style == 0:
        r, h, drop = rng.uniform(0.12, 0.3), rng.uniform(0.15, 0.3), rng.uniform(0.2, 0.7)
        shape.turned(0, 0, [(r, 0), (r * rng.uniform(0.2, 1.0), h)], Part.LIGHT, 14).cylinder(
            0, 0, (h, h + drop), 0.006, Part.DARK, 5
        )
    elif style == 1:
        r = rng.uniform(0.14, 0.28)
        shape.turned(0, 0, [(r * 0.6, 0), (r, 0.05), (r, 0.09)], Part.LIGHT, 16)
    else:
        w = rng.uniform(0.9, 1.5)
        shape.box((-w / 2, w / 2), (-0.06, 0.06), (0, 0.06), Part.LIGHT)
    return own_piece("lamp_ceiling", shape, placement="ceiling_hung")


def lamp_panel(rng: np.random.Generator) -> Piece:
    """Flat light of an office ceiling."""
    w, d = ((0.6, 0.6), (1.2, 0.3), (1.2, 0.6), (1.5, 0.2))[int(rng.integers(4))]
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0, 0.05), Part.WHITE)
        .box((-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.02, d / 2 - 0.02), (-0.006, 0), Part.LIGHT)
    )
    return own_piece("lamp_ceiling", shape, placement="ceiling_hung")


def lamp_table(rng: np.random.Generator, kind: str = "lamp_table") -> Piece:
    """Lamp with a shade on a foot, for tables or the floor."""
    h, r = (
        (rng.uniform(0.3, 0.6), rng.uniform(0.09, 0.18))
        if kind == "lamp_table"
        else (rng.uniform(1.3, 1.8), rng.uniform(0.14, 0.25))
    )
    shade = rng.uniform(0.15, 0.3)
    shape = Shape().turned(0, 0, [(r * 0.7, 0), (r * 0.7, 0.02), (0.015, 0.04), (0.012, h - shade * 0.5)], Part.LEG, 10)
    shape.turned(0, 0, [(r, h - shade), (r * rng.uniform(0.5, 1.0), h)], Part.LIGHT, 14)
    return own_piece(kind, shape, placement="on_surface" if kind == "lamp_table" else "floor_free")


MAKERS = {
    "monitor": monitor,
    "tv": lambda rng: monitor(rng, "tv"),
    "wall_tv": wall_tv,
    "laptop": laptop,
    "keyboard": keyboard,
    "mouse": mouse,
    "computer_tower": computer_tower,
    "printer": printer,
    "copier": copier,
    "lamp_ceiling": lamp_ceiling,
    "lamp_panel": lamp_panel,
    "lamp_table": lamp_table,
    "lamp_floor": lambda rng: lamp_table(rng, "lamp_floor"),
}
