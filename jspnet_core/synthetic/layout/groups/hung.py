"""Objects that hang on walls and ceilings."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.placed import Placed


def wall_piece(room: Furnisher, kinds: str, low: float | None = None, high: float | None = None) -> bool:
    """Something on a wall. low, high: range of the height of its bottom, metres."""
    z = None if low is None else room.rng.uniform(low, high or low)
    most = room.roof.height - (z if z is not None else 0.9) - 0.05
    return room.on_wall(room.draw(kinds, (4.2, 0.8, max(0.1, most))), z) is not None


def picture_group(room: Furnisher) -> bool:
    """One to five pictures near each other on one wall."""
    first = room.on_wall(room.draw("picture|picture|poster"), room.rng.uniform(1.1, 1.6))
    if not first:
        return False
    for _ in range(int(room.rng.integers(0, 5))):
        near = (first.wall, first.along + room.rng.choice([-1, 1]) * first.size[0])
        room.on_wall(
            room.draw("picture|picture|poster"),
            first.position[2] + room.rng.normal(0, 0.12),
            walls=[first.wall],
            near=near,
        )
    return True


def radiators(room: Furnisher) -> bool:
    """Radiators below windows, or on a wall where there is none."""
    done = False
    for number, wall in enumerate(room.room.walls):
        for hole in wall.openings:
            if hole.kind == "window" and hole.bottom > 0.45 and room.rng.random() < 0.7:
                piece = room.draw("radiator", (hole.width + 0.6, 0.3, hole.bottom - 0.12))
                middle = (hole.start + hole.end) / 2
                done |= room.on_wall(piece, 0.12, walls=[number], near=(number, middle), margin=0.0) is not None
    return done


def ceiling_lamps(room: Furnisher, office: bool) -> list[Placed]:
    """Lamps on the ceiling: a grid of panels in offices, one or a few lamps in homes."""
    rng = room.rng
    size = room.room.high - room.room.low
    kinds = "lamp_panel|lamp_panel|lamp_ceiling" if office and rng.random() < 0.85 else "lamp_ceiling"
    piece = room.draw(kinds, (1.6, 1.4, 1.8))
    if piece is None:
        return []
    spacing = rng.uniform(1.7, 2.6) if office else rng.uniform(2.8, 4.5)
    count = np.maximum(1, np.round(size / spacing)).astype(int)
    found = []
    for i in range(count[0]):
        for k in range(count[1]):
            xy = room.room.low + size * (np.array([i, k]) + 0.5) / count
            if _over(room, xy):
                lamp = room.hang(piece, xy)
                found += [lamp] if lamp else []
    return found


def _over(room: Furnisher, xy: np.ndarray) -> bool:
    """Return whether a place is above the room's floor."""
    window, mask = room.grid.footprint(xy, 0.0, (0.1, 0.1))
    cells = room.grid.cells[window]
    return bool(mask.any()) and not (cells[mask] == -1).any()
