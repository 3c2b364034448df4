"""Furniture of each kind of room: groups in order, their number and probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.groups import desks, hung, seating, stores, wet


@dataclass(frozen=True)
class Entry:
    """One line of a programme: a group, how often it is tried (from, to), with which chance each time."""

    group: Callable[[Furnisher], bool]
    least: int = 1
    most: int = 1
    chance: float = 1.0


def _store(kinds: str, least: int = 0, most: int = 1, chance: float = 1.0, front: float = 0.4, row: int = 1) -> Entry:
    return Entry(lambda room: stores.storage(room, kinds, front, row), least, most, chance)


def _wall(
    kinds: str,
    least: int = 0,
    most: int = 1,
    chance: float = 1.0,
    low: float | None = None,
    high: float | None = None,
) -> Entry:
    return Entry(lambda room: hung.wall_piece(room, kinds, low, high), least, most, chance)


def _floor(kinds: str, least: int = 0, most: int = 1, chance: float = 1.0, wall: float = 0.7) -> Entry:
    return Entry(lambda room: stores.floor_thing(room, kinds, wall), least, most, chance)


_BOARDS = "whiteboard|whiteboard|blackboard|pinboard"
_SMALL_WALL = [
    Entry(hung.radiators),
    _wall("switch_socket", 2, 5),
    _wall("wall_device|air_conditioner", 0, 1, 0.4),
]
_HOME_WALLS = [
    Entry(hung.picture_group, 1, 4, 0.85),
    _wall("wall_shelf", 1, 3, 0.7, 1.1, 1.7),
    _wall("mirror|wall_clock|lamp_wall", 0, 2, 0.5),
]
_OFFICE_WALLS = [
    _wall(_BOARDS, 1, 3, 0.85, 0.8, 1.0),
    _wall("pinboard|poster|picture|wall_clock|wall_shelf|poster", 2, 5, 0.8, 1.1, 1.5),
    _wall("fire_extinguisher|wall_device", 0, 1, 0.4),
]
_LOOSE = "box|bag|trash_can|plant|shoes|box|sport_small|broom|basket|toy_large"

PROGRAMS: dict[str, list[Entry]] = {
    "living_room": [
        Entry(seating.sofa_group),
        _store("sofa|armchair|armchair", 0, 2, 0.6, 0.6),
        Entry(stores.staircase, 1, 1, 0.08),
        _store("bookcase|bookcase|shelf|cabinet|drawers|wall_unit|shelf", 2, 4, 0.9),
        Entry(seating.dining_set, 1, 1, 0.7),
        Entry(desks.desk_place, 1, 1, 0.45),
        *_HOME_WALLS,
        _floor("armchair|lounge_chair|ottoman|side_table|armchair", 1, 2, 0.8, 0.5),
        _floor("plant|lamp_floor|plant|lamp_floor|piano|fireplace|instrument", 2, 4, 0.8),
        Entry(stores.pile, 0, 2, 0.5),
        _floor(_LOOSE, 2, 7, 0.8),
        *_SMALL_WALL,
    ],
    "bedroom": [
        Entry(seating.bed_group),
        _store("wardrobe|wardrobe|cabinet", 1, 2, 0.85),
        _store("drawers|bookcase|chest|shelf|bookcase|drawers", 1, 3, 0.85),
        Entry(desks.desk_place, 1, 1, 0.5),
        _store("sofa|armchair", 0, 1, 0.4, 0.6),
        *_HOME_WALLS,
        _wall("wall_tv", 0, 1, 0.5, 0.9, 1.4),
        _floor("chair|armchair|lamp_floor|plant|clothes_rack|crib", 0, 2, 0.6),
        Entry(stores.pile, 0, 2, 0.5),
        _floor(_LOOSE + "|shoes|shoes|clothes_hanging", 2, 7, 0.8),
        *_SMALL_WALL,
    ],
    "kitchen": [
        Entry(wet.kitchen_row),
        Entry(seating.dining_set, 1, 1, 0.8),
        _store("fridge|kitchen_tall_cabinet|cabinet|shelf|shelf", 1, 3, 0.7),
        Entry(lambda room: room.free(room.draw("kitchen_island", (2.3, 1.2, 1.1)), margin=0.7) is not None, 0, 1, 0.35),
        _wall("wall_shelf|picture|wall_clock|poster", 2, 4, 0.8, 1.3, 1.6),
        _floor("trash_can|box|bag|trash_can|plant|water_cooler|broom|chair|stool", 2, 6, 0.85),
        *_SMALL_WALL,
    ],
    "dining_room": [
        Entry(seating.dining_set),
        _store("cabinet|shelf|bookcase|drawers|bookcase", 2, 4, 0.9),
        *_HOME_WALLS,
        Entry(seating.dining_set, 0, 1, 0.4),
        _floor("plant|lamp_floor|chair|piano|armchair|chair|side_table", 2, 4, 0.85),
        _floor(_LOOSE, 1, 6, 0.7),
        *_SMALL_WALL,
    ],
    "bathroom": [
        Entry(wet.bathroom_set),
        _store("washing_machine|cabinet|shelf|drawers", 1, 2, 0.75, 0.3),
        _wall("wall_shelf|picture|mirror|water_heater|towel_rack", 1, 3, 0.8, 1.2, 1.6),
        _floor("trash_can|basket|box|clothes_rack|stool|plant", 2, 4, 0.8),
        *_SMALL_WALL,
    ],
    "hall": [
        _store("wardrobe|cabinet|drawers|shelf|bench|bookcase", 1, 3, 0.8, 0.6),
        Entry(stores.staircase, 1, 1, 0.2),
        _wall("wall_hanger|mirror|picture", 1, 3, 0.8),
        Entry(hung.picture_group, 1, 2, 0.6),
        _store("sofa|armchair|bench", 0, 1, 0.3, 0.7),
        _floor("coat_rack|clothes_rack|chair|bench|plant|stroller", 1, 3, 0.7, 0.95),
        _floor("shoes|shoes|box|bag|shoes|sport_small", 2, 7, 0.8, 0.95),
        *_SMALL_WALL,
    ],
    "corridor": [
        _store("locker|cabinet|shelf|bookcase|filing_cabinet|bench", 1, 4, 0.65, 0.8),
        _wall("pinboard|poster|picture|whiteboard", 2, 5, 0.8, 1.0, 1.4),
        _wall("fire_extinguisher|wall_clock|wall_device", 0, 2, 0.6),
        Entry(stores.pile, 0, 1, 0.4),
        _floor("chair|bench|plant|trash_can|copier|water_cooler|box|chair", 1, 5, 0.7, 1.0),
        *_SMALL_WALL,
    ],
    "office": [
        Entry(desks.desk_place, 2, 5, 0.95),
        Entry(lambda room: desks.desk_place(room, True), 0, 1, 0.3),
        _store("bookcase|shelf|cabinet|filing_cabinet|bookcase", 2, 5, 0.9),
        _store("sofa|armchair", 0, 1, 0.4, 0.6),
        Entry(lambda room: seating.dining_set(room, "office_table|side_table|dining_table"), 1, 1, 0.5),
        _floor("chair|armchair|sofa|plant|coat_rack|flipchart|side_table|chair", 2, 4, 0.8),
        *_OFFICE_WALLS,
        Entry(stores.pile, 0, 3, 0.6),
        _floor("trash_can|box|bag|box|copier|lamp_floor|safe|chair|book_stack", 2, 7, 0.8),
        *_SMALL_WALL,
    ],
    "open_office": [
        Entry(desks.desk_cluster, 4, 7, 0.95),
        Entry(stores.staircase, 1, 1, 0.12),
        _store("bookcase|shelf|cabinet|filing_cabinet|locker", 2, 5, 0.8, row=2),
        Entry(seating.meeting_set, 0, 1, 0.4),
        _store("sofa|armchair", 0, 2, 0.4, 0.6),
        Entry(seating.sofa_group, 0, 1, 0.25),
        _floor("partition|flipchart|plant|copier|coat_rack|water_cooler", 1, 5, 0.7, 0.5),
        *_OFFICE_WALLS,
        Entry(stores.pile, 0, 2, 0.6),
        _floor("trash_can|box|bag|box|chair|office_chair", 2, 7, 0.75, 0.5),
        *_SMALL_WALL,
    ],
    "meeting_room": [
        Entry(
            lambda room: hung.wall_piece(room, "whiteboard|projection_screen|whiteboard|wall_tv", 0.8, 1.0), 1, 2, 0.95
        ),
        Entry(seating.meeting_set),
        _store("sofa|armchair", 0, 1, 0.3, 0.6),
        _store("cabinet|drawers|bookcase|shelf", 1, 3, 0.7),
        _floor("flipchart|plant|coat_rack|chair|armchair", 1, 4, 0.8),
        *_OFFICE_WALLS,
        Entry(stores.pile, 0, 1, 0.5),
        _floor("trash_can|box|bag|plant|chair", 1, 5, 0.7),
        *_SMALL_WALL,
    ],
    "classroom": [
        Entry(desks.class_rows),
        _store("cabinet|shelf|bookcase|locker|bookcase", 2, 4, 0.9),
        *_OFFICE_WALLS,
        _wall("pinboard|poster|poster", 1, 4, 0.8, 1.0, 1.4),
        Entry(stores.pile, 0, 2, 0.6),
        _floor("trash_can|bag|bag|box|plant|chair|flipchart|bag", 2, 7, 0.8, 0.4),
        *_SMALL_WALL,
    ],
    "library": [
        Entry(lambda room: stores.stacks(room, "bookcase|bookcase|shelf"), 1, 1, 0.7),
        Entry(stores.staircase, 1, 1, 0.15),
        _store("bookcase|bookcase|shelf", 2, 5, 0.9, row=3),
        Entry(lambda room: seating.dining_set(room, "office_table|dining_table"), 1, 3, 0.8),
        Entry(desks.desk_place, 0, 2, 0.6),
        _store("sofa|armchair|armchair", 1, 3, 0.6, 0.6),
        _floor("armchair|sofa|chair|plant|stool|ladder", 1, 4, 0.7, 0.6),
        _wall("pinboard|poster|picture|wall_clock", 0, 3, 0.6, 1.2, 1.5),
        _floor("trash_can|box|bag|cart|box", 1, 4, 0.7),
        *_SMALL_WALL,
    ],
    "shop": [
        Entry(lambda room: stores.stacks(room, "shop_shelf|shop_shelf|metal_rack|shelf"), 1, 1, 0.85),
        Entry(stores.staircase, 1, 1, 0.1),
        _store("shop_shelf|shop_shelf|shelf|metal_rack", 2, 6, 0.9, row=3),
        Entry(stores.shop_till, 1, 2, 0.8),
        _store("fridge|freezer|cabinet", 0, 2, 0.5),
        _floor("box|box|clothes_rack|basket|cart|plant|pallet|trash_can|side_table", 2, 7, 0.8, 0.4),
        Entry(stores.pile, 0, 3, 0.7),
        _wall("poster|poster|picture|wall_clock|fire_extinguisher", 1, 4, 0.7, 1.4, 1.9),
        *_SMALL_WALL,
    ],
    "workshop": [
        _store("workbench", 1, 3, 0.95, 0.7),
        Entry(stores.staircase, 1, 1, 0.12),
        _store("metal_rack|metal_rack|shelf|locker|cabinet", 1, 5, 0.9, row=2),
        Entry(
            lambda room: room.free(room.draw("workbench|office_table", (2.3, 1.0, 1.7)), margin=0.6) is not None,
            0,
            2,
            0.7,
        ),
        _floor("ladder|box|barrel|pallet|cart|trash_can|heater|stool|chair|broom|fitness", 4, 9, 0.9, 0.6),
        Entry(stores.pile, 1, 4, 0.8),
        _wall("wall_shelf|poster|pinboard|whiteboard|fire_extinguisher", 1, 4, 0.7, 1.1, 1.5),
        *_SMALL_WALL,
    ],
}


def furnish(room: Furnisher) -> bool:
    """Furnish a room by its programme, large rooms with more. Returns whether its first group found a place."""
    rng, success = room.rng, True
    factor = float(np.clip(room.room.area / 14.0, 0.8, 2.2) * rng.uniform(0.8, 1.9))
    for number, entry in enumerate(PROGRAMS[room.room.kind]):
        count = int(rng.integers(entry.least, entry.most + 1))
        if entry.most > 1:
            count = int(count * factor + rng.random())
        tried = [bool(entry.group(room)) for _ in range(count) if rng.random() < entry.chance]
        if number == 0 and tried and not any(tried):
            success = False
    return success
