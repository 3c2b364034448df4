"""The class table: names, colours, and which classes are countable things."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNLABELLED = 255
"""Label of a point that carries no class."""

NO_INSTANCE = 0
"""Instance id of a point that belongs to no instance."""


@dataclass(frozen=True)
class ClassTable:
    """Classes of a model in the order of its logits.

    names: C class names, unique.
    colors: C colours, red green blue, 0-255.
    things: names of the classes whose instances are objects (chair), not structure (wall).
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    things: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or not 0 < len(self.names) < UNLABELLED:
            raise ValueError(f"class names must be 1 to 254 unique names, found {self.names}")
        if len(self.colors) != len(self.names):
            raise ValueError(f"{len(self.names)} classes need as many colours, found {len(self.colors)}")
        unknown = set(self.things) - set(self.names)
        if unknown:
            raise ValueError(f"things {sorted(unknown)} are not among the classes {self.names}")

    def __len__(self) -> int:
        return len(self.names)

    def is_thing(self, label: int) -> bool:
        return self.names[label] in self.things

    def palette(self) -> np.ndarray:
        """Colours by label: (256, 3) uint8, red green blue; grey where no class has that label."""
        palette = np.full((256, 3), 120, np.uint8)
        palette[: len(self)] = self.colors
        return palette

    def to_dict(self) -> dict:
        return {"names": list(self.names), "colors": [list(c) for c in self.colors], "things": list(self.things)}

    @classmethod
    def from_dict(cls, table: dict) -> ClassTable:
        colors = tuple((int(r), int(g), int(b)) for r, g, b in table["colors"])
        return cls(tuple(table["names"]), colors, tuple(table["things"]))


S3DIS = ClassTable(
    names=(
        "ceiling",
        "floor",
        "wall",
        "beam",
        "column",
        "window",
        "door",
        "table",
        "chair",
        "sofa",
        "bookcase",
        "board",
        "clutter",
    ),
    colors=(
        (0, 255, 0),
        (0, 0, 255),
        (0, 255, 255),
        (255, 255, 0),
        (255, 0, 255),
        (100, 100, 255),
        (200, 200, 100),
        (170, 120, 200),
        (255, 0, 0),
        (200, 100, 100),
        (10, 200, 100),
        (200, 200, 200),
        (50, 50, 50),
    ),
    things=("beam", "column", "window", "door", "table", "chair", "sofa", "bookcase", "board", "clutter"),
)
"""The 13 classes of S3DIS in the paper's order, with the colours of its reference code."""


def instance_palette(ids: np.ndarray) -> np.ndarray:
    """A stable, well-spread colour for each instance id; dark grey for `NO_INSTANCE`.

    ids: (N,) unsigned integers. Returns (N, 3) uint8, red green blue.
    """
    hue = (ids.astype(np.float64) * 0.618033988749895) % 1.0  # golden ratio: neighbours in id differ in hue
    value = 0.75 + 0.25 * ((ids.astype(np.int64) // 3) % 2)
    k = (np.array([5.0, 3.0, 1.0]) + 6.0 * hue[:, None]) % 6.0
    rgb = value[:, None] * (1.0 - 0.8 * np.clip(np.minimum(k, 4.0 - k), 0.0, 1.0))
    colors = (255.0 * rgb).astype(np.uint8)
    colors[ids == NO_INSTANCE] = 60
    return colors
