"""Own small things, plants and loose objects."""

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


def bag(rng: np.random.Generator) -> Piece:
    """Bag or backpack."""
    w, d, h = rng.uniform(0.25, 0.42), rng.uniform(0.12, 0.24), rng.uniform(0.25, 0.5)
    shape = Shape().slab((-w / 2, w / 2), (-d / 2, d / 2), (0, h), Part.COLOR, 0.07)
    for x in (-w / 5, w / 5):
        shape.bar((x, 0, h - 0.02), (x * 0.5, 0, h + 0.12), 0.02, Part.COLOR2)
    return own_piece("bag", shape)


def shoes(rng: np.random.Generator) -> Piece:
    """Pair of shoes."""
    shape = Shape()
    for x in (-0.07, 0.07):
        y = rng.normal(0, 0.03)
        shape.slab((x - 0.045, x + 0.045), (y - 0.14, y + 0.02), (0, 0.07), Part.COLOR, 0.04).slab(
            (x - 0.04, x + 0.04), (y, y + 0.14), (0, 0.11), Part.COLOR, 0.02
        )
    return own_piece("shoes", shape)


def trash_can(rng: np.random.Generator) -> Piece:
    """Waste bin."""
    r, h = rng.uniform(0.11, 0.2), rng.uniform(0.26, 0.6)
    shape = Shape().turned(0, 0, [(r * 0.8, 0), (r, h), (r * 0.95, h), (r * 0.75, 0.02)], Part.COLOR, 14)
    return own_piece("trash_can", shape)


def plant(rng: np.random.Generator, kind: str = "plant") -> Piece:
    """Plant in a pot: leaves along arching stems."""
    scale = rng.uniform(0.8, 1.7) if kind == "plant" else rng.uniform(0.2, 0.45)
    r = scale * rng.uniform(0.12, 0.18)
    pot = scale * rng.uniform(0.2, 0.3)
    shape = (
        Shape()
        .turned(0, 0, [(r * 0.75, 0), (r, pot)], Part.COLOR, 12)
        .turned(0, 0, [(r * 0.9, pot), (r * 0.9, pot + 0.005)], Part.EARTH, 10)
    )
    size, arch = scale * rng.uniform(0.1, 0.22), rng.uniform(0.1, 0.5)
    for _ in range(int(rng.integers(5, 11))):
        a, top = rng.uniform(0, 2 * np.pi), scale * rng.uniform(0.6, 1.0)
        way = np.array([np.cos(a), np.sin(a), 0.0])
        tip = way * arch * scale + (0, 0, top)
        shape.bar((0, 0, pot), tip, 0.012 * scale + 0.003, Part.GREEN)
        for s in np.linspace(0.35, 1.0, 5):
            turn = a + rng.uniform(-1.5, 1.5)
            out = np.array([np.cos(turn), np.sin(turn), rng.uniform(-0.3, 0.6)]) * size
            side = np.array([-np.sin(turn), np.cos(turn), 0.0]) * size * 0.3
            base = (0, 0, pot) + s * (tip - (0, 0, pot))
            leaf = np.array([base, base + out / 2 + side, base + out, base + out / 2 - side])
            shape.add(leaf, [[0, 1, 2], [0, 2, 3]], Part.GREEN)
    return own_piece(kind, shape, placement="floor_free" if kind == "plant" else "on_surface")


def coat_rack(rng: np.random.Generator) -> Piece:
    """Coat stand with garments on it."""
    h = rng.uniform(1.6, 1.85)
    shape = (
        Shape().cylinder(0, 0, (0, h), 0.02, Part.LEG, 8).turned(0, 0, [(0.2, 0), (0.2, 0.02), (0.03, 0.04)], Part.LEG)
    )
    for k in range(6):
        a = k * np.pi / 3
        shape.bar((0, 0, h - 0.12), (0.16 * np.cos(a), 0.16 * np.sin(a), h), 0.02, Part.LEG)
        if rng.random() < 0.5:
            c, w = np.array([0.16 * np.cos(a), 0.16 * np.sin(a)]), rng.uniform(0.08, 0.14)
            shape.turned(
                c[0],
                c[1],
                [(w, h - rng.uniform(0.7, 1.0)), (w * 0.9, h - 0.3), (0.03, h - 0.05)],
                int(rng.choice(_COLORS)),
                9,
            )
    return own_piece("clothes_rack", shape)


def wall_coats(rng: np.random.Generator) -> Piece:
    """Rail with hooks and coats on the wall."""
    w = rng.uniform(0.5, 1.1)
    shape = Shape().box((-w / 2, w / 2), (-0.02, 0), (0.9, 1.0), Part.BODY)
    for x in np.linspace(-w / 2 + 0.08, w / 2 - 0.08, 5):
        shape.box((x - 0.01, x + 0.01), (-0.07, -0.02), (0.94, 0.96), Part.METAL)
        if rng.random() < 0.55:
            shape.slab(
                (x - 0.12, x + 0.12),
                (-rng.uniform(0.1, 0.2), -0.03),
                (0.96 - rng.uniform(0.6, 0.95), 0.95),
                int(rng.choice(_COLORS)),
                0.08,
            )
    return own_piece("wall_hanger", shape, (), 0.75, "wall_mounted")


