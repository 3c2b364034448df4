"""Stock of pieces: a library's models of one split, and makers of own shapes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from jspnet_core.synthetic.assets.pieces import Piece


class Stock:
    """All kinds of pieces at hand: a library's, and makers of own shapes.

    library_pieces: by kind, of the asked split alone. makers: by kind, functions of a random generator.
    """

    def __init__(
        self,
        library_pieces: Mapping[str, list[Piece]],
        makers: Mapping[str, Callable[[np.random.Generator], Piece]],
        textures: Mapping[str, list[str]] | None = None,
    ) -> None:
        self.library = library_pieces
        self.makers = makers
        self.textures = dict(textures or {})

    def has(self, kind: str) -> bool:
        """Whether a piece of this kind can be drawn."""
        return kind in self.makers or bool(self.library.get(kind))

    def draw(self, rng: np.random.Generator, kinds: str) -> Piece | None:
        """A piece of one of the kinds (names with | between), drawn by count to the power of 0.6; None if none has any.

        An own shape counts as a few models of the library.
        """
        names = [k for k in kinds.split("|") if self.has(k)]
        if not names:
            return None
        weights = np.array([(len(self.library.get(k, ())) + 3 * (k in self.makers)) ** 0.6 for k in names])
        return self._of_kind(rng, names[rng.choice(len(names), p=weights / weights.sum())])

    def draw_fitting(self, rng: np.random.Generator, kinds: str, limit: tuple, tries: int = 6) -> Piece | None:
        """A piece that is at most `limit` (width, depth, height) in size; None after some vain draws."""
        for _ in range(tries):
            piece = self.draw(rng, kinds)
            if piece is None:
                return None
            if all(s <= most for s, most in zip(piece.size, limit, strict=True)):
                return piece
        return None

    def _of_kind(self, rng: np.random.Generator, kind: str) -> Piece:
        models = self.library.get(kind, ())
        own = 3 if kind in self.makers else 0
        pick = int(rng.integers(len(models) + own))
        return models[pick] if pick < len(models) else self.makers[kind](rng)
