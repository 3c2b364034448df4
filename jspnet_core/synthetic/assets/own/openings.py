"""Own doors and windows, with depth.

Frame of all of them: x along the wall with the middle of the opening at 0, y = 0 on the wall's face towards the room
and y = `depth` on its far face, z from the bottom of the opening. They fill an opening of `width` by `height` metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.assets.own.shape import Part, Shape

Span = Callable[[float, float], tuple]
"""From two distances from the hinge to an interval in x."""


@dataclass(frozen=True)
class DoorStyle:
    """Style that the doors of one home or floor share.

    leaf: plain, panels, glazed, glass, louver or slim. casing: width of the frame on the wall, metres; its
    thickness in front of the wall. handle: lever, knob, bar.
    """

    leaf: str
    casing: float
    thickness: float
    handle: str
    panels: tuple[int, int]

    @staticmethod
    def draw(rng: np.random.Generator, office: bool = False) -> DoorStyle:
        """Draw a style at random."""
        leaves = ["plain", "glazed", "glass", "slim"] if office else ["plain", "panels", "panels", "glazed", "louver"]
        return DoorStyle(
            leaf=str(rng.choice(leaves)),
            casing=float(rng.uniform(0.03, 0.12)),
            thickness=float(rng.uniform(0.008, 0.03)),
            handle=str(rng.choice(["lever", "lever", "knob", "bar"])),
            panels=(int(rng.integers(1, 3)), int(rng.integers(1, 5))),
        )


def door(style: DoorStyle, width: float, height: float, depth: float, angle: float, hinge: int, double: bool) -> Shape:
    """Door with frame, leaf and handles. angle: of the open leaf, radians; it opens towards -y. hinge: -1 or 1."""
    shape = door_frame(style, width, height, depth)
    inner = width - 0.08
    leaves = [(-1, inner / 2), (1, inner / 2)] if double else [(hinge, inner)]
    for side, w in leaves:
        leaf = _leaf(style, w - 0.004, height - 0.05, side)
        cos, sin = np.cos(side * angle), np.sin(side * angle)
        turn = np.eye(4)
        turn[:2, :2] = [[cos, sin], [-sin, cos]]
        turn[:3, 3] = (side * inner / 2, 0.012, 0.008)
        shape.extend(leaf.transformed(turn))
    return shape


def door_frame(style: DoorStyle, width: float, height: float, depth: float) -> Shape:
    """Lining of the opening and casings on both faces of the wall."""
    shape, c, t = Shape(), style.casing, style.thickness
    w, lining = width / 2, 0.04
    for side in (-1, 1):
        x = tuple(sorted((side * w, side * (w - lining))))
        shape.box(x, (-0.002, depth + 0.002), (0, height), Part.BODY)
        stop = tuple(sorted((side * (w - lining), side * (w - lining - 0.012))))
        shape.box(stop, (0.056, min(0.09, depth)), (0, height - lining), Part.BODY)
    shape.box((-w, w), (-0.002, depth + 0.002), (height - lining, height), Part.BODY)
    for y in ((-t, 0.0), (depth, depth + t)):
        for side in (-1, 1):
            x = tuple(sorted((side * (w - 0.015), side * (w + c))))
            shape.box(x, y, (0, height + c), Part.BODY)
        shape.box((-w + 0.015, w - 0.015), y, (height - 0.015, height + c), Part.BODY)
    return shape


def _leaf(style: DoorStyle, w: float, h: float, side: int) -> Shape:
    """One leaf: hinge at x = 0, the leaf towards -side * x, y from 0 to its thickness."""
    shape = Shape()
    t = 0.042

    def span(a: float, b: float) -> tuple:
        return tuple(sorted((-side * a, -side * b)))

    stile = {"plain": 0.0, "glass": 0.05, "slim": 0.14}.get(style.leaf, 0.11)
    if style.leaf == "plain":
        shape.box(span(0, w), (0, t), (0, h), Part.BODY2)
    else:
        for a, b in ((0, stile), (w - stile, w)):
            shape.box(span(a, b), (0, t), (0, h), Part.BODY2)
        bottom = 0.25 if style.leaf == "glazed" else max(stile, 0.08)
        shape.box(span(stile, w - stile), (0, t), (0, bottom), Part.BODY2)
        shape.box(span(stile, w - stile), (0, t), (h - max(stile, 0.06), h), Part.BODY2)
        _fill_leaf(style, shape, span, (stile, w - stile), (bottom, h - max(stile, 0.06)), t)
    _handle(style, shape, span, w, t)
    return shape


def _fill_leaf(style: DoorStyle, shape: Shape, span: Span, x: tuple, z: tuple, t: float) -> None:
    columns, rows = style.panels
    if style.leaf in ("glass", "slim"):
        shape.box(span(*x), (t / 2 - 0.004, t / 2 + 0.004), z, Part.GLASS, True)
        return
    if style.leaf == "louver":
        for low in np.arange(z[0], z[1] - 0.03, 0.06):
            shape.box(span(*x), (0.006, t - 0.006), (low, low + 0.035), Part.BODY2)
        return
    edges_x, edges_z = np.linspace(x[0], x[1], columns + 1), np.linspace(z[0], z[1], rows + 1)
    for k in range(1, columns):
        shape.box(span(edges_x[k] - 0.03, edges_x[k] + 0.03), (0, t), z, Part.BODY2)
    for k in range(1, rows):
        shape.box(span(*x), (0, t), (edges_z[k] - 0.03, edges_z[k] + 0.03), Part.BODY2)
    for i in range(columns):
        for k in range(rows):
            a, b, c, d = edges_x[i], edges_x[i + 1], edges_z[k], edges_z[k + 1]
            if style.leaf == "glazed":
                shape.box(span(a, b), (t / 2 - 0.003, t / 2 + 0.003), (c, d), Part.GLASS, True)
            else:
                shape.box(span(a, b), (0.012, t - 0.012), (c, d), Part.BODY2)
                shape.box(span(a + 0.06, b - 0.06), (0.004, t - 0.004), (c + 0.06, d - 0.06), Part.BODY2)


def _handle(style: DoorStyle, shape: Shape, span: Span, w: float, t: float) -> None:
    x, z = w - 0.07, 1.0
    for out, y in ((-1, 0.0), (1, t)):

        def reach(a: float, b: float, out: int = out, y: float = y) -> tuple:
            return tuple(sorted((y + out * a, y + out * b)))

        if style.handle == "bar":
            shape.box(span(x - 0.015, x + 0.015), reach(0.04, 0.065), (0.7, 1.3), Part.METAL)
            for k in (0.75, 1.25):
                shape.box(span(x - 0.01, x + 0.01), reach(0, 0.05), (k - 0.01, k + 0.01), Part.METAL)
        elif style.handle == "knob":
            shape.box(span(x - 0.012, x + 0.012), reach(0, 0.04), (z - 0.012, z + 0.012), Part.METAL)
            shape.box(span(x - 0.028, x + 0.028), reach(0.035, 0.07), (z - 0.028, z + 0.028), Part.METAL)
        else:
            shape.box(span(x - 0.02, x + 0.02), reach(0, 0.008), (z - 0.12, z + 0.06), Part.METAL)
            shape.box(span(x - 0.01, x + 0.01), reach(0, 0.05), (z - 0.01, z + 0.01), Part.METAL)
            shape.box(span(x - 0.13, x + 0.01), reach(0.04, 0.06), (z - 0.01, z + 0.012), Part.METAL)


@dataclass(frozen=True)
class WindowStyle:
    """Style that the windows of one building share.

    sashes: sashes side by side per metre. bars: columns and rows of glazing bars in a sash. profile: width of the
    frame, metres. inset: of the frame behind the wall's face, metres. sill: overhang into the room, metres, 0 none.
    casing: width of trim on the wall, metres, 0 none.
    """

    sashes: float
    bars: tuple[int, int]
    profile: float
    inset: float
    sill: float
    casing: float
    transom: float

    @staticmethod
    def draw(rng: np.random.Generator) -> WindowStyle:
        """Draw a style at random."""
        return WindowStyle(
            sashes=float(rng.uniform(0.6, 1.8)),
            bars=_pair(rng.choice([1, 1, 1, 2, 3], 2)),
            profile=float(rng.uniform(0.045, 0.085)),
            inset=float(rng.uniform(0.03, 0.22)),
            sill=float(rng.choice([0.0, 0.03, 0.06, 0.12])),
            casing=float(rng.choice([0.0, 0.0, 0.06, 0.1])),
            transom=float(rng.choice([0.0, 0.0, 0.25])),
        )


def window(style: WindowStyle, width: float, height: float, depth: float, tilt: float = 0.0) -> Shape:
    """Window: outer frame, sashes with handles, bars, panes, sill and trim. tilt: of one open sash, radians."""
    shape = Shape()
    p, y0 = style.profile, min(style.inset, depth - 0.1)
    w, h = width / 2, height
    _ring(shape, (-w, w), (0, h), (y0, y0 + 0.07), p * 0.7, Part.BODY)
    top = h * (1 - style.transom) if style.transom and h > 1.2 else h - p * 0.7
    if top < h - p * 0.7:
        shape.box((-w, w), (y0, y0 + 0.07), (top - p / 2, top + p / 2), Part.BODY)
        shape.box((-w + p, w - p), (y0 + 0.03, y0 + 0.036), (top + p / 2, h - p * 0.7), Part.GLASS, True)
        top -= p / 2
    count = max(1, round(width * style.sashes))
    edges = np.linspace(-w + 0.7 * p, w - 0.7 * p, count + 1)
    for k in range(count):
        sash = _sash(style, edges[k + 1] - edges[k], top - 0.7 * p, handle=height > 0.5)
        move = np.eye(4)
        angle = tilt if k == 0 else 0.0
        move[:2, :2] = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        move[:3, 3] = (edges[k], y0 - 0.015, 0.7 * p)
        shape.extend(sash.transformed(move))
    if style.sill:
        shape.box((-w - 0.04, w + 0.04), (-style.sill, y0 + 0.01), (-0.03, 0.0), Part.WHITE)
    if style.casing:
        _ring(
            shape,
            (-w - style.casing, w + style.casing),
            (-style.casing, h + style.casing),
            (-0.018, 0.0),
            style.casing,
            Part.BODY,
        )
    return shape


def _sash(style: WindowStyle, w: float, h: float, handle: bool) -> Shape:
    shape, p, t = Shape(), style.profile, 0.06
    _ring(shape, (0.003, w - 0.003), (0.003, h - 0.003), (0, t), p, Part.BODY)
    shape.box((p, w - p), (t / 2 - 0.004, t / 2 + 0.004), (p, h - p), Part.GLASS, True)
    columns, rows = style.bars
    for x in np.linspace(p, w - p, columns + 1)[1:-1]:
        shape.box((x - 0.012, x + 0.012), (0.012, t - 0.012), (p, h - p), Part.BODY)
    for z in np.linspace(p, h - p, rows + 1)[1:-1]:
        shape.box((p, w - p), (0.012, t - 0.012), (z - 0.012, z + 0.012), Part.BODY)
    if handle:
        x, z = w - p / 2, min(h / 2, 0.7)
        shape.box((x - 0.015, x + 0.015), (-0.01, 0), (z - 0.03, z + 0.03), Part.METAL)
        shape.box((x - 0.01, x + 0.01), (-0.045, -0.01), (z - 0.01, z + 0.01), Part.METAL)
        shape.box((x - 0.01, x + 0.01), (-0.05, -0.03), (z - 0.11, z + 0.01), Part.METAL)
    return shape


def _ring(shape: Shape, x: tuple, z: tuple, y: tuple, width: float, part: int) -> None:
    shape.box((x[0], x[0] + width), y, z, part).box((x[1] - width, x[1]), y, z, part)
    for c in ((z[0], z[0] + width), (z[1] - width, z[1])):
        shape.box((x[0] + width, x[1] - width), y, c, part)


def glass_wall(rng: np.random.Generator, width: float, height: float, depth: float) -> Shape:
    """Glazed partition: posts, rails and panes in the middle of the wall."""
    shape, w = Shape(), width / 2
    y = (depth / 2 - 0.03, depth / 2 + 0.03)
    p = rng.uniform(0.03, 0.07)
    _ring(shape, (-w, w), (0, height), y, p, Part.BODY)
    for x in np.linspace(-w, w, max(2, round(width / rng.uniform(0.9, 1.5))) + 1)[1:-1]:
        shape.box((x - p / 2, x + p / 2), y, (p, height - p), Part.BODY)
    if rng.random() < 0.4:
        shape.box((-w, w), y, (1.0, 1.0 + p), Part.BODY)
    shape.box((-w + p, w - p), (depth / 2 - 0.005, depth / 2 + 0.005), (p, height - p), Part.GLASS, True)
    if rng.random() < 0.4:
        z = rng.uniform(1.0, 1.4)
        shape.box((-w + p, w - p), (depth / 2 - 0.009, depth / 2 - 0.006), (z, z + rng.uniform(0.05, 0.4)), Part.WHITE)
    return shape


def curtain(rng: np.random.Generator, width: float, height: float) -> Shape:
    """Pair of curtains with folds on a rod, more or less drawn; y = 0 is the wall, they hang before it (y < 0)."""
    shape, w = Shape(), width / 2
    y0 = -rng.uniform(0.07, 0.14)
    closed = rng.choice([rng.uniform(0.12, 0.35), rng.uniform(0.4, 0.5)], p=[0.75, 0.25])
    shape.box((-w - 0.1, w + 0.1), (y0 - 0.012, y0 + 0.012), (height - 0.02, height + 0.004), Part.METAL)
    for x in (-w - 0.05, w + 0.05):
        shape.box((x - 0.01, x + 0.01), (y0, 0.0), (height - 0.02, height), Part.METAL)
    sides = (-1, 1) if rng.random() < 0.85 else (int(rng.choice([-1, 1])),)
    for side in sides:
        s = np.linspace(0, 1, 36)
        span = width * closed
        folds = span / rng.uniform(0.07, 0.14)
        wave = rng.uniform(0.025, 0.05) * np.sin(2 * np.pi * folds * s + rng.uniform(0, 6))
        z = np.array([rng.uniform(0.0, 0.04), 0.4 * height, height - 0.03])
        pinch = np.array([1.0, rng.uniform(0.8, 1.0), 0.85])
        x = side * (w - span * s[None] * pinch[:, None])
        y = y0 + wave[None] * np.array([1.2, 1.0, 0.6])[:, None]
        shape.grid(np.stack([x, y, np.broadcast_to(z[:, None], x.shape)], -1), Part.SOFT)
    return shape


def blind(rng: np.random.Generator, width: float, height: float) -> Shape:
    """Roller, pleated or slatted blind, lowered by chance; y = 0 is the plane that it hangs before (y < 0)."""
    shape, w = Shape(), width / 2
    down = height * rng.choice([rng.uniform(0.1, 0.4), rng.uniform(0.4, 1.0)])
    shape.box((-w, w), (-0.07, -0.005), (height - 0.07, height), Part.BODY)
    if rng.random() < 0.5:
        shape.box((-w + 0.01, w - 0.01), (-0.035, -0.033), (height - down, height - 0.05), Part.SOFT)
        shape.box((-w + 0.01, w - 0.01), (-0.045, -0.022), (height - down - 0.025, height - down), Part.SOFT)
    else:
        tilt = rng.uniform(-0.018, 0.018)
        z = np.arange(height - down, height - 0.06, rng.uniform(0.03, 0.05))
        for low in z:
            corners = [(-w + 0.01, -0.05, low - tilt), (w - 0.01, -0.05, low - tilt), (w - 0.01, -0.015, low + tilt)]
            corners.append((-w + 0.01, -0.015, low + tilt))
            shape.add(np.array(corners), [[0, 1, 2], [0, 2, 3]], Part.SOFT)
    return shape


def _pair(drawn: np.ndarray) -> tuple[int, int]:
    return int(drawn[0]), int(drawn[1])
