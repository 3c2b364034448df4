"""What each kind of room is furnished with: groups in order, how many, and how probable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jspnet_core.synthetic.layout import relations as r
from jspnet_core.synthetic.layout.furnisher import Furnisher


@dataclass(frozen=True)
class Entry:
    """One line of a programme: a group, how often it is tried (from, to), with which chance each time."""

    group: Callable[[Furnisher], bool]
    least: int = 1
    most: int = 1
    chance: float = 1.0


def _store(kinds: str, least=0, most=1, chance=1.0, front=0.4, row=1) -> Entry:
    return Entry(lambda room: r.storage(room, kinds, front, row), least, most, chance)


def _wall(kinds: str, least=0, most=1, chance=1.0, low=None, high=None) -> Entry:
    return Entry(lambda room: r.wall_piece(room, kinds, low, high), least, most, chance)


def _floor(kinds: str, least=0, most=1, chance=1.0, wall=0.7) -> Entry:
    return Entry(lambda room: r.floor_thing(room, kinds, wall), least, most, chance)


_BOARDS = "whiteboard|whiteboard|blackboard|pinboard"
_SMALL_WALL = [
    Entry(r.radiators),
    _wall("switch_socket", 2, 5),
    _wall("wall_device|air_conditioner|ceiling_device", 0, 1, 0.4),
]
_HOME_WALLS = [
    Entry(r.picture_group, 1, 3, 0.8),
    _wall("wall_shelf", 0, 3, 0.6, 1.1, 1.7),
    _wall("mirror|wall_clock|lamp_wall", 0, 2, 0.5),
]
_OFFICE_WALLS = [
    _wall(_BOARDS, 1, 2, 0.8, 0.8, 1.0),
    _wall("pinboard|poster|picture|wall_clock", 1, 4, 0.7, 1.1, 1.5),
    _wall("fire_extinguisher|wall_device", 0, 1, 0.4),
]
_LOOSE = "box|bag|trash_can|plant|shoes|box|sport_small|broom|basket|step_stool|toy_large"

PROGRAMS: dict[str, list[Entry]] = {
    "living_room": [
        Entry(r.sofa_group),
        _store("bookcase|shelf|cabinet|sideboard|wall_unit", 1, 3, 0.85),
        Entry(r.dining_set, 0, 1, 0.55),
        Entry(r.desk_place, 0, 1, 0.25),
        *_HOME_WALLS,
        _floor("armchair|lounge_chair|ottoman", 0, 1, 0.5, 0.5),
        _floor("plant|lamp_floor|plant|lamp_floor|piano|fireplace|instrument", 1, 3, 0.8),
        _floor(_LOOSE, 1, 5, 0.75),
        *_SMALL_WALL,
    ],
    "bedroom": [
        Entry(r.bed_group),
        _store("wardrobe|wardrobe|cabinet", 1, 2, 0.85),
        _store("drawers|bookcase|chest|shelf", 0, 2, 0.7),
        Entry(r.desk_place, 0, 1, 0.45),
        *_HOME_WALLS,
        _floor("chair|armchair|lamp_floor|plant|clothes_rack|crib|mirror_stand", 0, 2, 0.6),
        _floor(_LOOSE + "|shoes|shoes|clothes_hanging", 1, 5, 0.75),
        *_SMALL_WALL,
    ],
    "kitchen": [
        Entry(r.kitchen_row),
        Entry(r.dining_set, 0, 1, 0.7),
        _store("fridge|kitchen_tall_cabinet|cabinet|shelf", 0, 2, 0.6),
        Entry(lambda room: room.free(room.draw("kitchen_island", (2.3, 1.2, 1.1)), margin=0.7) is not None, 0, 1, 0.35),
        _wall("wall_shelf|picture|wall_clock|utensil_rack|poster", 1, 3, 0.7, 1.3, 1.6),
        _floor("trash_can|box|bag|trash_can|plant|water_cooler|broom", 1, 4, 0.8),
        *_SMALL_WALL,
    ],
    "dining_room": [
        Entry(r.dining_set),
        _store("cabinet|sideboard|bookcase|drawers", 1, 3, 0.8),
        *_HOME_WALLS,
        _floor("plant|lamp_floor|chair|piano", 1, 3, 0.8),
        _floor(_LOOSE, 0, 4, 0.6),
        *_SMALL_WALL,
    ],
    "bathroom": [
        Entry(r.bathroom_set),
        _store("washing_machine|cabinet|shelf|drawers", 0, 2, 0.6, 0.3),
        _wall("wall_shelf|picture|mirror|water_heater", 0, 2, 0.5, 1.2, 1.6),
        _floor("trash_can|basket|box|clothes_rack|stool|plant", 1, 3, 0.7),
        *_SMALL_WALL,
    ],
    "hall": [
        _store("wardrobe|cabinet|drawers|shelf|bench", 0, 2, 0.7, 0.7),
        _wall("wall_hanger|mirror|picture", 1, 3, 0.8),
        Entry(r.picture_group, 0, 1, 0.5),
        _floor("coat_rack|clothes_rack|chair|bench|plant|stroller", 0, 2, 0.6, 0.95),
        _floor("shoes|shoes|box|bag|shoes|sport_small", 1, 5, 0.7, 0.95),
        *_SMALL_WALL,
    ],
    "corridor": [
        _store("locker|cabinet|shelf|bookcase|filing_cabinet|bench", 0, 3, 0.5, 0.9),
        _wall("pinboard|poster|picture|whiteboard", 1, 4, 0.7, 1.0, 1.4),
        _wall("fire_extinguisher|wall_clock|wall_device", 0, 2, 0.6),
        _floor("chair|bench|plant|trash_can|copier|water_cooler|box", 0, 3, 0.6, 1.0),
        *_SMALL_WALL,
    ],
    "office": [
        Entry(r.desk_place, 1, 3, 0.9),
        Entry(lambda room: r.desk_place(room, True), 0, 1, 0.3),
        _store("bookcase|shelf|cabinet|filing_cabinet|bookcase", 1, 4, 0.8),
        Entry(lambda room: r.dining_set(room, "office_table|side_table|dining_table"), 0, 1, 0.35),
        _floor("chair|armchair|sofa|plant|coat_rack|flipchart", 1, 3, 0.6),
        *_OFFICE_WALLS,
        _floor("trash_can|box|bag|box|copier|lamp_floor|safe", 1, 5, 0.75),
        *_SMALL_WALL,
    ],
    "open_office": [
        Entry(r.desk_cluster, 3, 8, 0.95),
        _store("bookcase|shelf|cabinet|filing_cabinet|locker", 2, 5, 0.8, row=2),
        Entry(r.meeting_set, 0, 1, 0.4),
        Entry(r.sofa_group, 0, 1, 0.25),
        _floor("partition|flipchart|plant|copier|coat_rack|water_cooler", 1, 5, 0.7, 0.5),
        *_OFFICE_WALLS,
        _floor("trash_can|box|bag|box|chair|office_chair", 2, 7, 0.75, 0.5),
        *_SMALL_WALL,
    ],
    "meeting_room": [
        Entry(lambda room: r.wall_piece(room, "whiteboard|projection_screen|whiteboard|wall_tv", 0.8, 1.0), 1, 2, 0.95),
        Entry(r.meeting_set),
        _store("cabinet|sideboard|bookcase|shelf", 0, 2, 0.6),
        _floor("flipchart|plant|coat_rack|chair|whiteboard_stand|armchair", 0, 3, 0.7),
        *_OFFICE_WALLS,
        _floor("trash_can|box|bag|plant", 0, 3, 0.6),
        *_SMALL_WALL,
    ],
    "classroom": [
        Entry(r.class_rows),
        _store("cabinet|shelf|bookcase|locker", 1, 3, 0.8),
        *_OFFICE_WALLS,
        _wall("pinboard|poster|poster", 1, 4, 0.8, 1.0, 1.4),
        _floor("trash_can|bag|bag|box|plant|chair|flipchart", 1, 6, 0.75, 0.4),
        *_SMALL_WALL,
    ],
    "library": [
        Entry(lambda room: r.stacks(room, "bookcase|bookcase|shelf"), 1, 1, 0.7),
        _store("bookcase|bookcase|shelf", 2, 5, 0.9, row=3),
        Entry(lambda room: r.dining_set(room, "office_table|dining_table"), 1, 3, 0.8),
        Entry(r.desk_place, 0, 2, 0.6),
        _floor("armchair|sofa|chair|plant|stool|ladder", 1, 4, 0.7, 0.6),
        _wall("pinboard|poster|picture|wall_clock", 0, 3, 0.6, 1.2, 1.5),
        _floor("trash_can|box|bag|cart|box", 1, 4, 0.7),
        *_SMALL_WALL,
    ],
    "shop": [
        Entry(lambda room: r.stacks(room, "shop_shelf|shop_shelf|metal_rack|shelf"), 1, 1, 0.85),
        _store("shop_shelf|shop_shelf|shelf|metal_rack", 2, 6, 0.9, row=3),
        Entry(r.shop_till, 1, 2, 0.8),
        _store("fridge|freezer|cabinet", 0, 2, 0.5),
        _floor("box|box|clothes_rack|basket|cart|plant|pallet|trash_can|side_table", 2, 7, 0.8, 0.4),
        _wall("poster|poster|picture|wall_clock|fire_extinguisher", 1, 4, 0.7, 1.4, 1.9),
        *_SMALL_WALL,
    ],
    "workshop": [
        _store("workbench", 1, 3, 0.95, 0.7),
        _store("metal_rack|metal_rack|shelf|locker|cabinet", 1, 5, 0.9, row=2),
        Entry(
            lambda room: room.free(room.draw("workbench|office_table", (2.3, 1.0, 1.7)), margin=0.6) is not None,
            0,
            2,
            0.7,
        ),
        _floor("ladder|box|barrel|pallet|cart|trash_can|heater|stool|chair|broom|fitness", 3, 9, 0.85, 0.6),
        _wall("wall_shelf|poster|pinboard|whiteboard|fire_extinguisher", 1, 4, 0.7, 1.1, 1.5),
        *_SMALL_WALL,
    ],
}


def furnish(room: Furnisher) -> bool:
    """Furnish a room by its programme. Returns whether its first group found a place."""
    first = True
    success = True
    for entry in PROGRAMS[room.room.kind]:
        count = int(room.rng.integers(entry.least, entry.most + 1))
        done = 0
        for _ in range(count):
            if room.rng.random() < entry.chance:
                done += bool(entry.group(room))
        if first and count and not done and entry.chance == 1.0:
            success = False
        first = False
    return success
