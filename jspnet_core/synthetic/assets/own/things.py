"""Own small things that lie on tables and stand in shelves."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece

_COLORS = (Part.COLOR, Part.COLOR2, Part.COLOR3, Part.WHITE, Part.DARK)


def book_row(rng: np.random.Generator) -> Piece:
    """Row of standing books, some leaning at its end."""
    shape, x, end = Shape(), 0.0, rng.uniform(0.12, 0.6)
    while x < end:
        t, h, d = rng.uniform(0.012, 0.05), rng.uniform(0.17, 0.28), rng.uniform(0.13, 0.2)
        shape.box((x, x + t), (-d, 0), (0, h), int(rng.choice(_COLORS)))
        x += t + 0.001
    if rng.random() < 0.4:
        shape.bar((x + 0.12, -0.08, 0.01), (x + 0.02, -0.08, 0.2), 0.03, int(rng.choice(_COLORS)))
    return own_piece("books", shape, placement="on_surface")


def binder_row(rng: np.random.Generator) -> Piece:
    """Row of office binders."""
    shape, n = Shape(), int(rng.integers(2, 8))
    part = int(rng.choice(_COLORS))
    for k in range(n):
        shape.box(
            (k * 0.078, k * 0.078 + 0.075),
            (-0.28, 0),
            (0, 0.315),
            part if rng.random() < 0.7 else int(rng.choice(_COLORS)),
        )
        shape.box((k * 0.078 + 0.012, k * 0.078 + 0.063), (-0.283, -0.28), (0.1, 0.26), Part.WHITE)
    return own_piece("books", shape, placement="on_surface")


def book_stack(rng: np.random.Generator) -> Piece:
    """Stack of lying books or papers."""
    shape, z = Shape(), 0.0
    for _ in range(int(rng.integers(1, 7))):
        w, d, t = rng.uniform(0.13, 0.24), rng.uniform(0.18, 0.3), rng.uniform(0.006, 0.045)
        x, y = rng.normal(0, 0.012, 2)
        shape.box((x - w / 2, x + w / 2), (y - d / 2, y + d / 2), (z, z + t), int(rng.choice(_COLORS)))
        z += t
    return own_piece("books", shape, placement="on_surface")


def paper(rng: np.random.Generator) -> Piece:
    """Sheets of paper."""
    shape = Shape()
    for k in range(int(rng.integers(1, 4))):
        x, y = rng.normal(0, 0.05, 2)
        shape.box((x, x + 0.21), (y, y + 0.297), (0.004 * k, 0.004 * k + 0.004), Part.WHITE)
    return own_piece("paper", shape, placement="on_surface")


def box(rng: np.random.Generator) -> Piece:
    """Cardboard box or crate, shut or open."""
    w, d, h = rng.uniform(0.2, 0.55), rng.uniform(0.2, 0.45), rng.uniform(0.12, 0.42)
    shape = Shape()
    if rng.random() < 0.6:
        shape.box((-w / 2, w / 2), (-d / 2, d / 2), (0, h), Part.BODY).box(
            (-0.025, 0.025), (-d / 2, d / 2), (h, h + 0.001), Part.WHITE
        )
        return own_piece("box", shape, [Surface(h, (-w / 2, w / 2), (-d / 2, d / 2))])
    for x in ((-w / 2, -w / 2 + 0.008), (w / 2 - 0.008, w / 2)):
        shape.box(x, (-d / 2, d / 2), (0, h), Part.BODY)
    for y in ((-d / 2, -d / 2 + 0.008), (d / 2 - 0.008, d / 2)):
        shape.box((-w / 2, w / 2), y, (0, h), Part.BODY)
    shape.box((-w / 2, w / 2), (-d / 2, d / 2), (0, 0.01), Part.BODY)
    return own_piece("box", shape, [Surface(0.01, (-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.02, d / 2 - 0.02))])


def small_box(rng: np.random.Generator) -> Piece:
    """Package, carton or tin box."""
    w, d, h = rng.uniform(0.06, 0.24), rng.uniform(0.04, 0.16), rng.uniform(0.05, 0.3)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0, h), Part.COLOR)
        .box((-w / 3, w / 3), (-d / 2 - 0.001, d / 2 + 0.001), (h * 0.3, h * 0.7), Part.COLOR2)
    )
    return own_piece("food_box", shape, placement="on_surface")


def goods_row(rng: np.random.Generator) -> Piece:
    """Row of equal packages, cans or bottles, as in a shop."""
    shape, n, rows = Shape(), int(rng.integers(3, 8)), int(rng.integers(1, 3))
    w, d, h = rng.uniform(0.06, 0.16), rng.uniform(0.06, 0.18), rng.uniform(0.1, 0.3)
    part, rounded = int(rng.choice(_COLORS[:4])), rng.random() < 0.4
    for k in range(n):
        for r in range(rows):
            x, y = k * (w + 0.008), r * (d + 0.008)
            if rounded:
                shape.turned(x, y, [(w * 0.48, 0), (w * 0.48, h * 0.7), (w * 0.2, h * 0.85), (w * 0.18, h)], part, 8)
            else:
                shape.box((x - w / 2, x + w / 2), (y - d / 2, y + d / 2), (0, h * rng.uniform(0.97, 1.0)), part)
    return own_piece("food_box", shape, placement="on_surface")


def bottle(rng: np.random.Generator) -> Piece:
    """Bottle or jar."""
    r, h = rng.uniform(0.025, 0.05), rng.uniform(0.12, 0.32)
    shape = Shape().turned(0, 0, [(r, 0), (r, h * 0.6), (r * 0.4, h * 0.78), (r * 0.4, h)], Part.COLOR, 10)
    return own_piece("bottle", shape, placement="on_surface")


def cup(rng: np.random.Generator) -> Piece:
    """Cup with a handle."""
    r, h = rng.uniform(0.032, 0.045), rng.uniform(0.07, 0.11)
    shape = (
        Shape()
        .turned(0, 0, [(r * 0.8, 0), (r, h), (r * 0.9, h), (r * 0.7, 0.01)], Part.COLOR, 12)
        .box((r, r + 0.025), (-0.006, 0.006), (h * 0.25, h * 0.8), Part.COLOR)
    )
    return own_piece("cup", shape, placement="on_surface")


def bowl(rng: np.random.Generator) -> Piece:
    """Bowl or plate."""
    r, h = rng.uniform(0.08, 0.16), rng.uniform(0.015, 0.1)
    return own_piece(
        "bowl",
        Shape().turned(0, 0, [(r * 0.5, 0), (r, h), (r * 0.96, h), (r * 0.45, 0.008)], Part.COLOR, 14),
        placement="on_surface",
    )


def vase(rng: np.random.Generator) -> Piece:
    """Vase."""
    z = np.linspace(0, rng.uniform(0.15, 0.4), 6)
    return own_piece(
        "vase",
        Shape().turned(0, 0, list(zip(rng.uniform(0.03, 0.1, 6), z, strict=True)), Part.COLOR, 12),
        placement="on_surface",
    )


def pen_pot(rng: np.random.Generator) -> Piece:
    """Pot with pens."""
    shape = Shape().turned(0, 0, [(0.04, 0), (0.04, 0.1), (0.035, 0.1), (0.035, 0.01)], Part.DARK, 8)
    for _ in range(5):
        x, y = rng.uniform(-0.03, 0.03, 2)
        shape.bar((x / 2, y / 2, 0.01), (x * 1.6, y * 1.6, rng.uniform(0.14, 0.19)), 0.008, int(rng.choice(_COLORS)))
    return own_piece("office_small", shape, placement="on_surface")


def tray(rng: np.random.Generator) -> Piece:
    """Letter trays."""
    shape = Shape()
    for k in range(int(rng.integers(1, 4))):
        z = 0.07 * k
        shape.box((-0.13, 0.13), (-0.17, 0.17), (z, z + 0.005), Part.DARK).box(
            (-0.13, -0.125), (-0.17, 0.17), (z, z + 0.06), Part.DARK
        ).box((0.125, 0.13), (-0.17, 0.17), (z, z + 0.06), Part.DARK)
        shape.box((-0.105, 0.105), (-0.15, 0.148), (z + 0.005, z + rng.uniform(0.01, 0.04)), Part.WHITE)
    return own_piece("office_small", shape, placement="on_surface")


def pillow(rng: np.random.Generator) -> Piece:
    """Cushion, leaning or lying."""
    w = rng.uniform(0.35, 0.55)
    s = np.linspace(-1, 1, 7)
    x, y = np.meshgrid(s, s)
    z = rng.uniform(0.06, 0.1) * np.sqrt(np.clip((1 - x**4) * (1 - y**4), 0, 1))
    shape = Shape()
    for sign in (-1, 1):
        shape.grid(np.stack([x * w / 2, y * w / 2, sign * z], -1), Part.COLOR)
    if rng.random() < 0.6:
        lean = rng.uniform(0.9, 1.3)
        matrix = np.eye(4)
        matrix[1:3, 1:3] = [[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]]
        shape.transformed(matrix)
    return own_piece("pillow", shape, placement="on_surface")


def cloth(rng: np.random.Generator) -> Piece:
    """Crumpled garment or towel."""
    s = np.linspace(-1, 1, 9)
    x, y = np.meshgrid(s, s)
    bumps = sum(
        rng.uniform(-1, 1) * np.sin(rng.uniform(1, 4) * x + rng.uniform(1, 4) * y + rng.uniform(0, 6)) for _ in range(4)
    )
    z = np.maximum(0.004, 0.03 * bumps * (1 - np.maximum(np.abs(x), np.abs(y)) ** 2) + 0.03)
    w, d = rng.uniform(0.15, 0.35, 2)
    return own_piece("clothes", Shape().grid(np.stack([x * w, y * d, z], -1), Part.COLOR), placement="on_surface")


def tool(rng: np.random.Generator) -> Piece:
    """Hand tool or small machine."""
    shape, n = Shape(), rng.uniform(0.12, 0.3)
    shape.box((-0.02, 0.02), (-n / 2, n / 2), (0, 0.03), Part.COLOR).box(
        (-0.05, 0.05), (n / 2, n / 2 + 0.05), (0, 0.04), Part.METAL
    )
    return own_piece("tool", shape, placement="on_surface")


MAKERS = {
    "books": book_row,
    "binders": binder_row,
    "book_stack": book_stack,
    "paper": paper,
    "box": box,
    "food_box": small_box,
    "goods": goods_row,
    "bottle": bottle,
    "cup": cup,
    "bowl": bowl,
    "vase": vase,
    "office_small": pen_pot,
    "tray": tray,
    "pillow": pillow,
    "clothes": cloth,
    "tool": tool,
}
