"""Kitchens and bathrooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.groups.beside import beside
from jspnet_core.synthetic.layout.placed import Placed
from jspnet_core.synthetic.meshes import Material, PlacedMesh

_UNITS = ["sink", "oven", "dishwasher", "fridge", "tall", "washer", *5 * ["counter"]]


def kitchen_row(room: Furnisher) -> bool:
    """Base units, sink, oven and appliances in a row along a wall, wall units and a hood above; around a corner."""
    rng = room.rng
    lengths = [
        len(room.spots.standing(0.65, 0.66, 0.92, [number], 0.6)) if wall.length > 1.2 else 0
        for number, wall in enumerate(room.room.walls)
    ]
    if max(lengths) < 8:
        return False
    main = int(np.argmax(np.array(lengths) + rng.uniform(0, 30, len(lengths))))
    row = _place_units(room, main, _draw_units(rng))
    if len(row) < 2:
        return False
    neighbours = [(main + side) % len(lengths) for side in (-1, 1)]
    around = [number for number in neighbours if lengths[number] > 10 and rng.random() < 0.45]
    for number in around[:1]:
        _place_units(room, number, ["counter", "counter", "counter", "fridge"][: int(rng.integers(2, 5))])
    _wall_units(room, main, row)
    return True


def _draw_units(rng: np.random.Generator) -> list[str]:
    """Units of a row in any order, a sink and an oven among them."""
    units = [_UNITS[k] for k in rng.permutation(len(_UNITS))[: int(rng.integers(5, len(_UNITS) + 1))]]
    if "oven" not in units:
        units.insert(1, "oven")
    if "sink" not in units:
        units.insert(0, "sink")
    return units


_UNIT_KINDS = {
    "sink": "kitchen_sink",
    "counter": "kitchen_counter",
    "oven": "oven|stove",
    "dishwasher": "dishwasher",
    "fridge": "fridge",
    "tall": "kitchen_tall_cabinet|fridge",
    "washer": "washing_machine",
}


def _place_units(room: Furnisher, wall: int, units: list[str]) -> list[Placed]:
    row: list[Placed] = []
    look: Mapping[int, Material] | None = None
    near = (wall, 0.0 if room.rng.random() < 0.5 else room.room.walls[wall].length)
    for unit in units:
        piece = room.draw(_UNIT_KINDS[unit], (1.3, 0.8, 2.3) if unit in ("fridge", "tall") else (1.3, 0.75, 1.25))
        placed = room.at_wall(piece, walls=[wall], near=near, gap=0.0)
        if not placed:
            continue
        if placed.piece.source == "own" and isinstance(room.meshes[-1].materials, Mapping):
            look = look or room.meshes[-1].materials
            room.meshes[-1] = _in_look(room.meshes[-1], look)
        row.append(placed)
    return row


def _in_look(mesh: PlacedMesh, look: Mapping[int, Material]) -> PlacedMesh:
    """A unit of own shape in the colours of its row."""
    own = dict(mesh.materials) if isinstance(mesh.materials, Mapping) else {}
    return replace(mesh, materials={part: look.get(part, material) for part, material in own.items()})


def _wall_units(room: Furnisher, wall: int, row: list[Placed]) -> None:
    rng = room.rng
    z = rng.uniform(1.38, 1.55)
    if rng.random() < 0.2:
        return
    for unit in row:
        if unit.size[2] > 1.3:
            continue
        if unit.piece.kind in ("oven", "stove"):
            room.on_wall(
                room.draw("hood", (0.9, 0.6, room.roof.height - z)),
                z + 0.1,
                walls=[wall],
                near=(wall, unit.along),
                margin=0.0,
            )
        elif rng.random() < 0.8:
            kinds = "kitchen_wall_cabinet|kitchen_wall_cabinet|wall_shelf"
            piece = room.draw(kinds, (1.2, 0.5, room.roof.height - z - 0.05))
            room.on_wall(piece, z, walls=[wall], near=(wall, unit.along), margin=0.0)


def wash_basin(room: Furnisher) -> Placed | None:
    """Wash basin: standing, or hung on the wall where it has no foot."""
    piece = room.draw("sink|sink|vanity", (1.4, 0.75, 2.4))
    if piece is None or piece.size[2] > 0.6:
        return room.at_wall(piece, front=0.4)
    basin = room.on_wall(piece, 0.86 - min(piece.size[2], 0.25), margin=0.1)
    if basin:
        room.grid.mark(basin.position[:2], basin.yaw, basin.size[:2], basin.number)
        if not room.doors_connected():
            room.remove(basin)
            return None
    return basin


def bathroom_set(room: Furnisher) -> bool:
    """Toilet, wash basin with mirror, bath or shower, towels and small things."""
    rng = room.rng
    big = room.draw("bathtub|shower" if rng.random() < 0.8 else "shower", (2.0, 1.1, 2.3))
    room.at_wall(big, corner=True, gap=0.0) if rng.random() < 0.85 else None
    basin = wash_basin(room)
    toilet = room.at_wall(room.draw("toilet", (0.7, 0.95, 1.2)), front=0.4)
    if toilet and rng.random() < 0.2:
        beside(room, toilet, "bidet|trash_can")
    if basin:
        z = max(1.05, basin.size[2] + 0.1)
        if z < 1.4:
            room.on_wall(room.draw("mirror", (1.2, 0.3, 1.2)), z, walls=[basin.wall], near=(basin.wall, basin.along))
    if rng.random() < 0.5:
        room.on_wall(room.draw("towel_rack|bath_wall|towel_rack"), rng.uniform(0.9, 1.3))
    if toilet:
        room.on_wall(room.draw("bath_wall", (0.4, 0.3, 0.5)), 0.7, near=(toilet.wall, toilet.along))
    return bool(basin or toilet)
