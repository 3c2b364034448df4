"""Pieces that stand beside, below and around others."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.pieces import Piece
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.placed import Placed


def chairs_around(room: Furnisher, table: Placed, kinds: str, share: float, sides: str = "fblr") -> int:
    """Chairs at the sides of a table (front, back, left, right): pushed in, pulled out or turned. Returns how many."""
    rng = room.rng
    model = room.draw(kinds, (0.8, 0.85, 1.45))
    if model is None:
        return 0
    w, d, count = table.size[0], table.size[1], 0
    cw, cd = model.size[:2]
    for side, (length, reach, turn) in {
        "f": (w, d, 0.0),
        "b": (w, d, np.pi),
        "l": (d, w, -np.pi / 2),
        "r": (d, w, np.pi / 2),
    }.items():
        if side not in sides:
            continue
        places = max(1, int((length - 0.1) / (max(cw, 0.5) + 0.12)))
        for k in range(places):
            if rng.random() > share:
                continue
            s = (k + 0.5) / places * length - length / 2 + rng.normal(0, 0.03)
            out = reach / 2 + cd / 2 + rng.choice([-0.22, 0.05, 0.35], p=[0.5, 0.35, 0.15]) + rng.normal(0, 0.04)
            askew = rng.normal(0, 0.08) if rng.random() < 0.7 else rng.uniform(-1.2, 1.2)
            x, y = {"f": (s, -out), "b": (s, out), "l": (-out, s), "r": (out, s)}[side]
            piece = model if rng.random() < 0.93 else room.draw(kinds, (0.8, 0.85, 1.45))
            # A chair's front looks at the table: to +y from its front side.
            yaw = table.yaw + turn + np.pi + askew
            count += room.stand(piece, table.local(x, y), yaw, allow=(table.number,)) is not None
    return count


def sit_at(room: Furnisher, desk: Placed, kinds: str = "office_chair|office_chair|chair") -> Placed | None:
    """A chair before a desk: pushed in, pulled out, turned away."""
    rng = room.rng
    piece = room.draw(kinds, (0.8, 0.85, 1.45))
    if piece is None:
        return None
    for out in (rng.choice([-0.15, 0.1, 0.4]), 0.1, -0.2):
        y = -(desk.size[1] / 2 + piece.size[1] / 2 + out)
        askew = rng.normal(0, 0.25) if rng.random() < 0.6 else rng.uniform(-np.pi, np.pi)
        chair = room.stand(piece, desk.local(rng.normal(0, 0.1), y), desk.yaw + np.pi + askew, allow=(desk.number,))
        if chair:
            return chair
    return None


def beside(room: Furnisher, thing: Placed, kinds: str, side: int | None = None) -> Placed | None:
    """A piece to the left or right of another, backs in line."""
    rng = room.rng
    piece = room.draw(kinds, (0.9, 0.9, 2.0))
    if piece is None:
        return None
    for sign in (side,) if side else rng.permutation([-1, 1]):
        x = sign * (thing.size[0] / 2 + piece.size[0] / 2 + rng.uniform(0.03, 0.15))
        y = thing.size[1] / 2 - piece.size[1] / 2 - 0.01
        placed = room.stand(piece, thing.local(x, y), thing.yaw)
        if placed:
            placed.wall = thing.wall
            return placed
    return None


def under(room: Furnisher, table: Placed, kinds: str) -> Placed | None:
    """A small thing on the floor below a table."""
    piece = room.draw(kinds, (0.5, 0.6, 0.62))
    if piece is None:
        return None
    x = room.rng.choice([-1, 1]) * max(0.0, table.size[0] / 2 - piece.size[0] / 2 - 0.08)
    y = table.size[1] / 2 - piece.size[1] / 2 - 0.05
    return room.stand(piece, table.local(x, y), table.yaw, allow=(table.number,))


def lay_rug(room: Furnisher, piece: Piece, xy: np.ndarray, yaw: float) -> None:
    """A rug, which takes no place from others; not through walls."""
    w, d = piece.size[:2]
    for _ in range(4):
        window, mask = room.grid.footprint(xy, yaw, (w, d))
        cells = room.grid.cells[window]
        full = mask.sum() > 0.9 * w * d / 0.0025 * 0.9
        if full and not (mask & (cells == -1)).any():
            scale = np.array([w / piece.size[0], d / piece.size[1], 1.0])
            room.add(piece, (*xy, 0.001), yaw, scale)
            return
        w, d = w * 0.8, d * 0.8
