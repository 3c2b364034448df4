"""Pictures of surfaces: wood, tiles, fabric, with the metres that they span. Decoded on first use."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

logger = logging.getLogger(__name__)

EDGE = 256
"""Pixels on the edge of every picture in memory."""


@dataclass(frozen=True)
class Texture:
    """name: the file's name. metres: width and height that the picture spans. tileable: its borders fit together."""

    name: str
    kind: str
    metres: tuple[float, float]
    tileable: bool
    mean: tuple[float, float, float]
    licence: str
    credit: str


@dataclass(frozen=True)
class Textures:
    """The pictures of a library by name; may be empty."""

    folder: Path
    entries: dict[str, Texture]
    _pictures: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def of_kind(self, *kinds: str) -> tuple[Texture, ...]:
        """Textures of any of the kinds."""
        return tuple(texture for texture in self.entries.values() if texture.kind in kinds)

    def picture(self, name: str) -> np.ndarray:
        """(256, 256, 3) uint8 sRGB. Raises KeyError for an unknown name."""
        if name not in self.entries:
            raise KeyError(f"no texture named {name!r} in {self.folder}")
        if name not in self._pictures:
            from PIL import Image

            with Image.open(self.folder / name) as picture:
                square = picture.convert("RGB").resize((EDGE, EDGE))
            self._pictures[name] = np.asarray(square)
        return self._pictures[name]


def read_textures(folder: Path) -> Textures:
    """Read a folder's catalogue; pictures that are missing or without licence are left out and named in the log."""
    path = folder / "catalogue.json"
    if not path.is_file():
        logger.warning("%s: no such file; surfaces get plain colours", path)
        return Textures(folder, {})
    entries = {}
    for entry in json.loads(path.read_text(encoding="utf-8")):
        name = entry.get("file", "")
        if not (folder / name).is_file() or not entry.get("licence"):
            logger.warning("%s: texture %r is left out: no file or no licence", folder, name)
            continue
        entries[name] = Texture(
            name=name,
            kind=entry["kind"],
            metres=tuple(entry["metres"]),
            tileable=bool(entry["tileable"]),
            mean=tuple(entry["mean_rgb"]),
            licence=entry["licence"],
            credit=entry.get("credit", ""),
        )
    return Textures(folder, entries)
