"""Openings cut into the walls of a plan: doors that connect all rooms, windows, glass walls."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.layout.plan import Opening, Plan, Room, Wall, contains, faces

_GLASS_ROOMS = {"office", "open_office", "meeting_room", "shop", "library", "corridor"}
_FEW_WINDOWS = {"corridor": 0.25, "hall": 0.3, "bathroom": 0.5, "workshop": 0.6, "shop": 0.5}


def cut_openings(rng: np.random.Generator, plan: Plan) -> bool:
    """Add all openings to a plan's walls. Returns False where some room cannot be reached."""
    connected = _connect(rng, plan)
    _entrance(rng, plan)
    for number in range(len(plan.rooms)):
        _windows(rng, plan, number)
    return connected


def _connect(rng: np.random.Generator, plan: Plan) -> bool:
    pairs = faces(plan)
    order = rng.permutation(len(pairs))
    group = list(range(len(plan.rooms)))
    for extra in (False, True):
        for index in order:
            a, i, b, k, low, high = pairs[index]
            if (group[a] == group[b]) != extra or (extra and rng.random() > 0.2):
                continue
            if _join(rng, plan, (a, i), (b, k), low, high) and not extra:
                old = group[b]
                group = [group[a] if g == old else g for g in group]
    return len(set(group)) == 1


def _join(rng: np.random.Generator, plan: Plan, first: tuple, second: tuple, low: float, high: float) -> bool:
    wall, other = plan.rooms[first[0]].walls[first[1]], plan.rooms[second[0]].walls[second[1]]
    wide = high - low > 2.4
    double = wide and rng.random() < 0.15
    passage = rng.random() < 0.12
    width = rng.uniform(1.3, 1.8) if double else rng.uniform(0.9, 2.0 if passage and wide else 1.02)
    if high - low < width + 0.3:
        return False
    top = min(rng.uniform(2.0, 2.2), plan.height - 0.15)
    for _ in range(8):
        start = rng.uniform(low + 0.12, high - 0.12 - width)
        if wall.is_free(start, start + width, 0.12):
            break
    else:
        return False
    swings_here = rng.random() < 0.5
    angle = 0.0 if rng.random() < 0.4 else rng.uniform(0.25, 1.9)
    hinge = int(rng.choice([-1, 1]))
    kind = "passage" if passage else "door"
    mine = Opening(kind, start, start + width, 0.0, top, plan.thickness, second[0], swings_here, angle, hinge, double)
    ends = sorted((wall.at(s) - other.start) @ other.along for s in (start, start + width))
    theirs = Opening(kind, ends[0], ends[1], 0.0, top, plan.thickness, first[0], not swings_here, angle, hinge, double)
    wall.openings.append(mine)
    other.openings.append(theirs)
    _glaze(rng, plan, first, second, low, high)
    return True


def _glaze(rng: np.random.Generator, plan: Plan, first: tuple, second: tuple, low: float, high: float) -> None:
    """A glass partition beside a door between two rooms where those are usual."""
    kinds = {plan.rooms[first[0]].kind, plan.rooms[second[0]].kind}
    if not kinds <= _GLASS_ROOMS or rng.random() > 0.5:
        return
    wall, other = plan.rooms[first[0]].walls[first[1]], plan.rooms[second[0]].walls[second[1]]
    width = rng.uniform(0.8, min(4.0, high - low))
    bottom = float(rng.choice([0.0, 0.05, 0.9]))
    top = min(plan.height - 0.1, rng.uniform(2.1, 2.7))
    for _ in range(5):
        start = rng.uniform(low + 0.1, max(low + 0.11, high - 0.1 - width))
        if wall.is_free(start, start + width, 0.1):
            a, b = sorted((wall.at(s) - other.start) @ other.along for s in (start, start + width))
            wall.openings.append(Opening("glass", start, start + width, bottom, top, plan.thickness, second[0], True))
            other.openings.append(Opening("glass", a, b, bottom, top, plan.thickness, first[0], False))
            return
        width = max(0.6, width * 0.7)


def _entrance(rng: np.random.Generator, plan: Plan) -> None:
    """A shut door to the outside in one room, and now and then one that leads to a closet."""
    number = int(rng.integers(len(plan.rooms)))
    for _ in range(1 if rng.random() < 0.7 else 2):
        for wall in rng.permutation(np.array(plan.rooms[number].walls, dtype=object)):
            width = rng.uniform(0.9, 1.05)
            if wall.length < width + 0.4:
                continue
            start = rng.uniform(0.15, wall.length - width - 0.15)
            if wall.is_free(start, start + width) and is_outside(plan, wall, number, start, start + width):
                top = min(rng.uniform(2.0, 2.15), plan.height - 0.15)
                wall.openings.append(Opening("door", start, start + width, 0.0, top, 0.2, None, True, 0.0, 1))
                break
        number = int(rng.integers(len(plan.rooms)))


def is_outside(plan: Plan, wall: Wall, number: int, start: float, end: float) -> bool:
    """Return whether no room of the plan lies behind an interval of a wall."""
    points = [wall.at(s) - wall.inward * r for s in np.linspace(start, end, 5) for r in (0.12, 0.3, 0.6)]
    return not any(contains(room.outline, np.array(points)).any() for room in plan.rooms)


def _windows(rng: np.random.Generator, plan: Plan, number: int) -> None:
    room = plan.rooms[number]
    if rng.random() > _FEW_WINDOWS.get(room.kind, 0.9):
        return
    bottom, height = _window_height(rng, plan, room)
    walls = [w for w in room.walls if w.length > 1.0 and is_outside(plan, w, number, 0.1, w.length - 0.1)]
    count = 0
    for wall in rng.permutation(np.array([*walls, None], dtype=object)[:-1]) if walls else []:
        if count and rng.random() < 0.5:
            continue
        count += _windows_in(rng, plan, wall, bottom, height)


def _window_height(rng: np.random.Generator, plan: Plan, room: Room) -> tuple[float, float]:
    bottom = float(rng.choice([rng.uniform(0.8, 1.0), rng.uniform(0.4, 0.8), 0.03], p=[0.6, 0.25, 0.15]))
    if room.kind in ("bathroom", "workshop") and rng.random() < 0.6:
        bottom = rng.uniform(1.2, 1.6)
    top = min(plan.height - 0.15, rng.uniform(2.0, 2.5))
    return bottom, max(0.5, top - bottom)


def _windows_in(rng: np.random.Generator, plan: Plan, wall: Wall, bottom: float, height: float) -> int:
    width = rng.uniform(0.6, min(2.6, wall.length - 0.4))
    gap = rng.uniform(0.3, 1.5)
    count = max(1, int((wall.length - 0.4 + gap) / (width + gap)))
    count = min(count, int(rng.integers(1, 4)))
    rest = wall.length - count * width - (count - 1) * gap
    start, added = rest / 2 + rng.uniform(-0.3, 0.3) * rest, 0
    for k in range(count):
        s = start + k * (width + gap)
        if wall.is_free(s, s + width):
            wall.openings.append(Opening("window", s, s + width, bottom, bottom + height, plan.outer))
            added += 1
    return added
