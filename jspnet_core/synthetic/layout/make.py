"""Furnished scenes, made from a seed."""

from __future__ import annotations

import logging
import weakref

import numpy as np

from jspnet_core.synthetic.assets.library import Library
from jspnet_core.synthetic.assets.own import MAKERS
from jspnet_core.synthetic.layout.architecture import build_room, draw_style
from jspnet_core.synthetic.layout.cut_openings import cut_openings
from jspnet_core.synthetic.layout.draw_plan import KINDS, draw_plan
from jspnet_core.synthetic.layout.furnisher import Furnisher
from jspnet_core.synthetic.layout.groups.hung import ceiling_lamps
from jspnet_core.synthetic.layout.looks import Palette
from jspnet_core.synthetic.layout.placed import Counter
from jspnet_core.synthetic.layout.programs import furnish
from jspnet_core.synthetic.layout.roof import Roof, draw_roof, fit_roof
from jspnet_core.synthetic.layout.stock import Stock, make_stock
from jspnet_core.synthetic.layout.structure import add_structure
from jspnet_core.synthetic.layout.things import scatter
from jspnet_core.synthetic.meshes import FurnishedScene, Lamp, Lighting

logger = logging.getLogger(__name__)

TRIES = 6
"""Draws of a scene before it is given up."""

_SMALLEST_FREE = 60
# Standing places at most, by kind of room: views and scans are drawn from them, so rooms with little in them get few.
_PLACES = {"corridor": 90, "hall": 90, "bathroom": 250}
# How often each kind is drawn, in the order of `KINDS`.
_WEIGHTS = np.array([3.0, 2.2, 1.6, 1.3, 1.0, 0.6, 0.6, 2.5, 1.5, 2.0, 1.5, 1.0, 1.2, 0.8, 2.8, 1.8])
_SHARES = _WEIGHTS / _WEIGHTS.sum()
_HOME = {"living_room", "bedroom", "kitchen", "dining_room", "bathroom", "hall", "dwelling"}
_stocks: dict[tuple, tuple] = {}


class LayoutError(RuntimeError):
    """A scene that could not be furnished after all tries."""


def make_furnished_scene(
    seed: int, kind: str | None = None, library: Library | None = None, split: str = "train"
) -> FurnishedScene:
    """One furnished scene; the same seed, kind, library and split give the same scene.

    kind: one of `KINDS`; None draws one. library: see `assets.library`; None furnishes with own shapes alone.
    split: models of the library that may be used, train or val. A scene that cannot be furnished is drawn again, up to
    `TRIES` times; then `LayoutError` is raised. Raises ValueError for an unknown kind.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    stock = _stock(library, split)
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, attempt, 16])
        chosen = kind or str(rng.choice(KINDS, p=_SHARES))
        scene = _draw(rng, f"{chosen}_{seed}", chosen, stock)
        if scene is not None:
            return scene
        logger.debug("%s with seed %d: draw %d could not be furnished", chosen, seed, attempt)
    raise LayoutError(f"{kind or 'scene'} with seed {seed}: not furnished in {TRIES} draws")


def _stock(library: Library | None, split: str) -> Stock:
    key = (id(library), split)
    held = _stocks.get(key)
    if held is None or held[0]() is not library:
        held = ((lambda: None) if library is None else weakref.ref(library), make_stock(library, split, MAKERS))
        _stocks[key] = held
    return held[1]


def _draw(rng: np.random.Generator, name: str, kind: str, stock: Stock) -> FurnishedScene | None:
    plan = draw_plan(rng, kind)
    if not cut_openings(rng, plan):
        return None
    roof = draw_roof(rng, kind, plan.rooms[0].low, plan.rooms[0].high, plan.height)
    roof = fit_roof(plan.rooms[0], roof, plan.height)
    palette, counter = Palette(rng, stock.textures), Counter()
    office = kind not in _HOME
    style = draw_style(rng, palette, office)
    rooms: list[Furnisher] = []
    lamps: list[Lamp] = []
    amount = rng.uniform(0.9, 2.4)
    for number, shape in enumerate(plan.rooms):
        room = Furnisher(rng, shape, roof if number == 0 else Roof(plan.height), stock, palette, counter)
        build_room(room, style, lamps)
        add_structure(room, office)
        if not furnish(room) and number == 0 and len(plan.rooms) < 3:
            return None
        scatter(room, amount)
        lamps += _lamps(room, office)
        rooms.append(room)
    free = tuple(room.standing_places(_PLACES.get(room.room.kind, 400)) for room in rooms)
    if len(free[0]) < _SMALLEST_FREE:
        return None
    return FurnishedScene(
        name=name,
        kind=kind,
        placed=tuple(mesh for room in rooms for mesh in room.meshes),
        lighting=Lighting(float(rng.uniform(0.25, 0.6)), tuple(lamps), float(rng.uniform(0.75, 1.3))),
        outlines=tuple(room.room.outline for room in rooms),
        free=free,
        ceiling=float(max(roof.height, plan.height if len(rooms) > 1 else 0.0)),
    )


def _lamps(room: Furnisher, office: bool) -> list[Lamp]:
    """Ceiling lamps as meshes, and the light of all lamps that are switched on."""
    rng = room.rng
    warm = rng.uniform(0.0, 1.0)
    color = (1.0 + 0.12 * warm, 1.0, 1.0 - 0.22 * warm)
    lit = rng.random() < 0.8
    lights = []
    for lamp in ceiling_lamps(room, office):
        if lit:
            x, y, z = lamp.position
            lights.append(Lamp((float(x), float(y), float(z) - 0.05), float(rng.uniform(0.5, 1.3)), color))
    for thing in room.placed:
        if thing.piece.kind in ("lamp_table", "lamp_floor") and rng.random() < 0.3:
            x, y, z = thing.position + (0.0, 0.0, thing.size[2] + 0.05)
            lights.append(Lamp((float(x), float(y), float(z)), float(rng.uniform(0.1, 0.4)), (1.12, 1.0, 0.75)))
    return lights
