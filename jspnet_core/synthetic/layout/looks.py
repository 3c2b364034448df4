"""Colours and textures: a palette for each scene, and the materials of its pieces drawn from it."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from jspnet_core.synthetic.assets.own.shape import Part
from jspnet_core.synthetic.assets.pieces import Piece
from jspnet_core.synthetic.meshes import Material

_WOODS = (
    (222, 196, 158),
    (200, 164, 120),
    (176, 132, 88),
    (140, 98, 64),
    (104, 70, 48),
    (230, 214, 190),
    (160, 140, 118),
)
_METALS = ((196, 198, 200), (150, 152, 155), (100, 102, 106), (62, 62, 66), (222, 222, 222), (176, 158, 120))
_LEAVES = ((70, 110, 50), (92, 130, 66), (58, 92, 58), (120, 150, 80))
_NAMED = (
    ("fabric knit leather velvet duvet mattress pillow cushion cloth textile sofa seat upholster", "soft"),
    ("metal steel chrome iron alu brass inox", "metal"),
    ("wood shelves plywood oak pine beech walnut mdf cabinet door front", "wood"),
    ("marble granite stone concrete worktop", "stone"),
    ("plastic ceramic paint lacquer porcelain white plaster", "plain"),
)


@dataclass
class Palette:
    """Style that a scene's furniture shares. textures: by kind, names; empty where there are none."""

    rng: np.random.Generator
    textures: Mapping[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rng = self.rng
        self.main = {name: self._new(name) for name in ("wood", "paint", "metal", "soft", "front", "stone")}
        self.trim = Material(_jitter(rng, (238, 236, 230), 12)) if rng.random() < 0.7 else self._new("wood")

    def get(self, name: str, loyal: float = 0.65) -> Material:
        """A material of the scene's own with the chance `loyal`, else a new one of that sort."""
        if name in self.main and self.rng.random() < loyal:
            return self.main[name]
        return self._new(name)

    def texture(self, *kinds: str) -> str | None:
        """A picture of one of the kinds, or None."""
        names = [n for kind in kinds for n in self.textures.get(kind, ())]
        return names[int(self.rng.integers(len(names)))] if names else None

    def _new(self, name: str) -> Material:
        rng = self.rng
        if name == "wood":
            picture = self.texture("wood") if rng.random() < 0.6 else None
            return Material(_jitter(rng, _WOODS[rng.integers(len(_WOODS))], 14), picture)
        if name == "metal":
            return Material(_jitter(rng, _METALS[rng.integers(len(_METALS))], 8))
        if name == "soft":
            picture = self.texture("fabric", "leather") if rng.random() < 0.6 else None
            return Material(random_color(rng, 0.45, (0.25, 0.9)), picture)
        if name == "front":
            return self._new("wood") if rng.random() < 0.4 else self._new("paint")
        if name == "stone":
            return Material(_jitter(rng, (rng.uniform(70, 235),) * 3, 10), self.texture("marble", "stone", "concrete"))
        if name == "paint":
            light = rng.random() < 0.65
            return Material(random_color(rng, 0.12 if light else 0.4, (0.75, 0.97) if light else (0.25, 0.8)))
        if name == "white":
            return Material(_jitter(rng, (235, 234, 230), 12))
        if name == "dark":
            return Material(_jitter(rng, (rng.uniform(28, 70),) * 3, 6))
        if name == "leaf":
            return Material(_jitter(rng, _LEAVES[rng.integers(len(_LEAVES))], 16))
        return Material(random_color(rng, 0.75, (0.3, 0.95)))


def random_color(rng: np.random.Generator, saturation: float, value: tuple[float, float]) -> tuple[int, int, int]:
    """A colour, half of them warm and a fifth blue as in real rooms.

    saturation: upper limit. value: range of the brightness.
    """
    hues = rng.normal(0.09, 0.035), rng.normal(0.58, 0.06), rng.uniform()
    hue = hues[int(np.searchsorted((0.5, 0.7), rng.random()))]
    rgb = colorsys.hsv_to_rgb(hue % 1.0, saturation * rng.uniform() ** 0.7, rng.uniform(*value))
    return whole(255 * np.array(rgb))


def _jitter(rng: np.random.Generator, color: npt.ArrayLike, spread: float) -> tuple[int, int, int]:
    shift = rng.normal(0, spread) + rng.normal(0, spread * 0.25, 3)
    return whole(np.clip(np.asarray(color) + shift, 18, 248))


def whole(color: np.ndarray) -> tuple[int, int, int]:
    """A colour as whole numbers."""
    red, green, blue = (round(float(c)) for c in color)
    return red, green, blue


_OWN = {
    Part.BODY: "wood",
    Part.LEG: "metal",
    Part.SOFT: "soft",
    Part.METAL: "metal",
    Part.DARK: "dark",
    Part.WHITE: "white",
    Part.GREEN: "leaf",
    Part.BODY2: "front",
    Part.LIGHT: "white",
}


def own_materials(palette: Palette, piece: Piece) -> dict[int, Material]:
    """Materials for all parts of an own shape."""
    look = {}
    rng = palette.rng
    for part in np.unique(piece.mesh.part):
        look[int(part)] = palette.get(_OWN.get(int(part), "any"))
    if Part.LEG in look and rng.random() < 0.35:
        look[Part.LEG] = palette.get("wood")
    if Part.BODY in look and rng.random() < 0.3:
        look[Part.BODY] = palette.get("paint")
    if piece.kind == "mirror":
        look[Part.GLASS] = Material((200, 205, 208), mirror=True)
    elif Part.GLASS in look:
        look[Part.GLASS] = Material((190, 205, 205))
    _color_board(rng, piece, look)
    if piece.kind in ("picture", "poster") and rng.random() < 0.6:
        look[Part.COLOR] = Material(None, palette.texture("art")) if palette.textures.get("art") else look[Part.COLOR]
    if piece.kind == "box":
        look[Part.BODY] = Material(_jitter(rng, (184, 146, 104), 14))
    if Part.EARTH in look:
        look[Part.EARTH] = Material((84, 64, 48))
    return look


def library_materials(palette: Palette, piece: Piece) -> dict[int, Material] | None:
    """Materials for some parts of a library model; None keeps all its own colours.

    Models of Infinigen, many of them nearly black, are recoloured more often than those of artists.
    """
    rng = palette.rng
    if piece.kind in ("plant", "plant_small", "flowers", "food"):
        return None
    if piece.kind == "mirror":
        return _mirror(piece)
    infinigen = piece.source == "infinigen"
    look = _brighten(palette, piece)
    if rng.random() > (0.8 if infinigen else 0.35):
        return look or None
    for number, name in enumerate(piece.parts):
        sort = next((s for words, s in _NAMED if any(w in name.lower() for w in words.split())), None)
        if "glass" in name.lower() or "mirror" in name.lower():
            continue
        if piece.kind in ("sofa", "armchair", "corner_sofa") and infinigen:
            sort = "soft"
        if sort is None and not infinigen:
            continue
        if rng.random() < (0.9 if infinigen else 0.5):
            sort = sort or "paint"
            look[number] = palette.get("paint" if sort == "plain" or (sort == "wood" and rng.random() < 0.35) else sort)
    return look or None


def _color_board(rng: np.random.Generator, piece: Piece, look: dict[int, Material]) -> None:
    """White, black or green writing boards; cork, or cloth of any colour."""
    if Part.BOARD in look:
        dark = {"blackboard": (rng.choice([(52, 60, 56), (44, 84, 66), (60, 60, 64)]))}.get(piece.kind)
        look[Part.BOARD] = Material(_jitter(rng, dark if dark is not None else (238, 240, 240), 5))
    if Part.CORK in look:
        cork = (186, 146, 100) if rng.random() < 0.7 else random_color(rng, 0.5, (0.3, 0.8))
        look[Part.CORK] = Material(_jitter(rng, cork, 10))


def _mirror(piece: Piece) -> dict[int, Material]:
    """The pane of a mirror: the part that is named so, else the one with most of the surface."""
    named = [k for k, name in enumerate(piece.parts) if any(w in name.lower() for w in ("mirror", "glass"))]
    corners = piece.mesh.vertices[piece.mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    pane = named[0] if named else int(np.bincount(piece.mesh.part, area).argmax())
    return {pane: Material((200, 205, 208), mirror=True)}


def _brighten(palette: Palette, piece: Piece) -> dict[int, Material]:
    """New colours for most parts that are nearly black, since few real ones are."""
    mean = piece.mesh.color.mean(1)
    screens = piece.kind in ("tv", "wall_tv", "monitor", "laptop", "computer", "electronics_small", "phone", "audio")
    look = {}
    for part in np.unique(piece.mesh.part):
        dark = float(mean[piece.mesh.part == part].mean()) < 42
        if dark and palette.rng.random() < (0.15 if screens else 0.75):
            soft = piece.kind in ("chair", "office_chair", "sofa", "armchair", "corner_sofa", "bed", "clothes", "bag")
            look[int(part)] = palette.get(
                str(palette.rng.choice(["soft", "paint", "metal"] if soft else ["paint", "wood", "metal"]))
            )
    return look


def materials_of(palette: Palette, piece: Piece) -> dict[int, Material] | None:
    """Materials of a piece, drawn from the scene's palette."""
    return own_materials(palette, piece) if piece.source == "own" else library_materials(palette, piece)


def wall_material(palette: Palette, home: bool) -> Material:
    """Mostly light paint; wallpaper, brick, wood or concrete now and then."""
    rng = palette.rng
    chance = rng.random()
    if chance < 0.72:
        light = Material(
            random_color(rng, 0.16, (0.78, 0.97)), palette.texture("plaster") if rng.random() < 0.5 else None
        )
        return light
    if chance < 0.82:
        return Material(
            random_color(rng, 0.45, (0.55, 0.9)), palette.texture("plaster") if rng.random() < 0.4 else None
        )
    if chance < 0.87 and home:
        return Material(random_color(rng, 0.3, (0.6, 0.95)), palette.texture("fabric"))
    if chance < 0.95:
        return Material(
            _jitter(rng, (176, 120, 96) if rng.random() < 0.5 else (220, 216, 208), 12), palette.texture("brick")
        )
    return Material(_jitter(rng, (205, 202, 196), 14), palette.texture("concrete", "wood"))


def floor_material(palette: Palette, kind: str) -> Material:
    """Wood, tile, carpet, stone or plain floor, as usual for the kind of room."""
    rng = palette.rng
    if kind in ("bathroom", "kitchen") and rng.random() < 0.7:
        sort = "tile"
    elif kind in ("office", "open_office", "meeting_room", "classroom", "library", "corridor"):
        sort = str(rng.choice(["carpet", "carpet", "wood", "plain", "tile", "concrete"]))
    elif kind in ("workshop", "shop"):
        sort = str(rng.choice(["concrete", "tile", "plain", "wood"]))
    else:
        sort = str(rng.choice(["wood", "wood", "wood", "carpet", "tile"]))
    if sort == "wood":
        return Material(_jitter(rng, _WOODS[rng.integers(len(_WOODS))], 12), palette.texture("wood_floor"))
    if sort == "carpet":
        return Material(random_color(rng, 0.3, (0.35, 0.8)), palette.texture("carpet"))
    if sort == "plain":
        return Material(
            random_color(rng, 0.2, (0.45, 0.85)), palette.texture("rubber_floor") if rng.random() < 0.4 else None
        )
    grey = (rng.uniform(95, 225),) * 3
    return Material(
        _jitter(rng, grey, 10), palette.texture("tile", "marble") if sort == "tile" else palette.texture("concrete")
    )
