"""Beams, columns, ceiling rasters and ducts."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Shape
from jspnet_core.synthetic.layout.architecture import put_mesh
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.looks import wall_material
from jspnet_core.synthetic.meshes import Material


def add_structure(room: Furnisher, office: bool) -> None:
    """Beams, columns, pipes and ceiling rasters, now and then."""
    rng = room.rng
    low, high, height = room.room.low, room.room.high, room.roof.height
    if room.roof.slope == 0 and rng.random() < 0.3:
        _beams(room, low, high, height)
    elif room.roof.slope == 0 and office and rng.random() < 0.35:
        _raster(room, low, high, height)
    if room.room.area > 25 and rng.random() < 0.7:
        _columns(room, int(rng.integers(1, 6)), height)
    elif room.room.area > 6 and rng.random() < 0.4:
        _columns(room, int(rng.integers(1, 3)), height)
    if office and rng.random() < 0.3 and room.roof.slope == 0:
        _ducts(room, low, high, height)


def _spans(room: Furnisher, axis: int, c: float) -> list[tuple[float, float]]:
    """Intervals of a straight line inside the room: at coordinate c of an axis, running along the other."""
    count = room.grid.cells.shape
    index = int(np.clip((c - room.room.low[axis]) / 0.05, 0, count[axis] - 1))
    row = room.grid.cells[index] if axis == 0 else room.grid.cells[:, index]
    inside = np.concatenate([[False], row != -1, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    base = room.room.low[1 - axis]
    return [(base + a * 0.05, base + b * 0.05) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _beams(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    rng = room.rng
    axis = int(rng.integers(2))
    count = int(rng.integers(1, 5))
    width, drop = rng.uniform(0.1, 0.4), rng.uniform(0.1, min(0.5, height - 2.15))
    look = room.palette.get("wood") if rng.random() < 0.4 else Material((232, 231, 228))
    step = (high - low)[axis] / (count + 1)
    for k in range(count):
        c = low[axis] + (k + 1) * step
        for a, b in _spans(room, axis, c):
            shape, across = Shape(), (c - width / 2, c + width / 2)
            x, y = (across, (a, b)) if axis == 0 else ((a, b), across)
            put_mesh(room, shape.box(x, y, (height - drop, height)).mesh(), "beam", look)
            room.boxes.add((*x, *y, height - drop, height))


def _raster(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    cell, shape = float(room.rng.choice([0.6, 0.625, 1.2])), Shape()
    for axis in (0, 1):
        for c in np.arange(low[axis] + cell / 2, high[axis], cell):
            for a, b in _spans(room, axis, c):
                across = (c - 0.012, c + 0.012)
                x, y = (across, (a, b)) if axis == 0 else ((a, b), across)
                shape.box(x, y, (height - 0.008, height))
    if not shape.empty:
        put_mesh(room, shape.mesh(), "ceiling", Material((225, 225, 222)))


def _columns(room: Furnisher, count: int, height: float) -> None:
    rng = room.rng
    rounded, w, d = rng.random() < 0.3, rng.uniform(0.2, 0.75), rng.uniform(0.2, 0.75)
    if rounded:
        d = w
    look = wall_material(room.palette, False) if rng.random() < 0.5 else room.palette.get("paint")
    for _ in range(count):
        place = _column_place(room, w, d, height)
        if place is None:
            continue
        x, y, a, b = place
        top = float(room.roof.at(np.array([x, y]))[0])
        shape = Shape()
        if rounded:
            shape.cylinder(x, y, (0.0, top), w / 2, 0, 20)
        else:
            shape.box((x - a / 2, x + a / 2), (y - b / 2, y + b / 2), (0.0, top))
            if rng.random() < 0.3:
                shape.box((x - a / 2 - 0.015, x + a / 2 + 0.015), (y - b / 2 - 0.015, y + b / 2 + 0.015), (0, 0.1))
        number = put_mesh(room, shape.mesh(), "column", look)
        room.grid.mark(np.array([x, y]), 0.0, (a, b), number)
        if room.doors_connected():
            room.boxes.add((x - a / 2, x + a / 2, y - b / 2, y + b / 2, 0.0, top), number)
        else:
            room.grid.clear(number)
            room.meshes.pop()


def _column_place(room: Furnisher, w: float, d: float, height: float) -> tuple[float, float, float, float] | None:
    """Middle and sizes along x and y of a column: half of them at a wall beside its openings, the others free."""
    rng = room.rng
    if rng.random() < 0.5:
        spots = room.grid.centers(w, d, 0.5, 0.8)
        return (*spots[rng.integers(len(spots))], w, d) if len(spots) else None
    spots = room.spots.standing(w, d, height - 0.1)
    if not len(spots):
        return None
    number, s = spots[rng.integers(len(spots))]
    wall = room.room.walls[int(number)]
    x, y = wall.at(s) + wall.inward * d / 2
    room.spots.take(int(number), s - w / 2, s + w / 2, 0.0, height)
    return (x, y, w, d) if abs(wall.along[0]) > 0.5 else (x, y, d, w)


def _ducts(room: Furnisher, low: np.ndarray, high: np.ndarray, height: float) -> None:
    rng = room.rng
    axis, r = int(rng.integers(2)), rng.uniform(0.05, 0.2)
    c = rng.uniform(low[axis] + 0.3, high[axis] - 0.3)
    for a, b in _spans(room, axis, c):
        turn = np.linspace(0, 2 * np.pi, 13)
        ring = np.stack([c + r * np.cos(turn), height - r - 0.05 + r * np.sin(turn)], -1)
        points = np.empty((2, 13, 3))
        points[..., axis], points[..., 2] = ring[:, 0], ring[:, 1]
        points[0, :, 1 - axis], points[1, :, 1 - axis] = a, b
        put_mesh(room, Shape().grid(points).mesh(), "clutter", room.palette.get("metal"))
