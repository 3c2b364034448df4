"""`jspnet diff`: what changed between two saved maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from jspnet_core.classes import ClassTable
from jspnet_core.cli.terminal import output
from jspnet_core.memory.diff import MapDifference, difference
from jspnet_core.memory.map_object import MapObject
from jspnet_core.memory.storage import MapFileError, load_objects


def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="map that was saved first (.npz)")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="map of the same place that was saved later (.npz)")],
) -> None:
    """Compare two saved maps: objects that appeared, are gone, or moved.

    Both maps must be in one map frame. An object that moved by less than 0.3 m counts as unchanged.
    """
    old, classes = load_objects(before)
    new, classes_after = load_objects(after)
    if classes.names != classes_after.names:
        raise MapFileError(
            f"{after} has the classes {', '.join(classes_after.names)}, {before} has {', '.join(classes.names)}: "
            "maps of one class table are needed"
        )
    found = difference(old, new)
    console = output()
    console.print(_table(found, classes))
    console.print(
        f"{len(old)} objects before, {len(new)} after: {len(found.appeared)} appeared, {len(found.gone)} gone, "
        f"{len(found.moved)} moved",
        highlight=False,
    )


def _table(found: MapDifference, classes: ClassTable) -> Table:
    table = Table("change", "class", "id", "place (x y z, m)", "moved by", box=None, padding=(0, 2))
    for word, items in (("appeared", found.appeared), ("gone", found.gone)):
        for item in items:
            table.add_row(word, classes.names[item.label], str(item.id), _place(item), "")
    for old, new in found.moved:
        distance = float(np.linalg.norm(new.centroid - old.centroid))
        name, ids = classes.names[new.label], str(old.id) if old.id == new.id else f"{old.id} -> {new.id}"
        table.add_row("moved", name, ids, f"{_place(old)} -> {_place(new)}", f"{distance:.2f} m")
    return table


def _place(item: MapObject) -> str:
    return " ".join(f"{value:.2f}" for value in item.centroid)
