"""Rooms from the scene generator as training rooms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.data.rooms import Room
from jspnet_core.synthetic import KINDS, Scene, make_scene

KIND = "generated"
"""Kind of prepared folders of generated rooms, see `DatasetInfo`."""

FRAMES = "frames"
"""Subfolder of the frames of generated rooms."""

FIRST_SEED = 1000
"""Training scenes start here; the demo's scenes lie below, so that none of them was trained on."""

SEED_STRIDE = 1_000_000
"""Scenes of one seed of `jspnet synth`; those of another seed are all different."""

DENSITY = 1200.0
"""Points per square metre of surface, about one per 3 cm voxel."""


@dataclass(frozen=True)
class GeneratedRoom:
    """Scene `number` of the generator, all kinds in turn, scanned whole."""

    number: int
    density: float = DENSITY

    @property
    def name(self) -> str:
        return f"generated_{self.kind}_{self.number}"

    @property
    def source(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        return KINDS[(self.number - FIRST_SEED) % len(KINDS)]

    def scene(self) -> Scene:
        return make_scene(self.number, self.kind)

    def read(self, notes: list[str]) -> Room:
        """Return the scanned room; `notes` stays empty."""
        cloud = self.scene().room_cloud(np.random.default_rng(self.number), self.density)
        return Room(self.name, cloud.points, cloud.colors, cloud.label, cloud.instance)


def generated_rooms(count: int) -> list[Room]:
    """`count` scanned rooms, of all kinds in turn."""
    return [GeneratedRoom(FIRST_SEED + i).read([]) for i in range(count)]
