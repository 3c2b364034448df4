"""Own things that stand on the floor and hang on walls: plants, bins, bags, rugs, clocks."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, own_piece

_COLORS = (Part.COLOR, Part.COLOR2, Part.COLOR3, Part.WHITE, Part.DARK)


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


MAKERS = {
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
}
