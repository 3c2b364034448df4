"""Stock of pieces: a library's models of one split, and makers of own shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jspnet_core.synthetic.assets.library import Asset, Library
from jspnet_core.synthetic.assets.library import Surface as LibrarySurface
from jspnet_core.synthetic.assets.pieces import Piece, Surface

Makers = Mapping[str, Callable[[np.random.Generator], Piece]]
"""By kind, a function that makes a piece of own shape."""

# Models of a library that one maker of own shapes counts for, in training and in validation.
_OWN, _OWN_VAL = 3, 1


class Stock:
    """All available kinds of pieces: a library's, and makers of own shapes.

    library_pieces: by kind, of the asked split alone. makers: by kind, functions of a random generator. own: models
    of the library that a maker counts for. textures: names by kind.
    """

    def __init__(
        self,
        library_pieces: Mapping[str, list[Piece]],
        makers: Makers,
        textures: Mapping[str, list[str]] | None = None,
        own: int = _OWN,
    ) -> None:
        self.own = own
        self.library = library_pieces
        self.makers = makers
        self.textures = dict(textures or {})
        self._shares: dict[str, tuple[list[str], np.ndarray]] = {}

    def has(self, kind: str) -> bool:
        """Return whether a piece of this kind can be drawn."""
        return kind in self.makers or bool(self.library.get(kind))

    def draw(self, rng: np.random.Generator, kinds: str) -> Piece | None:
        """A piece of one of the kinds (names with | between), drawn by count to the power of 0.6; None if none has any.

        An own shape counts as a few models of the library.
        """
        if kinds not in self._shares:
            self._shares[kinds] = self._share_of(kinds)
        names, upto = self._shares[kinds]
        if not names:
            return None
        return self._of_kind(rng, names[int(np.searchsorted(upto, rng.random(), side="right"))])

    def draw_fitting(self, rng: np.random.Generator, kinds: str, limit: tuple, tries: int = 6) -> Piece | None:
        """A piece that is at most `limit` (width, depth, height) in size; None after some vain draws."""
        for _ in range(tries):
            piece = self.draw(rng, kinds)
            if piece is None:
                return None
            if all(s <= most for s, most in zip(piece.size, limit, strict=True)):
                return piece
        return None

    def _share_of(self, kinds: str) -> tuple[list[str], np.ndarray]:
        """Names that can be drawn, and the upper ends of their shares of 0 to 1."""
        names = [k for k in kinds.split("|") if self.has(k)]
        weights = np.array([(len(self.library.get(k, ())) + self.own * (k in self.makers)) ** 0.6 for k in names])
        upto = np.cumsum(weights / weights.sum()) if names else weights
        upto[-1:] = 1.0
        return names, upto

    def _of_kind(self, rng: np.random.Generator, kind: str) -> Piece:
        models = self.library.get(kind, ())
        own = self.own if kind in self.makers else 0
        pick = int(rng.integers(len(models) + own))
        return models[pick] if pick < len(models) else self.makers[kind](rng)


# Kinds whose library models are not used: own shapes stand for them, or they need a place of their own.
_UNUSED = {
    "door", "double_door", "garage_door", "elevator", "window", "blind", "shutter", "curtain", "shower_curtain",
    "column", "beam", "stairs", "railing",
}  # fmt: skip
_MOST = {"kitchen_counter": (1.3, 0.8, 1.3), "kitchen_island": (2.6, 1.5, 1.3), "sink": (1.0, 0.8, 1.3)}


def make_stock(library: Library | None, split: str | None, makers: Makers) -> Stock:
    """Stock of a library (None: own shapes alone) and makers. split: train or val; None takes both."""
    if library is None:
        return Stock({}, makers)
    pieces: dict[str, list[Piece]] = {}
    for asset in library.assets:
        if split not in (None, asset.split) or asset.kind in _UNUSED:
            continue
        if any(s > m for s, m in zip(asset.size, _MOST.get(asset.kind, (9.0, 9.0, 9.0)), strict=True)):
            continue
        piece = _piece(library, asset)
        pieces.setdefault(piece.kind, []).append(piece)
    textures: dict[str, list[str]] = {}
    for texture in library.textures.entries.values():
        textures.setdefault(texture.kind, []).append(texture.name)
    return Stock(pieces, makers, textures, _OWN_VAL if split == "val" else _OWN)


def _piece(library: Library, asset: Asset) -> Piece:
    surfaces = tuple(_surface(s) for s in asset.surfaces if _is_solid(s))
    kind, placement = asset.kind, asset.placement
    if kind == "tv" and placement == "wall_mounted":
        kind = "wall_tv"
    if kind == "whiteboard" and placement == "floor_free":
        kind = "flipchart"
    mesh = library.mesh(asset)
    return Piece(kind, mesh, asset.size, surfaces, asset.elevation, asset.parts, asset.source, placement)


def _share(s: LibrarySurface) -> float:
    return s.area / max((s.high[0] - s.low[0]) * (s.high[1] - s.low[1]), 1e-6)


def _is_solid(s: LibrarySurface) -> bool:
    """Surfaces that are mostly holes (arms of sofas, rims) carry nothing."""
    return _share(s) > 0.55 and min(s.high[0] - s.low[0], s.high[1] - s.low[1]) > 0.07


def _surface(s: LibrarySurface) -> Surface:
    return Surface(s.z, (s.low[0], s.high[0]), (s.low[1], s.high[1]), s.clearance or np.inf, _share(s) < 0.86)
