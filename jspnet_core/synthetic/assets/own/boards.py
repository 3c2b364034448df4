"""Own boards for walls: white, black, green and cork boards, projection screens, pictures, notices. Back at +y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, own_piece


def board(rng: np.random.Generator, kind: str) -> Piece:
    """Framed board, with tray and pens (writing boards) or papers (cork boards)."""
    w, h = rng.uniform(0.9, 2.8), rng.uniform(0.8, 1.25)
    if kind == "blackboard":
        w, h = rng.uniform(2.0, 4.0), rng.uniform(1.0, 1.3)
    if kind == "pinboard":
        w, h = rng.uniform(0.6, 2.2), rng.uniform(0.5, 1.2)
    thick, rim = rng.uniform(0.015, 0.035), rng.uniform(0.015, 0.05)
    shape = Shape()
    surface = Part.CORK if kind == "pinboard" else Part.BOARD
    shape.box((0, w), (-thick * 0.6, 0), (0, h), surface)
    for x in ((0, rim), (w - rim, w)):
        shape.box(x, (-thick, 0), (0, h), Part.LEG)
    for z in ((0, rim), (h - rim, h)):
        shape.box((rim, w - rim), (-thick, 0), z, Part.LEG)
    if kind == "pinboard":
        _papers(rng, shape, w, h, -thick * 0.6, int(rng.integers(3, 14)))
    else:
        _tray(rng, shape, w, thick)
        if rng.random() < 0.4:
            _papers(rng, shape, w, h, -thick * 0.6, int(rng.integers(1, 5)))
    return own_piece(kind, shape, (), {"pinboard": 1.1}.get(kind, 0.9), "wall_mounted")


def _papers(rng: np.random.Generator, shape: Shape, w: float, h: float, y: float, count: int) -> None:
    for _ in range(count):
        a, b = (0.21, 0.297) if rng.random() < 0.6 else rng.uniform(0.07, 0.35, 2)
        if a > w - 0.1 or b > h - 0.1:
            continue
        x, z, d = rng.uniform(0.04, w - a - 0.04), rng.uniform(0.04, h - b - 0.04), rng.uniform(0.001, 0.006)
        part = int(rng.choice([Part.WHITE, Part.WHITE, Part.COLOR, Part.COLOR2, Part.COLOR3]))
        shape.box((x, x + a), (y - d, y), (z, z + b), part)


def _tray(rng: np.random.Generator, shape: Shape, w: float, thick: float) -> None:
    a = rng.uniform(0.0, 0.4) * w
    b = rng.uniform(0.7, 1.0) * w if rng.random() < 0.7 else a + 0.4
    shape.box((a, b), (-0.08, 0), (-0.015, 0.0), Part.LEG).box((a, b), (-0.08, -0.075), (0, 0.012), Part.LEG)
    for _ in range(int(rng.integers(0, 5))):
        x = rng.uniform(a, max(a + 0.01, b - 0.15))
        shape.box((x, x + 0.13), (-0.05, -0.033), (0, 0.016), int(rng.choice([Part.COLOR, Part.COLOR2, Part.DARK])))
    if rng.random() < 0.5:
        x = rng.uniform(a, max(a + 0.01, b - 0.15))
        shape.box((x, x + 0.13), (-0.065, -0.02), (0, 0.035), Part.DARK)


def projection_screen(rng: np.random.Generator) -> Piece:
    """Rolled-down screen in its case."""
    w, h = rng.uniform(1.6, 2.8), rng.uniform(1.2, 1.9)
    shape = Shape().box((-w / 2, w / 2), (-0.1, 0), (h, h + 0.09), Part.WHITE)
    shape.box((-w / 2 + 0.03, w / 2 - 0.03), (-0.055, -0.05), (0.02, h), Part.WHITE)
    shape.box((-w / 2 + 0.03, w / 2 - 0.03), (-0.065, -0.04), (0, 0.025), Part.DARK)
    return own_piece("projection_screen", shape, (), 0.9, "wall_mounted")


def picture(rng: np.random.Generator) -> Piece:
    """Framed picture with mat, or a canvas."""
    w, h = rng.uniform(0.25, 1.1), rng.uniform(0.25, 1.0)
    rim, thick = rng.uniform(0.01, 0.06), rng.uniform(0.012, 0.045)
    shape = Shape()
    if rng.random() < 0.25:
        shape.box((0, w), (-thick, 0), (0, h), Part.COLOR)
        return own_piece("picture", shape, (), 1.3, "wall_mounted")
    for x in ((0, rim), (w - rim, w)):
        shape.box(x, (-thick, 0), (0, h), Part.LEG)
    for z in ((0, rim), (h - rim, h)):
        shape.box((rim, w - rim), (-thick, 0), z, Part.LEG)
    shape.box((rim, w - rim), (-thick * 0.5, 0), (rim, h - rim), Part.WHITE)
    mat = rng.uniform(0, 0.2) * min(w, h)
    shape.box((rim + mat, w - rim - mat), (-thick * 0.5 - 0.002, 0), (rim + mat, h - rim - mat), Part.COLOR)
    shape.box((w * 0.4, w * 0.6), (-thick * 0.5 - 0.003, 0), (h * 0.35, h * 0.6), Part.COLOR2)
    return own_piece("picture", shape, (), 1.3, "wall_mounted")


def poster(rng: np.random.Generator) -> Piece:
    """Poster or notice without a frame."""
    w, h = rng.uniform(0.2, 0.7), rng.uniform(0.28, 1.0)
    shape = Shape().box((0, w), (-0.004, 0), (0, h), Part.WHITE)
    shape.box((0.03, w - 0.03), (-0.005, 0), (h * 0.3, h - 0.03), Part.COLOR)
    return own_piece("poster", shape, (), 1.3, "wall_mounted")


def flipchart(rng: np.random.Generator) -> Piece:
    """Flip chart on three legs."""
    h = rng.uniform(1.75, 1.95)
    shape = (
        Shape()
        .box((-0.34, 0.34), (-0.02, 0.01), (h - 1.0, h), Part.BOARD)
        .box((-0.33, 0.33), (-0.03, -0.02), (h - 0.95, h - 0.05), Part.WHITE)
    )
    shape.box((-0.34, 0.34), (-0.08, 0), (h - 1.03, h - 1.0), Part.LEG)
    for x in (-0.3, 0.3):
        shape.bar((x, -0.2, 0), (x * 0.8, 0, h - 0.2), 0.025, Part.LEG)
    shape.bar((0, 0.45, 0), (0, 0.01, h - 0.2), 0.025, Part.LEG)
    return own_piece("flipchart", shape)


MAKERS = {
    "whiteboard": lambda rng: board(rng, "whiteboard"),
    "blackboard": lambda rng: board(rng, "blackboard"),
    "pinboard": lambda rng: board(rng, "pinboard"),
    "projection_screen": projection_screen,
    "picture": picture,
    "poster": poster,
    "flipchart": flipchart,
}