def partition(rng: np.random.Generator) -> Piece:
    """Screen between desks, or standing on feet."""
    w, h = rng.uniform(1.2, 1.8), rng.uniform(1.2, 1.7)
    shape = Shape().box((-w / 2, w / 2), (-0.025, 0.025), (0.04, h), Part.SOFT)
    for x in (-w / 2, w / 2 - 0.03):
        shape.box((x, x + 0.03), (-0.03, 0.03), (0, h + 0.01), Part.LEG)
    shape.box((-w / 2, w / 2), (-0.03, 0.03), (h, h + 0.02), Part.LEG)
    return own_piece("partition", shape)


def socket(rng: np.random.Generator) -> Piece:
    """Switch or socket."""
    n = int(rng.integers(1, 4))
    shape = Shape().box((0, 0.08 * n), (-0.012, 0), (0, 0.08), Part.WHITE)
    for k in range(n):
        shape.box((0.08 * k + 0.015, 0.08 * k + 0.065), (-0.018, -0.012), (0.015, 0.065), Part.WHITE)
    return own_piece("switch_socket", shape, (), 1.05 if rng.random() < 0.4 else 0.25, "wall_mounted")


def wall_clock(rng: np.random.Generator) -> Piece:
    """Clock on the wall."""
    w = rng.uniform(0.12, 0.2)
    ring = np.array([(w * np.cos(a), -0.04, w * np.sin(a) + w) for a in np.linspace(0, 2 * np.pi, 20, endpoint=False)])
    shape = Shape().add(ring, [[0, k, k + 1] for k in range(1, 19)], Part.WHITE)
    shape.grid(np.stack([np.vstack([ring, ring[:1]]), np.vstack([ring, ring[:1]]) * (1, 0, 1)]), Part.DARK)
    shape.box((-0.006, 0.006), (-0.043, -0.041), (w, w * 1.7), Part.DARK)
    return own_piece("wall_clock", shape, (), 2.0, "wall_mounted")


def extinguisher(rng: np.random.Generator) -> Piece:
    """Fire extinguisher."""
    shape = (
        Shape()
        .turned(0, 0, [(0.075, 0), (0.075, 0.4), (0.03, 0.46), (0.03, 0.5)], Part.COLOR, 12)
        .box((-0.02, 0.02), (-0.1, 0.06), (0.48, 0.52), Part.DARK)
    )
    return own_piece("fire_extinguisher", shape, (), 0.6, "wall_mounted")


def rug(rng: np.random.Generator) -> Piece:
    """Rug with a border."""
    w, d = rng.uniform(1.2, 2.6), rng.uniform(0.8, 1.8)
    shape = (
        Shape()
        .box((-w / 2, w / 2), (-d / 2, d / 2), (0, 0.012), Part.COLOR)
        .box((-w / 2 + 0.1, w / 2 - 0.1), (-d / 2 + 0.1, d / 2 - 0.1), (0.012, 0.014), Part.COLOR2)
    )
    return own_piece("rug", shape)


def mirror(rng: np.random.Generator) -> Piece:
    """Framed mirror; its glass is part GLASS."""
    w, h = rng.uniform(0.4, 1.0), rng.uniform(0.6, 1.4)
    shape = (
        Shape()
        .box((0, w), (-0.02, 0), (0, h), Part.LEG)
        .box((0.03, w - 0.03), (-0.024, -0.02), (0.03, h - 0.03), Part.GLASS)
    )
    return own_piece("mirror", shape, (), max(0.2, 1.9 - h), "wall_mounted")


def step_ladder(rng: np.random.Generator) -> Piece:
    """Step ladder, standing open."""
    h, shape = rng.uniform(1.0, 1.7), Shape()
    for x in (-0.22, 0.22):
        shape.bar((x, -0.4, 0), (x * 0.8, 0, h), 0.035, Part.METAL).bar(
            (x, 0.35, 0), (x * 0.8, 0, h), 0.035, Part.METAL
        )
    for t in np.arange(0.2, 1.0, 0.27 / h):
        shape.box((-0.2, 0.2), (-0.4 + 0.4 * t - 0.04, -0.4 + 0.4 * t + 0.04), (h * t, h * t + 0.02), Part.METAL)
    return own_piece("ladder", shape)


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
    "bag": bag,
    "shoes": shoes,
    "trash_can": trash_can,
    "plant": plant,
    "plant_small": lambda rng: plant(rng, "plant_small"),
    "coat_rack": coat_rack,
    "wall_hanger": wall_coats,
    "partition": partition,
    "switch_socket": socket,
    "wall_clock": wall_clock,
    "fire_extinguisher": extinguisher,
    "rug": rug,
    "mirror": mirror,
    "ladder": step_ladder,
    "tool": tool,
}
