"""Rooms from the scene generator as training rooms."""

from __future__ import annotations

import numpy as np

from jspnet_core.data.rooms import Room
from jspnet_core.synthetic import KINDS, make_scene

FIRST_SEED = 1000
"""Training scenes start here; the demo's scenes lie below, so that none of them was trained on."""

DENSITY = 1200.0
"""Points per square metre of surface, about one per 3 cm voxel."""


def generated_rooms(count: int) -> list[Room]:
    """`count` scanned rooms, of all kinds in turn."""
    rooms = []
    for i in range(count):
        seed = FIRST_SEED + i
        cloud = make_scene(seed, KINDS[i % len(KINDS)]).room_cloud(np.random.default_rng(seed), DENSITY)
        name = f"generated_{KINDS[i % len(KINDS)]}_{seed}"
        rooms.append(Room(name, cloud.points, cloud.colors, cloud.label, cloud.instance))
    return rooms
