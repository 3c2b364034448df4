"""Things on supports: rows on shelves, settings on tables, loose things everywhere else."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.pieces import Piece, Surface
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.placed import Placed

_GAP = 0.008

# What lies on which kind of support: kinds, and things per square metre, from and to.
_HOME_TABLE = (
    "cup|book_stack|vase|bowl|bottle|electronics_small|food|flowers|plant_small|jar|toy|paper|plate|box",
    4,
    14,
)
_ON: dict[str, tuple[str, float, float]] = {
    "coffee_table": _HOME_TABLE,
    "side_table": ("lamp_table|book_stack|cup|vase|plant_small|electronics_small|picture_stand|bottle|clock", 8, 24),
    "nightstand": ("lamp_table|book_stack|cup|clock|phone|bottle|picture_stand|electronics_small", 10, 28),
    "dining_table": (
        "plate|cup|bowl|bottle|wineglass|tableware_set|flowers|vase|food|jar|paper|book_stack|laptop",
        4,
        12,
    ),
    "desk": (
        "book_stack|paper|cup|office_small|tray|phone|lamp_table|binders|bottle|laptop|electronics_small|plant_small"
        "|tableware_set|food_box|printer",
        7,
        18,
    ),
    "office_table": ("book_stack|paper|cup|laptop|office_small|bottle|phone|bag|binders|box", 3, 10),
    "meeting_table": ("book_stack|paper|cup|laptop|bottle|phone|projector|office_small", 2, 6),
    "workbench": ("tool|box|jar|bottle|food_box|paper|tray|cup|electronics_small|bowl", 10, 26),
    "kitchen_counter": (
        "appliance_small|bottle|jar|cup|bowl|plate|cookware|knife_block|food|food_box|food_bag|utensil"
        "|microwave|bottle|box",
        8,
        22,
    ),
    "kitchen_island": ("bowl|bottle|cup|food|plate|appliance_small|flowers|cookware|food_box|wineglass|jar", 4, 12),
    "oven": ("cookware|cookware|bowl", 0, 9),
    "shop_counter": ("computer|food_box|tray|paper|box|bottle|jar|goods|plant_small|bag", 5, 14),
    "bed": ("pillow|clothes|book_stack|laptop|toy|pillow|bag", 0.5, 3.0),
    "sofa": ("pillow|pillow|clothes|book_stack|pillow|bag|toy", 1.0, 6.0),
    "chair": ("clothes|bag|book_stack|pillow|box", 0.2, 1.2),
    "cabinet": (
        "vase|plant_small|book_stack|books|picture_stand|lamp_table|box|bottle|audio|bowl|clock|flowers|toy",
        5,
        18,
    ),
    "tv_stand": ("book_stack|audio|vase|plant_small|electronics_small|picture_stand|box", 3, 10),
    "filing_cabinet": ("binders|book_stack|box|plant_small|paper|printer|tray", 4, 14),
    "appliance": ("box|food_box|basket|jar|bottle|food_bag|towel", 2, 12),
    "sanitary": ("bath_small|bottle|cup|towel|jar|bath_small", 8, 30),
    "box": ("book_stack|clothes|food_box|toy|bottle", 0, 8),
}
_SUPPORT_OF = {
    "armchair": "sofa", "corner_sofa": "sofa", "ottoman": "sofa", "office_chair": "chair", "bench": "chair",
    "lounge_chair": "chair", "stool": "chair", "bunk_bed": "bed", "crib": "bed", "futon": "bed",
    "bar_table": "dining_table",
    "game_table": "chair", "wardrobe": "cabinet", "drawers": "cabinet", "chest": "cabinet", "sideboard": "cabinet",
    "locker": "filing_cabinet", "fridge": "appliance", "microwave": "box", "washing_machine": "appliance",
    "dishwasher": "kitchen_counter", "stove": "oven", "freezer": "appliance", "sink": "sanitary", "vanity": "sanitary",
    "bathtub": "sanitary", "toilet": "sanitary", "dressing_table": "nightstand", "changing_table": "cabinet",
    "radiator": "box", "printer": "box", "piano": "cabinet", "wall_unit": "cabinet", "fireplace": "cabinet",
    "kitchen_wall_cabinet": "appliance", "kitchen_tall_cabinet": "appliance", "hood": "",
}  # fmt: skip
_SHELVES = ("bookcase", "shelf", "wall_shelf", "shop_shelf", "metal_rack")
_ROWS = {
    "home": "books|books|books|book_stack|vase|box|picture_stand|plant_small|toy|jar|audio|bowl|food_box|basket",
    "office": "books|binders|binders|box|book_stack|binders|tray|plant_small",
    "library": "books|books|books|books|books|books|book_stack",
    "shop": "goods|goods|goods|food_box|bottle|box|food_bag|jar|toy|clothes|food_box|books|vase",
    "workshop": "box|tool|jar|bottle|food_box|box|tray|goods|electronics_small",
    "kitchen": "plate|cup|bowl|jar|bottle|food_box|cookware|books|goods|food_bag",
}
_THEME = {
    "office": "office", "open_office": "office", "meeting_room": "office", "classroom": "office", "library": "library",
    "shop": "shop", "workshop": "workshop", "kitchen": "kitchen", "corridor": "office",
}  # fmt: skip


def scatter(room: Furnisher, amount: float) -> None:
    """Put things on all support surfaces of what stands in a room. amount: 1 for an ordinary mess."""
    for support in list(room.placed):
        kind = support.piece.kind
        for surface in support.piece.surfaces:
            if kind in _SHELVES:
                fill_row(room, support, surface, _ROWS[_THEME.get(room.room.kind, "home")], amount)
            elif (name := _SUPPORT_OF.get(kind, kind)) in _ON:
                kinds, least, most = _ON[name]
                area = (
                    (surface.x[1] - surface.x[0]) * (surface.y[1] - surface.y[0]) * support.scale[0] * support.scale[1]
                )
                wanted = room.rng.poisson(max(0.0, area) * room.rng.uniform(least, most) * amount)
                spread(room, support, surface, kinds, min(int(wanted), 24))


def free_height(room: Furnisher, support: Placed, surface: Surface) -> float:
    """Metres above a surface that are free: of the model itself, below the ceiling and below what hangs there."""
    z = support.position[2] + surface.z * support.scale[2]
    xy = support.position[:2]
    limit = float(room.roof.at(xy)[0]) - z - 0.1
    r = float(max(support.size[:2])) / 2
    around = (xy[0] - r, xy[0] + r, xy[1] - r, xy[1] + r, z + 0.05, np.inf)
    limit = min(limit, room.boxes.lowest_above(around, support.number) - z - 0.05)
    return min(limit, surface.clearance * support.scale[2] - 0.01, 1.0)


def put_on(
    room: Furnisher,
    support: Placed,
    surface: Surface,
    piece: Piece,
    x: float,
    y: float,
    turn: float,
    scale: float = 1.0,
) -> Placed:
    """Put a piece on a surface at a place in the support's frame (metres, before its scale), turned by `turn`."""
    xy = support.local(x * support.scale[0], y * support.scale[1])
    z = support.position[2] + surface.z * support.scale[2] + 0.001
    return room.add(piece, (*xy, z), support.yaw + turn, scale)


