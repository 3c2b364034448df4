"""Own shelves, cabinets and wardrobes. Front at -y."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape
from jspnet_core.synthetic.assets.pieces import Piece, Surface, own_piece


def open_shelf(
    rng: np.random.Generator, kind: str, w: float, d: float, h: float, rows: int, thick: float = 0.02
) -> Piece:
    """Shelf with sides and boards; the back closed or open; columns of equal width."""
    shape, places = Shape(), []
    columns = max(1, round(w / rng.uniform(0.45, 1.1)))
    posts = kind in ("metal_rack",) or (kind == "shelf" and rng.random() < 0.3)
    if posts:
        for x in (-w / 2 + 0.02, w / 2 - 0.02):
            for y in (-d / 2 + 0.02, d / 2 - 0.02):
                shape.box((x - 0.02, x + 0.02), (y - 0.02, y + 0.02), (0, h), Part.LEG)
        columns = 1
    else:
        for k in range(columns + 1):
            x = -w / 2 + k * (w - thick) / columns
            shape.box((x, x + thick), (-d / 2, d / 2), (0, h), Part.BODY)
        if rng.random() < 0.8:
            shape.box((-w / 2, w / 2), (d / 2 - 0.01, d / 2), (0, h), Part.BODY2 if rng.random() < 0.2 else Part.BODY)
    levels = np.linspace(rng.uniform(0.03, 0.12), h - thick, rows + 1)
    levels[1:-1] += rng.uniform(-0.04, 0.04, rows - 1)
    for k, z in enumerate(levels):
        shape.box((-w / 2, w / 2), (-d / 2, d / 2), (z, z + thick), Part.BODY)
        clear = levels[k + 1] - z - thick if k < rows else np.inf
        for c in range(columns if k < rows else 1):
            n = columns if k < rows else 1
            span = (-w / 2 + c * w / n + thick + 0.005, -w / 2 + (c + 1) * w / n - thick - 0.005)
            places.append(Surface(z + thick, span, (-d / 2 + 0.01, d / 2 - 0.02), clear))
    return own_piece(kind, shape, places, placement="floor_wall")


def bookcase(rng: np.random.Generator) -> Piece:
    """Bookcase."""
    h = rng.uniform(1.0, 2.3)
    return open_shelf(
        rng, "bookcase", rng.uniform(0.6, 1.6), rng.uniform(0.25, 0.36), h, max(2, round(h / rng.uniform(0.3, 0.4)))
    )


def shelf(rng: np.random.Generator) -> Piece:
    """Open shelf."""
    h = rng.uniform(0.8, 2.0)
    return open_shelf(rng, "shelf", rng.uniform(0.6, 1.4), rng.uniform(0.3, 0.45), h, max(2, round(h / 0.42)))


def metal_rack(rng: np.random.Generator) -> Piece:
    """Rack of steel posts and boards."""
    h = rng.uniform(1.6, 2.2)
    return open_shelf(rng, "metal_rack", rng.uniform(0.9, 1.8), rng.uniform(0.4, 0.6), h, int(rng.integers(3, 6)))


def shop_shelf(rng: np.random.Generator) -> Piece:
    """Shop gondola: a back wall with boards before it on brackets, a price rail on each."""
    w, d, h, rows = rng.uniform(0.9, 1.3), rng.uniform(0.4, 0.55), rng.uniform(1.3, 2.1), int(rng.integers(4, 7))
    shape = Shape().box((-w / 2, w / 2), (d / 2 - 0.04, d / 2), (0, h), Part.BODY)
    shape.box((-w / 2, w / 2), (-d / 2, d / 2), (0, 0.14), Part.BODY)
    places = []
    levels = np.linspace(0.14, h - 0.28, rows)
    for k, z in enumerate(levels):
        reach = -d / 2 if k == 0 else -d / 2 + 0.06
        shape.box((-w / 2, w / 2), (reach, d / 2 - 0.04), (z - 0.02, z), Part.BODY)
        shape.box((-w / 2, w / 2), (reach - 0.012, reach), (z - 0.035, z + 0.005), Part.COLOR)
        clear = (levels[k + 1] if k + 1 < rows else h + 0.1) - z - 0.03
        places.append(Surface(z, (-w / 2 + 0.01, w / 2 - 0.01), (reach + 0.01, d / 2 - 0.05), clear))
    return own_piece("shop_shelf", shape, places, placement="floor_wall")


def wall_shelf(rng: np.random.Generator) -> Piece:
    """Board on the wall."""
    w, d = rng.uniform(0.5, 1.3), rng.uniform(0.15, 0.28)
    shape = Shape().box((-w / 2, w / 2), (-d / 2, d / 2), (0.1, 0.1 + rng.uniform(0.02, 0.05)), Part.BODY)
    for x in (-w / 2 + 0.08, w / 2 - 0.08):
        shape.box((x - 0.012, x + 0.012), (-d / 2 + 0.04, d / 2), (0.08, 0.1), Part.LEG)
        shape.box((x - 0.012, x + 0.012), (d / 2 - 0.02, d / 2), (0.0, 0.1), Part.LEG)
    place = Surface(float(shape._boxes[0][5]), (-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.02, d / 2 - 0.01))
    return own_piece("wall_shelf", shape, [place], 1.4, "wall_mounted")


def closed(
    rng: np.random.Generator,
    kind: str,
    size: tuple,
    columns: int,
    rows: int,
    foot: float = 0.06,
    placement: str = "floor_wall",
    elevation: float | None = None,
) -> Piece:
    """Cabinet with a grid of doors or drawers, each with a handle and a joint around it."""
    w, d, h = size
    shape = Shape().box((-w / 2, w / 2), (-d / 2 + 0.02, d / 2), (foot, h), Part.BODY)
    if foot:
        if rng.random() < 0.5:
            shape.box((-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.06, d / 2), (0, foot), Part.DARK)
        else:
            for x in (-w / 2 + 0.04, w / 2 - 0.04):
                for y in (-d / 2 + 0.06, d / 2 - 0.04):
                    shape.box((x - 0.02, x + 0.02), (y - 0.02, y + 0.02), (0, foot), Part.LEG)
    framed, handle = rng.random() < 0.4, rng.integers(3)
    for i in range(columns):
        for k in range(rows):
            x = (-w / 2 + i * w / columns + 0.004, -w / 2 + (i + 1) * w / columns - 0.004)
            z = (foot + k * (h - foot) / rows + 0.004, foot + (k + 1) * (h - foot) / rows - 0.004)
            _front(shape, x, z, -d / 2, framed, int(handle), drawer=rows > 1, left=i % 2 == 0)
    top = [Surface(h, (-w / 2 + 0.02, w / 2 - 0.02), (-d / 2 + 0.04, d / 2 - 0.02))]
    return own_piece(kind, shape, top, elevation, placement)


def _front(shape: Shape, x: tuple, z: tuple, y: float, framed: bool, handle: int, drawer: bool, left: bool) -> None:
    shape.box(x, (y + 0.006, y + 0.02), z, Part.BODY2)
    if framed:
        for a in ((x[0], x[0] + 0.05), (x[1] - 0.05, x[1])):
            shape.box(a, (y, y + 0.006), z, Part.BODY2)
        for c in ((z[0], z[0] + 0.05), (z[1] - 0.05, z[1])):
            shape.box((x[0] + 0.05, x[1] - 0.05), (y, y + 0.006), c, Part.BODY2)
    if handle == 0:
        return
    if drawer:
        m, zz = np.mean(x), np.mean(z)
        shape.box((m - 0.06, m + 0.06), (y - 0.03, y - 0.015), (zz - 0.006, zz + 0.006), Part.METAL)
    else:
        m, zz = (x[1] - 0.04) if left else (x[0] + 0.04), np.mean(z)
        shape.box((m - 0.006, m + 0.006), (y - 0.03, y - 0.015), (zz - 0.08, zz + 0.08), Part.METAL)
    if handle == 2:
        shape.box((m - 0.012, m + 0.012), (y - 0.03, y + 0.006), (zz - 0.012, zz + 0.012), Part.METAL)


def wardrobe(rng: np.random.Generator) -> Piece:
    """Wardrobe."""
    n = int(rng.integers(2, 5))
    return closed(
        rng, "wardrobe", (n * rng.uniform(0.42, 0.55), rng.uniform(0.55, 0.65), rng.uniform(1.85, 2.35)), n, 1
    )


def cabinet(rng: np.random.Generator) -> Piece:
    """Cabinet or sideboard."""
    n = int(rng.integers(1, 4))
    size = (n * rng.uniform(0.38, 0.5), rng.uniform(0.35, 0.48), rng.uniform(0.7, 1.6))
    return closed(rng, "cabinet", size, n, int(rng.choice([1, 1, 2])))


def drawers(rng: np.random.Generator) -> Piece:
    """Chest of drawers."""
    size = (rng.uniform(0.6, 1.3), rng.uniform(0.4, 0.5), rng.uniform(0.75, 1.2))
    return closed(rng, "drawers", size, int(rng.integers(1, 3)), int(rng.integers(3, 6)))


def nightstand(rng: np.random.Generator) -> Piece:
    """Night stand."""
    return closed(
        rng,
        "nightstand",
        (rng.uniform(0.38, 0.55), rng.uniform(0.35, 0.45), rng.uniform(0.4, 0.6)),
        1,
        int(rng.integers(1, 4)),
    )


def tv_stand(rng: np.random.Generator) -> Piece:
    """Low board for a television."""
    n = int(rng.integers(2, 5))
    return closed(rng, "tv_stand", (n * rng.uniform(0.4, 0.55), rng.uniform(0.35, 0.45), rng.uniform(0.38, 0.6)), n, 1)


def filing_cabinet(rng: np.random.Generator) -> Piece:
    """Pedestal or filing cabinet with drawers."""
    h = float(rng.choice([0.58, 0.62, 1.0, 1.3]))
    return closed(
        rng, "filing_cabinet", (rng.uniform(0.4, 0.48), rng.uniform(0.5, 0.62), h), 1, max(2, round(h / 0.3)), 0.04
    )


def locker(rng: np.random.Generator) -> Piece:
    """Lockers, several doors."""
    n = int(rng.integers(2, 5))
    return closed(rng, "locker", (n * 0.3, 0.5, rng.uniform(1.75, 1.95)), n, int(rng.choice([1, 2, 3])), 0.08)


def kitchen_wall_cabinet(rng: np.random.Generator) -> Piece:
    """Wall unit of a kitchen."""
    n = int(rng.integers(1, 3))
    return closed(rng, "kitchen_wall_cabinet", (n * 0.4, 0.35, rng.uniform(0.55, 0.8)), n, 1, 0.0, "wall_mounted", 1.45)


def kitchen_tall_cabinet(rng: np.random.Generator) -> Piece:
    """Tall kitchen unit."""
    return closed(rng, "kitchen_tall_cabinet", (0.6, 0.6, rng.uniform(1.95, 2.2)), 1, 2, 0.1)


MAKERS = {
    "bookcase": bookcase,
    "shelf": shelf,
    "metal_rack": metal_rack,
    "shop_shelf": shop_shelf,
    "wall_shelf": wall_shelf,
    "wardrobe": wardrobe,
    "cabinet": cabinet,
    "drawers": drawers,
    "nightstand": nightstand,
    "tv_stand": tv_stand,
    "filing_cabinet": filing_cabinet,
    "locker": locker,
    "kitchen_wall_cabinet": kitchen_wall_cabinet,
    "kitchen_tall_cabinet": kitchen_tall_cabinet,
}
