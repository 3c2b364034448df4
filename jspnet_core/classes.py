"""Class tables: names, colours, which classes are countable things, and how a smaller table reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.errors import ClassTableError

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
    parents: for each class the one that stands for it in a smaller table, itself for the classes of that table, which
    come first. So a program that knows the smaller table alone can read the labels. Empty: there is no smaller table.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    things: tuple[str, ...]
    parents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names) or not 0 < len(self.names) < UNLABELLED:
            raise ValueError(f"class names must be 1 to 254 unique names, found {self.names}")
        if len(self.colors) != len(self.names):
            raise ValueError(f"{len(self.names)} classes need as many colours, found {len(self.colors)}")
        unknown = set(self.things) - set(self.names)
        if unknown:
            raise ValueError(f"things {sorted(unknown)} are not among the classes {self.names}")
        self._check_parents()

    def _check_parents(self) -> None:
        if not self.parents:
            return
        if len(self.parents) != len(self.names):
            raise ValueError(f"{len(self.names)} classes need as many parents, or none, found {len(self.parents)}")
        own = [name == parent for name, parent in zip(self.names, self.parents, strict=True)]
        first = self.names[: sum(own)]
        if not all(own[: len(first)]) or not set(self.parents) <= set(first):
            raise ValueError(
                f"the classes of the smaller table must come first and be the only parents, found {self.parents}"
            )

    def __len__(self) -> int:
        return len(self.names)

    def is_thing(self, label: int) -> bool:
        return self.names[label] in self.things

    def palette(self) -> np.ndarray:
        """Colours by label: (256, 3) uint8, red green blue; grey where no class has that label."""
        palette = np.full((256, 3), 120, np.uint8)
        palette[: len(self)] = self.colors
        return palette

    def base(self) -> ClassTable:
        """The smaller table, whose labels are the first of this one's; the table itself if there is none."""
        if not self.parents:
            return self
        names = tuple(name for name, parent in zip(self.names, self.parents, strict=True) if name == parent)
        return ClassTable(names, self.colors[: len(names)], tuple(name for name in self.things if name in names))

    def labels_in(self, other: ClassTable) -> np.ndarray:
        """Label of each of these classes in another table: that of its name there, else that of its parent.

        Returns (C,) uint8. Raises `ClassTableError` where a class is in neither way in the other table, or where the
        other one has several classes for one of these.
        """
        parents = self.parents or self.names
        found = [name if name in other.names else parent for name, parent in zip(self.names, parents, strict=True)]
        missing = [name for name, target in zip(self.names, found, strict=True) if target not in other.names]
        if missing:
            raise ClassTableError(
                f"the classes {', '.join(self.names)} cannot be read as the classes {', '.join(other.names)}: "
                f"nothing there stands for {', '.join(missing)}"
            )
        parted = {
            parent
            for name, parent in zip(other.names, other.parents, strict=False)
            if parent in self.names and name not in self.names
        }
        if parted:
            raise ClassTableError(
                f"the classes {', '.join(self.names)} cannot be read as the classes {', '.join(other.names)}: "
                f"there, classes of their own are parts of {', '.join(sorted(parted))}"
            )
        return np.array([other.names.index(name) for name in found], np.uint8)

    def base_labels(self) -> np.ndarray:
        """Label of each class in the smaller table: (C,) uint8; its own label without a smaller table."""
        return self.labels_in(self.base())

    def to_dict(self) -> dict:
        table = {"names": list(self.names), "colors": [list(c) for c in self.colors], "things": list(self.things)}
        return {**table, "parents": list(self.parents)} if self.parents else table

    @classmethod
    def from_dict(cls, table: dict) -> ClassTable:
        colors = tuple((int(r), int(g), int(b)) for r, g, b in table["colors"])
        return cls(tuple(table["names"]), colors, tuple(table["things"]), tuple(table.get("parents", ())))


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

_FURNISHED: tuple[tuple[str, tuple[int, int, int], str], ...] = (
    ("bed", (255, 187, 120), "clutter"),
    ("cabinet", (31, 119, 180), "bookcase"),
    ("counter", (23, 190, 207), "table"),
    ("appliance", (255, 127, 14), "clutter"),
    ("sanitary", (227, 119, 194), "clutter"),
    ("screen", (90, 60, 160), "clutter"),
    ("lamp", (255, 240, 150), "clutter"),
    ("plant", (20, 120, 30), "clutter"),
    ("curtain", (180, 60, 110), "clutter"),
    ("picture", (150, 100, 60), "clutter"),
)
"""Class, colour, and the class of S3DIS that stands for it."""

INDOOR = ClassTable(
    names=S3DIS.names + tuple(name for name, _, _ in _FURNISHED),
    colors=S3DIS.colors + tuple(color for _, color, _ in _FURNISHED),
    things=S3DIS.things + tuple(name for name, _, _ in _FURNISHED),
    parents=S3DIS.names + tuple(parent for _, _, parent in _FURNISHED),
)
"""23 classes of homes, offices and shops: the 13 of S3DIS with their labels and colours, then ten more."""

TABLES = {"s3dis": S3DIS, "indoor": INDOOR}
"""Class tables by name, as `--classes` takes them."""


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
