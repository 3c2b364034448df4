"""Sources of training data: rooms, their class table, and their share of the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.data.rooms import Room
from jspnet_core.errors import ClassTableError
from jspnet_core.training.targets import Targets


@dataclass(frozen=True)
class Source:
    """Rooms of one data set.

    classes: table of their labels. share: of the blocks, relative to the other sources. single_views: each room is one
    frame of a camera, with z above the floor. validation: rooms that are not trained on.
    """

    name: str
    rooms: Sequence[Room]
    classes: ClassTable
    share: float = 1.0
    single_views: bool = False
    validation: Sequence[Room] = ()


def common_classes(tables: Sequence[ClassTable]) -> ClassTable:
    """Return the table of a network trained on rooms of all these tables: the largest, which must contain the others.

    Raises `ClassTableError`, naming two tables that do not fit together.
    """
    largest = max(tables, key=len)
    Targets.of(largest, tables)
    return largest


def fits(classes: ClassTable, rooms: ClassTable) -> bool:
    """Whether rooms with a table can train a network with these classes, which stay as they are."""
    try:
        Targets.of(classes, [rooms])
    except ClassTableError:
        return False
    return True


def shares(sources: Sequence[Source]) -> np.ndarray:
    """Return the share of the blocks of each source: (S,) float64, adding up to 1."""
    given = np.array([source.share for source in sources], float)
    return given / given.sum()
