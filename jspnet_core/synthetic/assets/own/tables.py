"""Own tables, desks, counters, work benches and stairs. Front at -y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece


def table(rng: np.random.Generator, kind: str, w: float, d: float, h: float) -> Piece:
    """Rectangular or round table on four legs, a column, two side panels or trestles."""
    top, leg = rng.uniform(0.018, 0.05), rng.uniform(0.03, 0.08)
    shape = Shape()
    rounded = kind in ("dining_table", "side_table", "coffee_table", "bar_table") and rng.random() < 0.35
    if rounded:
        w = d = min(w, d) * rng.uniform(1.0, 1.25)
        shape.turned(0, 0, [(w / 2, h - top), (w / 2, h)], Part.BODY, 20)
        shape.turned(0, 0, [(w * 0.28, 0), (w * 0.28, 0.02), (0.05, 0.06), (0.04, h - top)], Part.LEG)
        return own_piece(kind, shape, [Surface(h, (-w / 2, w / 2), (-d / 2, d / 2), round=True)])
    glass = kind == "coffee_table" and rng.random() < 0.15
    shape.box((-w / 2, w / 2), (-d / 2, d / 2), (h - top, h), Part.GLASS if glass else Part.BODY, glass)
    _table_legs(rng, shape, w, d, h - top, leg)
    inset = 0.03
    surfaces = [Surface(h, (-w / 2 + inset, w / 2 - inset), (-d / 2 + inset, d / 2 - inset))]
    if kind == "coffee_table" and rng.random() < 0.4:
        shape.box((-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.05, d / 2 - 0.05), (0.12, 0.14), Part.BODY)
        surfaces.append(Surface(0.14, (-w / 2 + 0.1, w / 2 - 0.1), (-d / 2 + 0.1, d / 2 - 0.1), h - top - 0.15))
    return own_piece(kind, shape, surfaces)


def _table_legs(rng: np.random.Generator, shape: Shape, w: float, d: float, h: float, leg: float) -> None:
    style = rng.integers(4)
    inset = rng.uniform(0.0, 0.06) + leg / 2
    if style == 3:
        for x in (-w / 2 + inset, w / 2 - inset):
            shape.box((x - 0.015, x + 0.015), (-d / 2 + 0.04, d / 2 - 0.04), (0, h), Part.BODY)
        shape.box((-w / 2 + inset, w / 2 - inset), (d / 2 - 0.08, d / 2 - 0.06), (h * 0.45, h), Part.BODY)
        return
    splay = rng.uniform(0, 0.05) if style == 1 else 0.0
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (w / 2 - inset), sy * (d / 2 - inset)
            shape.bar((x + sx * splay, y + sy * splay, 0), (x, y, h), leg, Part.LEG)
        if style == 2:
            x = sx * (w / 2 - inset)
            shape.box((x - leg / 2, x + leg / 2), (-d / 2 + inset, d / 2 - inset), (0, leg), Part.LEG)
    if style == 0:
        for y in (-d / 2 + inset, d / 2 - inset):
            shape.box((-w / 2 + inset, w / 2 - inset), (y - 0.01, y + 0.01), (h - 0.08, h), Part.BODY)


def dining_table(rng: np.random.Generator) -> Piece:
    """Dining table."""
    return table(rng, "dining_table", rng.uniform(1.0, 2.2), rng.uniform(0.75, 1.0), rng.uniform(0.72, 0.77))


def coffee_table(rng: np.random.Generator) -> Piece:
    """Coffee table."""
    return table(rng, "coffee_table", rng.uniform(0.7, 1.3), rng.uniform(0.45, 0.75), rng.uniform(0.33, 0.48))


def side_table(rng: np.random.Generator) -> Piece:
    """Small table beside a sofa or bed."""
    return table(rng, "side_table", rng.uniform(0.35, 0.55), rng.uniform(0.35, 0.5), rng.uniform(0.45, 0.65))


def bar_table(rng: np.random.Generator) -> Piece:
    """High table to stand at."""
    return table(rng, "bar_table", rng.uniform(0.6, 1.4), rng.uniform(0.55, 0.75), rng.uniform(1.0, 1.12))


def office_table(rng: np.random.Generator) -> Piece:
    """Table for schools, meetings and offices."""
    return table(rng, "office_table", rng.uniform(1.2, 1.8), rng.uniform(0.6, 0.85), rng.uniform(0.7, 0.76))


def meeting_table(rng: np.random.Generator) -> Piece:
    """Long conference table."""
    return table(rng, "meeting_table", rng.uniform(2.0, 4.2), rng.uniform(1.0, 1.5), rng.uniform(0.72, 0.76))


def desk(rng: np.random.Generator) -> Piece:
    """Desk, with drawers on one side or none."""
    w, d, h = rng.uniform(1.1, 2.0), rng.uniform(0.6, 0.95), rng.uniform(0.7, 0.77)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.03, h), Part.BODY)
    _table_legs(rng, shape, w, d, h - 0.03, 0.045)
    if rng.random() < 0.5:
        x = rng.choice([-1, 1]) * (w / 2 - 0.26)
        shape.box((x - 0.2, x + 0.2), (-d / 2 + 0.04, d / 2 - 0.06), (0.06, h - 0.08), Part.BODY2)
        for k in range(3):
            z = 0.08 + k * (h - 0.18) / 3
            shape.box((x - 0.19, x + 0.19), (-d / 2 + 0.02, -d / 2 + 0.04), (z, z + (h - 0.2) / 3), Part.BODY2)
            shape.box((x - 0.06, x + 0.06), (-d / 2, -d / 2 + 0.02), (z + 0.1, z + 0.115), Part.METAL)
    return own_piece(
        "desk",
        shape,
        [Surface(h, (-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.03))],
        placement="floor_wall",
    )


def workbench(rng: np.random.Generator) -> Piece:
    """Heavy bench with a lower board."""
    w, d, h = rng.uniform(1.2, 2.2), rng.uniform(0.6, 0.8), rng.uniform(0.82, 0.95)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.06, h), Part.BODY)
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * (w / 2 - 0.06), sy * (d / 2 - 0.06)
            shape.box((x - 0.04, x + 0.04), (y - 0.04, y + 0.04), (0, h - 0.06), Part.LEG)
    shape.box((-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.05, d / 2 - 0.05), (0.18, 0.21), Part.BODY)
    places = [
        Surface(h, (-w / 2, w / 2), (-d / 2, d / 2)),
        Surface(0.21, (-w / 2 + 0.1, w / 2 - 0.1), (-d / 2 + 0.1, d / 2 - 0.1), h - 0.3),
    ]
    if rng.random() < 0.5:
        shape.box((-w / 2, w / 2), (d / 2 - 0.03, d / 2), (h, h + 0.7), Part.BODY2)
    return own_piece("workbench", shape, places, placement="floor_wall")


def kitchen_counter(
    rng: np.random.Generator, w: float | None = None, sink: bool = False, kind: str = "kitchen_counter"
) -> Piece:
    """Base unit with doors or drawers, plinth and worktop; with a sink bowl and tap if asked."""
    w = w or float(rng.choice([0.4, 0.6, 0.8, 1.0]))
    d, h, top = 0.6, 0.9, 0.04
    shape = Shape().box((-w / 2, w / 2), (-d / 2 + 0.06, d / 2), (0, 0.1), Part.DARK)
    shape.box((-w / 2, w / 2), (-d / 2 + 0.02, d / 2), (0.1, h - top), Part.BODY2)
    fronts = max(1, round(w / 0.5))
    rows = int(rng.choice([1, 1, 3, 4]))
    for k in range(fronts):
        x = (-w / 2 + k * w / fronts + 0.003, -w / 2 + (k + 1) * w / fronts - 0.003)
        for r in range(rows):
            z = (0.103 + r * (h - top - 0.1) / rows, 0.097 + (r + 1) * (h - top - 0.1) / rows)
            shape.box(x, (-d / 2, -d / 2 + 0.02), z, Part.BODY2)
            shape.box(
                (np.mean(x) - 0.07, np.mean(x) + 0.07),
                (-d / 2 - 0.025, -d / 2 - 0.012),
                (z[1] - 0.06, z[1] - 0.048),
                Part.METAL,
            )
    places = [Surface(h, (-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.06, d / 2 - 0.03))]
    if not sink:
        shape.box((-w / 2, w / 2), (-d / 2 - 0.02, d / 2), (h - top, h), Part.BODY)
    else:
        places = _sink_top(shape, w, d, h, top)
    return own_piece(kind, shape, places, placement="floor_wall")


def _sink_top(shape: Shape, w: float, d: float, h: float, top: float) -> list[Surface]:
    bowl = min(0.25, w / 2 - 0.06)
    shape.box((-w / 2, -bowl), (-d / 2 - 0.02, d / 2), (h - top, h), Part.BODY).box(
        (bowl, w / 2), (-d / 2 - 0.02, d / 2), (h - top, h), Part.BODY
    )
    shape.box((-bowl, bowl), (-d / 2 - 0.02, -0.2), (h - top, h), Part.BODY).box(
        (-bowl, bowl), (0.16, d / 2), (h - top, h), Part.BODY
    )
    shape.box((-bowl, bowl), (-0.2, 0.16), (h - 0.2, h - 0.18), Part.METAL)
    for x in (-bowl, bowl):
        shape.box((x - 0.005, x + 0.005), (-0.2, 0.16), (h - 0.19, h + 0.004), Part.METAL)
    for y in (-0.2, 0.16):
        shape.box((-bowl, bowl), (y - 0.005, y + 0.005), (h - 0.19, h + 0.004), Part.METAL)
    shape.cylinder(0, 0.22, (h, h + 0.26), 0.015, Part.METAL, 8).bar(
        (0, 0.22, h + 0.25), (0, 0.02, h + 0.2), 0.02, Part.METAL
    )
    side = w / 2 - bowl
    return [Surface(h, (bowl + 0.02, w / 2 - 0.02), (-0.24, 0.27))] if side > 0.15 else []


def kitchen_island(rng: np.random.Generator) -> Piece:
    """Island with fronts and a worktop that overhangs."""
    w, d, h = rng.uniform(1.2, 2.2), rng.uniform(0.7, 1.0), 0.92
    shape = Shape().box((-w / 2 + 0.04, w / 2 - 0.04), (-d / 2 + 0.06, d / 2 - 0.2), (0, h - 0.04), Part.BODY2)
    shape.box((-w / 2, w / 2), (-d / 2, d / 2), (h - 0.04, h), Part.BODY)
    return own_piece(
        "kitchen_island", shape, [Surface(h, (-w / 2 + 0.03, w / 2 - 0.03), (-d / 2 + 0.03, d / 2 - 0.03))]
    )


def shop_counter(rng: np.random.Generator) -> Piece:
    """Counter with a raised front board."""
    w, d, h = rng.uniform(1.2, 2.4), rng.uniform(0.6, 0.8), rng.uniform(0.88, 0.98)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2 - 0.25), (0, h - 0.04), Part.BODY2)
    shape.box((-w / 2 - 0.02, w / 2 + 0.02), (-d / 2 - 0.02, d / 2), (h - 0.04, h), Part.BODY)
    if rng.random() < 0.6:
        shape.box((-w / 2, w / 2), (-d / 2 - 0.02, -d / 2 + 0.12), (h, h + 0.18), Part.BODY2)
    return own_piece("shop_counter", shape, [Surface(h, (-w / 2 + 0.05, w / 2 - 0.05), (-d / 2 + 0.15, d / 2 - 0.03))])


def stairs(rng: np.random.Generator, height: float) -> Piece:
    """Straight flight along x, open or closed below, with a handrail. height: metres from floor to floor."""
    count = max(3, round(height / rng.uniform(0.17, 0.2)))
    rise, going, w = height / count, rng.uniform(0.22, 0.29), rng.uniform(0.75, 1.1)
    closed, shape = rng.random() < 0.5, Shape()
    for k in range(count):
        x = (k * going, (k + 1) * going + (0.0 if closed else 0.03))
        shape.box(x, (-w / 2, w / 2), (0.0 if closed else (k + 1) * rise - 0.045, (k + 1) * rise), Part.BODY)
    top = (count * going, count * rise)
    if not closed:
        for y in (-w / 2 + 0.03, w / 2 - 0.03):
            shape.bar((0.05, y, 0.05), (top[0], y, top[1] - 0.1), 0.06, Part.BODY2)
    reach = max(1, count - 5)
    for k in range(0, reach, 2):
        middle = (k + 0.5) * going
        shape.bar((middle, -w / 2 + 0.03, k * rise), (middle, -w / 2 + 0.03, (k + 1) * rise + 0.9), 0.025, Part.METAL)
    shape.bar(
        (0, -w / 2 + 0.03, 0.95 + rise / 2), (reach * going, -w / 2 + 0.03, 0.95 + reach * rise), 0.05, Part.BODY2
    )
    return own_piece("stairs", shape, placement="structure")


MAKERS = {
    "dining_table": dining_table,
    "coffee_table": coffee_table,
    "side_table": side_table,
    "bar_table": bar_table,
    "office_table": office_table,
    "meeting_table": meeting_table,
    "desk": desk,
    "workbench": workbench,
    "kitchen_counter": kitchen_counter,
    "kitchen_sink": lambda rng: kitchen_counter(rng, float(rng.uniform(0.6, 1.2)), sink=True),
    "kitchen_island": kitchen_island,
    "shop_counter": shop_counter,
}
