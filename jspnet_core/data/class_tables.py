"""Class tables from names, and from the `--classes` option."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jspnet_core.classes import INDOOR, TABLES, ClassTable, instance_palette
from jspnet_core.data.room_index import RoomFileError

STRUCTURE = frozenset({"ceiling", "floor", "wall"})
"""Classes that are not things, unless a table lists its things."""


def make_table(names: Sequence[str]) -> ClassTable:
    """Create a table from names. Colours are those of `INDOOR` for its classes, else well-separated ones."""
    spread = instance_palette(np.arange(1, len(names) + 1))
    known = dict(zip(INDOOR.names, INDOOR.colors, strict=True))
    colors = [known.get(name, (int(r), int(g), int(b))) for name, (r, g, b) in zip(names, spread, strict=True)]
    return ClassTable(tuple(names), tuple(colors), tuple(name for name in names if name not in STRUCTURE))


def read_class_table(given: str) -> tuple[ClassTable, dict[int, int]]:
    """Read a class table, and the class id of each label in the files, from the value of `--classes`.

    given: `s3dis` or `indoor`; names separated by commas, for labels 0, 1, ...; or a JSON file with `names` and
    optionally `colors` (red green blue, 0 to 255), `things` (names) and `labels` (label of each name in the files).
    Raises `RoomFileError`.
    """
    if given in TABLES:
        return TABLES[given], {i: i for i in range(len(TABLES[given]))}
    if not given.endswith(".json"):
        return _table({"names": [name.strip() for name in given.split(",")]}, f"--classes {given}")
    try:
        content = json.loads(Path(given).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RoomFileError(f"--classes {given}: not a JSON file ({error})") from None
    return _table(content, f"--classes {given}")


def _table(content: dict, where: str) -> tuple[ClassTable, dict[int, int]]:
    known = {"names", "colors", "things", "labels"}
    if not isinstance(content, dict) or "names" not in content or not content.keys() <= known:
        raise RoomFileError(f"{where}: must be an object with names and optionally colors, things and labels")
    names = content["names"]
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise RoomFileError(f"{where}: names must be a list of names, found {names!r}")
    labels = content.get("labels", list(range(len(names))))
    unique = isinstance(labels, list) and all(type(i) is int for i in labels) and len(set(labels)) == len(labels)
    if not unique or len(labels) != len(names):
        raise RoomFileError(f"{where}: labels must be {len(names)} different integers, one per name, found {labels!r}")
    try:
        default = make_table(names).to_dict()
        table = ClassTable.from_dict(
            {**default, **{key: content[key] for key in ("colors", "things") if key in content}}
        )
    except (ValueError, TypeError) as error:
        raise RoomFileError(f"{where}: {error}") from None
    return table, {label: i for i, label in enumerate(labels)}