def spread(room: Furnisher, support: Placed, surface: Surface, kinds: str, count: int) -> None:
    """Loose things on a surface, not into each other."""
    rng = room.rng
    height = free_height(room, support, surface)
    if support.piece.kind in ("bed", "sofa", "armchair", "corner_sofa", "chair"):
        height = min(height, 0.4)
    if height < 0.04 or count <= 0:
        return
    sx, sy = support.scale[:2]
    low, high = np.array([surface.x[0] * sx, surface.y[0] * sy]), np.array([surface.x[1] * sx, surface.y[1] * sy])
    taken = support.taken.setdefault(surface.z, [])
    for _ in range(count):
        piece = room.stock.draw_fitting(rng, kinds, (*(high - low) * 1.0, height), 3)
        if piece is None:
            continue
        scale = rng.uniform(0.9, 1.1) if height > piece.size[2] * 1.1 else 1.0
        turn = rng.choice([0.0, rng.normal(0, 0.3), rng.uniform(0, 2 * np.pi)], p=[0.2, 0.5, 0.3])
        cos, sin = abs(np.cos(turn)), abs(np.sin(turn))
        w, d = piece.size[0] * scale, piece.size[1] * scale
        half = np.array([cos * w + sin * d, sin * w + cos * d]) / 2
        spots = _free_spots(rng, (low, high), half, taken, surface.round)
        if len(spots):
            x, y = spots[0]
            put_on(room, support, surface, piece, x / sx, y / sy, turn, scale)
            taken.append((x, y, *half))


def _free_spots(
    rng: np.random.Generator,
    ends: tuple[np.ndarray, np.ndarray],
    half: np.ndarray,
    taken: list[tuple[float, ...]],
    rounded: bool,
) -> np.ndarray:
    """(N, 2) random middles, N up to 6, at which a box of a half size lies on a rectangle beside what lies there."""
    low, high = ends
    if (2 * half > high - low).any():
        return np.zeros((0, 2))
    spots = rng.uniform(low + half, high - half, (6, 2))
    if rounded:
        middle, radius = (low + high) / 2, (high - low) / 2
        spots = spots[np.linalg.norm((np.abs(spots - middle) + half * 0.7) / radius, axis=1) < 1]
    if taken and len(spots):
        others = np.array(taken)
        hit = (np.abs(spots[:, None] - others[None, :, :2]) < half + others[None, :, 2:] + _GAP).all(2).any(1)
        spots = spots[~hit]
    return spots


def fill_row(room: Furnisher, support: Placed, surface: Surface, kinds: str, amount: float) -> None:
    """Things side by side on a board of a shelf, from left to right, with gaps."""
    rng = room.rng
    height = free_height(room, support, surface)
    if not np.isfinite(surface.clearance):
        height = min(height, 0.5)
        if rng.random() < 0.5:
            return
    if height < 0.06 or rng.random() < 0.08:
        return
    sx, sy = support.scale[:2]
    x, end = surface.x[0] * sx + 0.01, surface.x[1] * sx - 0.01
    back, depth = surface.y[1] * sy - 0.005, (surface.y[1] - surface.y[0]) * sy
    fill = rng.uniform(0.45, 1.05) * min(1.0, 0.6 + 0.4 * amount)
    while x < end - 0.05:
        piece = room.stock.draw_fitting(rng, kinds, (end - x, depth, height), 4)
        if piece is None:
            break
        w, d = piece.size[:2]
        if rng.random() < fill:
            slack = max(0.0, depth - d)
            y = back - d / 2 - rng.uniform(0, 0.5) * slack
            put_on(room, support, surface, piece, (x + w / 2) / sx, y / sy, rng.normal(0, 0.03), 1.0)
            x += w + rng.exponential(0.02) + 0.004
        else:
            x += rng.uniform(0.05, 0.3)
