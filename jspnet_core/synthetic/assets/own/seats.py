"""Own chairs, stools, sofas and beds. Front at -y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece


def chair(rng: np.random.Generator) -> Piece:
    """Chair with four legs or a sledge, slatted or closed back, with or without arms."""
    w, d, h, back = rng.uniform(0.40, 0.54), rng.uniform(0.40, 0.52), rng.uniform(0.42, 0.48), rng.uniform(0.3, 0.52)
    thick, lean = rng.uniform(0.02, 0.07), rng.uniform(0.02, 0.12)
    seat = Part.SOFT if rng.random() < 0.5 else Part.BODY
    shape = Shape()
    if seat == Part.SOFT:
        shape.slab((-w / 2, w / 2), (-d / 2, d / 2), (h - thick, h), seat, 0.02)
    else:
        shape.box((-w / 2, w / 2), (-d / 2, d / 2), (h - thick, h), seat)
    leg = rng.uniform(0.022, 0.045)
    splay = rng.uniform(0, 0.06)
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (w / 2 - leg / 2), sy * (d / 2 - leg / 2)
            shape.bar((x + sx * splay, y + sy * splay, 0), (x, y, h - thick), leg, Part.LEG)
        top = (sx * (w / 2 - leg), d / 2 + lean, h + back)
        shape.bar((sx * (w / 2 - leg), d / 2 - leg / 2, h - thick), top, leg, Part.LEG)
    _chair_back(rng, shape, w, d, h, back, lean, seat)
    if rng.random() < 0.3:
        for sx in (-1, 1):
            x = sx * (w / 2 - 0.01)
            shape.bar((x, d / 2 + lean * 0.4, h + 0.22), (x, -d / 2 + 0.06, h + 0.2), 0.035, Part.BODY)
            shape.bar((x, -d / 2 + 0.08, h + 0.2), (x, -d / 2 + 0.06, h), 0.03, Part.LEG)
    return own_piece("chair", shape, [Surface(h, (-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.08))])


def _chair_back(
    rng: np.random.Generator, shape: Shape, w: float, d: float, h: float, back: float, lean: float, part: int
) -> None:
    style = rng.integers(4)
    rows = {0: [(0.1, 1.0)], 1: [(0.45, 1.0)], 2: [(0.25, 0.4), (0.55, 0.7), (0.85, 1.0)], 3: [(0.85, 1.0)]}[int(style)]
    for low, high in rows:
        y = d / 2 + lean * (low + high) / 2
        thick = 0.02 if part == Part.BODY else 0.05
        shape.box((-w / 2 + 0.02, w / 2 - 0.02), (y - thick, y + 0.005), (h + back * low, h + back * high), part)
    if style == 3:
        for x in np.linspace(-w / 2 + 0.08, w / 2 - 0.08, int(rng.integers(3, 6))):
            shape.bar((x, d / 2 - 0.01, h), (x, d / 2 + lean * 0.9, h + back * 0.9), 0.018, Part.BODY)


def office_chair(rng: np.random.Generator) -> Piece:
    """Swivel chair on five castors."""
    w, d, h = rng.uniform(0.46, 0.54), rng.uniform(0.44, 0.52), rng.uniform(0.43, 0.52)
    back = rng.uniform(0.45, 0.75)
    shape = Shape()
    for k in range(5):
        a = 2 * np.pi * (k + 0.25) / 5
        end = (0.3 * np.cos(a), 0.3 * np.sin(a))
        shape.bar((0, 0, 0.1), (*end, 0.07), 0.04, Part.LEG)
        shape.turned(*end, [(0.02, 0.0), (0.03, 0.03), (0.02, 0.06)], Part.DARK, 6)
    shape.cylinder(0, 0, (0.08, h - 0.08), 0.025, Part.METAL, 8)
    shape.slab((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.08, h), Part.SOFT, 0.03)
    t = np.linspace(0, 1, 6)[:, None]
    s = np.linspace(-1, 1, 5)[None, :]
    wide = w * 0.46 * (1 - 0.25 * t**2)
    y = d / 2 - 0.02 + 0.06 * t - 0.07 * s**2 * (1 - 0.4 * t) + 0 * s
    grid = np.stack([wide * s, y, h + 0.06 + back * t + 0 * s], -1)
    for shift in (0.0, 0.05):
        shape.grid(grid + (0, shift, 0), Part.SOFT)
    shape.bar((0, 0.1, h - 0.06), (0, d / 2 + 0.04, h + 0.25), 0.04, Part.LEG)
    if rng.random() < 0.7:
        for sx in (-1, 1):
            shape.box(
                (sx * (w / 2 + 0.04) - 0.03, sx * (w / 2 + 0.04) + 0.03), (-0.12, 0.14), (h + 0.19, h + 0.22), Part.DARK
            )
            shape.bar((sx * (w / 2 + 0.03), 0.02, h - 0.05), (sx * (w / 2 + 0.04), 0.02, h + 0.19), 0.03, Part.LEG)
    if rng.random() < 0.25:
        shape.slab((-0.13, 0.13), (d / 2, d / 2 + 0.07), (h + back + 0.08, h + back + 0.24), Part.SOFT)
    return own_piece("office_chair", shape, [Surface(h, (-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.05, d / 2 - 0.1))])


def bar_stool(rng: np.random.Generator) -> Piece:
    """Bar stool: round seat on a column or four legs, sometimes with a low back."""
    r, h = rng.uniform(0.16, 0.2), rng.uniform(0.62, 0.78)
    shape = Shape().turned(
        0, 0, [(r, h - 0.05), (r, h - 0.01), (r * 0.9, h)], Part.SOFT if rng.random() < 0.5 else Part.BODY
    )
    if rng.random() < 0.5:
        shape.turned(0, 0, [(r * 1.1, 0), (r * 1.1, 0.015), (0.03, 0.03), (0.025, h - 0.05)], Part.METAL)
    else:
        for k in range(4):
            a = np.pi * (k + 0.5) / 2
            end = np.array([np.cos(a), np.sin(a)])
            shape.bar((*(end * r * 1.25), 0), (*(end * r * 0.7), h - 0.04), 0.03, Part.LEG)
        shape.box((-r, r), (-r - 0.01, -r + 0.02), (0.25, 0.27), Part.LEG)
    if rng.random() < 0.4:
        shape.box((-r, r), (r - 0.02, r + 0.01), (h + 0.08, h + 0.25), Part.BODY)
        shape.bar((0, r, h - 0.03), (0, r, h + 0.1), 0.03, Part.LEG)
    return own_piece("bar_stool", shape)


def bench(rng: np.random.Generator) -> Piece:
    """Bench without back, of boards, or upholstered."""
    w, d, h = rng.uniform(0.9, 1.7), rng.uniform(0.3, 0.45), rng.uniform(0.4, 0.47)
    shape = Shape()
    if rng.random() < 0.4:
        shape.slab((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.1, h), Part.SOFT)
    else:
        shape.box((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.04, h), Part.BODY)
    for x in (-w / 2 + 0.1, w / 2 - 0.1):
        shape.box((x - 0.03, x + 0.03), (-d / 2 + 0.02, d / 2 - 0.02), (0, h - 0.04), Part.LEG)
    return own_piece("bench", shape, [Surface(h, (-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.03))])


def sofa(rng: np.random.Generator, kind: str = "sofa") -> Piece:
    """Sofa or armchair: base, back, arms, cushions one by one."""
    seats = 1 if kind == "armchair" else int(rng.integers(2, 4))
    each, arm = rng.uniform(0.55, 0.72), rng.uniform(0.08, 0.25)
    w, d = seats * each + 2 * arm, rng.uniform(0.8, 1.0)
    seat, high = rng.uniform(0.38, 0.47), rng.uniform(0.7, 0.95)
    foot, back, arm_top = rng.uniform(0.02, 0.16), rng.uniform(0.14, 0.24), rng.uniform(0.52, 0.68)
    shape = Shape().box((-w / 2, w / 2), (-d / 2 + 0.03, d / 2), (foot, seat - 0.14), Part.SOFT)
    shape.slab((-w / 2, w / 2), (d / 2 - back, d / 2), (foot, high), Part.SOFT, 0.06)
    for sx in (-1, 1):
        side = sorted((sx * w / 2, sx * (w / 2 - arm)))
        shape.slab(side, (-d / 2, d / 2 - 0.05), (foot, arm_top), Part.SOFT, min(0.06, arm / 3))
        for y in (-d / 2 + 0.06, d / 2 - 0.06):
            shape.box(
                (sx * (w / 2 - 0.06) - 0.02, sx * (w / 2 - 0.06) + 0.02), (y - 0.02, y + 0.02), (0, foot), Part.LEG
            )
    for k in range(seats):
        x = (-w / 2 + arm + k * each + 0.005, -w / 2 + arm + (k + 1) * each - 0.005)
        shape.slab(x, (-d / 2 + 0.01, d / 2 - back), (seat - 0.14, seat), Part.SOFT, 0.04)
        if rng.random() < 0.85:
            shape.slab(
                x, (d / 2 - back - 0.14, d / 2 - back + 0.02), (seat, high + rng.uniform(-0.08, 0.05)), Part.SOFT, 0.07
            )
    inner = (-w / 2 + arm + 0.05, w / 2 - arm - 0.05)
    return own_piece(kind, shape, [Surface(seat, inner, (-d / 2 + 0.05, d / 2 - back - 0.16))], placement="floor_wall")


def armchair(rng: np.random.Generator) -> Piece:
    """Upholstered armchair."""
    return sofa(rng, "armchair")


def corner_sofa(rng: np.random.Generator) -> Piece:
    """L-shaped sofa with a chaise on one side."""
    w, d, chaise = rng.uniform(2.2, 2.9), rng.uniform(0.85, 1.0), rng.uniform(1.4, 1.8)
    seat, high, side = rng.uniform(0.38, 0.45), rng.uniform(0.7, 0.88), int(rng.choice([-1, 1]))
    y1 = d / 2
    shape = Shape().slab((-w / 2, w / 2), (y1 - 0.2, y1), (0.04, high), Part.SOFT, 0.06)
    long = sorted((side * w / 2, side * (w / 2 - 0.9)))
    rest = sorted((-side * w / 2, side * (w / 2 - 0.9)))
    shape.slab(tuple(long), (y1 - chaise, y1 - 0.18), (0.05, seat), Part.SOFT, 0.05)
    shape.slab(tuple(rest), (y1 - d, y1 - 0.18), (0.05, seat), Part.SOFT, 0.05)
    end = sorted((-side * w / 2, -side * (w / 2 - 0.18)))
    shape.slab(tuple(end), (y1 - d, y1), (0.05, 0.6), Part.SOFT, 0.05)
    for k in range(3):
        x = -w / 2 + 0.2 + k * (w - 0.4) / 3
        shape.slab(
            (x, x + (w - 0.4) / 3 - 0.01),
            (y1 - 0.36, y1 - 0.16),
            (seat, high + rng.uniform(-0.05, 0.08)),
            Part.SOFT,
            0.07,
        )
    places = [
        Surface(seat, (rest[0], rest[1]), (y1 - d + 0.08, y1 - 0.4)),
        Surface(seat, (long[0], long[1]), (y1 - chaise + 0.1, y1 - 0.4)),
    ]
    return own_piece("corner_sofa", shape, places, placement="floor_wall")


def bed(rng: np.random.Generator) -> Piece:
    """Bed with frame, headboard at +y, mattress, blanket and pillows."""
    w, d = float(rng.choice([0.9, 1.2, 1.4, 1.6, 1.8])), rng.uniform(2.0, 2.12)
    base, top, head = rng.uniform(0.2, 0.34), rng.uniform(0.42, 0.62), rng.uniform(0.7, 1.2)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2), (base - 0.12, base), Part.BODY)
    for sx in (-1, 1):
        for sy in (-1, 1):
            leg_x, leg_y = sx * (w / 2 - 0.06), sy * (d / 2 - 0.06)
            shape.box((leg_x - 0.03, leg_x + 0.03), (leg_y - 0.03, leg_y + 0.03), (0, base - 0.1), Part.LEG)
    part = Part.SOFT if rng.random() < 0.4 else Part.BODY
    shape.box((-w / 2 - 0.03, w / 2 + 0.03), (d / 2, d / 2 + rng.uniform(0.03, 0.1)), (0.05, head), part)
    shape.slab((-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2), (base, top), Part.WHITE, 0.04)
    reach = rng.uniform(0.35, 0.75) * d
    n = 9
    x, y = np.meshgrid(np.linspace(-1, 1, n), np.linspace(0, 1, 8))
    drop = np.clip(np.abs(x) - 0.86, 0, 1) * rng.uniform(0.8, 2.0)
    z = top + 0.05 - drop + 0.01 * rng.standard_normal(x.shape)
    px = x * (w / 2 + 0.03)
    shape.grid(np.stack([px, -d / 2 - 0.02 + y * reach, np.maximum(z, 0.12)], -1), Part.COLOR)
    for k in range(1 if w < 1.3 else 2):
        cx = 0 if w < 1.3 else (k - 0.5) * w / 2
        cx, cy = cx + rng.normal(0, 0.04), d / 2 - 0.3 + rng.normal(0, 0.04)
        shape.slab((cx - 0.32, cx + 0.32), (cy - 0.2, cy + 0.2), (top, top + rng.uniform(0.1, 0.16)), Part.COLOR2, 0.09)
    return own_piece(
        "bed",
        shape,
        [Surface(top + 0.05, (-w / 2 + 0.1, w / 2 - 0.1), (-d / 2 + 0.1, d / 2 - 0.6))],
        placement="floor_wall",
    )


MAKERS = {
    "chair": chair,
    "office_chair": office_chair,
    "bar_stool": bar_stool,
    "bench": bench,
    "sofa": sofa,
    "armchair": armchair,
    "corner_sofa": corner_sofa,
    "bed": bed,
}
