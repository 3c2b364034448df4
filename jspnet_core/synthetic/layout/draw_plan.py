"""Floor plans drawn at random: single rooms of a kind, dwellings and floors of several rooms."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.layout.plan import Plan, Room, rectangle, snap, split, with_bay, with_corner_cut

# Width and depth in metres, smallest and largest, and heights.
SIZES: dict[str, tuple] = {
    "living_room": ((3.6, 6.5), (3.2, 5.0), (2.4, 3.0)),
    "bedroom": ((2.8, 5.0), (2.8, 4.5), (2.4, 2.9)),
    "kitchen": ((2.4, 4.8), (2.2, 4.2), (2.4, 2.9)),
    "dining_room": ((3.0, 5.5), (2.8, 4.5), (2.4, 3.0)),
    "bathroom": ((1.8, 3.4), (1.6, 2.8), (2.3, 2.7)),
    "hall": ((2.0, 5.0), (1.5, 3.0), (2.4, 3.0)),
    "corridor": ((5.0, 14.0), (1.4, 2.6), (2.4, 3.1)),
    "office": ((2.6, 5.2), (2.6, 4.6), (2.5, 3.1)),
    "open_office": ((7.0, 13.0), (5.0, 9.0), (2.6, 3.4)),
    "meeting_room": ((3.5, 7.5), (3.0, 5.5), (2.5, 3.2)),
    "classroom": ((6.0, 10.0), (5.0, 8.0), (2.7, 3.5)),
    "library": ((5.0, 11.0), (4.0, 8.0), (2.6, 3.6)),
    "shop": ((5.0, 11.0), (4.0, 8.0), (2.7, 3.8)),
    "workshop": ((4.0, 9.0), (3.5, 7.0), (2.6, 3.8)),
}
SINGLE = tuple(SIZES)
MIXED = ("dwelling", "floor")
KINDS = SINGLE + MIXED
_OFFICES = {"office", "open_office", "meeting_room", "classroom", "library", "shop", "workshop", "corridor"}


def draw_plan(rng: np.random.Generator, kind: str) -> Plan:
    """A floor plan without openings. kind: one of `KINDS`."""
    thickness = float(rng.choice([0.1, 0.15, 0.2, 0.25]))
    outer = float(snap(rng.uniform(0.25, 0.45)))
    if kind == "dwelling":
        rooms, height = _dwelling(rng, thickness), rng.uniform(2.35, 2.9)
    elif kind == "floor":
        rooms, height = _floor(rng, thickness), rng.uniform(2.5, 3.3)
    else:
        (w, d, h) = (rng.uniform(*limits) for limits in SIZES[kind])
        rooms, height = _single(rng, kind, float(snap(w)), float(snap(d)), thickness), h
    return Plan(kind, rooms, float(height), thickness, outer)


def _single(rng: np.random.Generator, kind: str, w: float, d: float, gap: float) -> list[Room]:
    outline = rectangle(0, 0, w, d)
    neighbour = rng.random() < 0.6 and kind != "corridor"
    area, edges = w * d, [0, 1, 3] if neighbour else [0, 1, 2, 3]
    chance = rng.random()
    if chance < 0.2 and area > 12 and kind != "corridor":
        outline = with_corner_cut(rng, outline)
    elif chance < 0.35:
        outline = with_bay(rng, outline, True, edges)
    elif chance < 0.55:
        outline = with_bay(rng, outline, False, edges)
    rooms = [Room(kind, outline)]
    if neighbour:
        beyond = float(snap(rng.uniform(1.3, 2.2)))
        x0, x1 = float(snap(-rng.uniform(0, 1.5))), float(snap(w + rng.uniform(0, 1.5)))
        rooms.append(Room("corridor" if kind in _OFFICES else "hall", rectangle(x0, d + gap, x1, d + gap + beyond)))
    return rooms


def _dwelling(rng: np.random.Generator, gap: float) -> list[Room]:
    count = int(rng.integers(2, 6))
    area = count * rng.uniform(11, 16)
    w = float(snap(np.sqrt(area * rng.uniform(1.0, 1.6))))
    boxes = split(rng, (0.0, 0.0, w, float(snap(area / w))), count, gap)
    boxes.sort(key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    wanted = ["living_room", "bedroom", "kitchen", "dining_room", "bedroom", "office", "hall"]
    if count > 2:
        small = boxes[0]
        first = "bathroom" if (small[2] - small[0]) * (small[3] - small[1]) < 9 else "kitchen"
        wanted = [k for k in wanted if k != first]
        kinds = [first] + [str(k) for k in rng.permutation(wanted[1 : count + 1])[: count - 2]] + ["living_room"]
    else:
        kinds = [str(rng.choice(["kitchen", "bedroom", "bathroom", "hall"])), "living_room"]
    return [Room(k, rectangle(*b)) for k, b in zip(kinds, boxes, strict=True)]


def _floor(rng: np.random.Generator, gap: float) -> list[Room]:
    above = int(rng.integers(1, 4))
    below = int(rng.integers(0, 3)) if above < 3 else int(rng.integers(0, 2))
    w = float(snap(max(above, below) * rng.uniform(3.6, 5.0)))
    hall = float(snap(rng.uniform(1.5, 2.4)))
    boxes = _row(rng, w, hall + gap, float(snap(rng.uniform(3.5, 5.5))), above, gap)
    if below:
        depth = float(snap(rng.uniform(3.2, 5.0)))
        boxes += _row(rng, w, -gap - depth, depth, below, gap)
    kinds = ["office", "office", "meeting_room", "kitchen", "bathroom", "library", "classroom", "open_office"]
    rooms = [Room("corridor", rectangle(0, 0, w, hall))]
    for box in boxes:
        big = (box[2] - box[0]) * (box[3] - box[1]) > 25
        rooms.append(Room(str(rng.choice(kinds[2:] if big else kinds[:4])), rectangle(*box)))
    return rooms


def _row(rng: np.random.Generator, w: float, y: float, depth: float, count: int, gap: float) -> list[tuple]:
    cuts = np.linspace(0, w, count + 1)
    cuts[1:-1] += rng.uniform(-0.4, 0.4, count - 1)
    cuts = snap(cuts)
    return [(float(cuts[k] + (gap if k else 0)), y, float(cuts[k + 1]), float(snap(y + depth))) for k in range(count)]
