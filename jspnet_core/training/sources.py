"""Sources of training data: rooms with their class table, and their share of the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.data.rooms import Room
from jspnet_core.training.targets import Targets


@dataclass(frozen=True)
class Source:
    """Rooms of one kind.

    classes: what their labels count in. share: of the blocks, relative to those of the other sources. single_views:
    each room is one frame of a camera, with z above the floor. validation: rooms that do not train.
    """

    name: str
    rooms: Sequence[Room]
    classes: ClassTable
    share: float = 1.0
    single_views: bool = False
    validation: Sequence[Room] = ()


def common_classes(tables: Sequence[ClassTable]) -> ClassTable:
    """The table that rooms of all these tables can train a network of: the largest, which the others must fit.

    Raises `ClassTableError`, naming two tables that do not fit together.
    """
    largest = max(tables, key=len)
    Targets.of(largest, tables)
    return largest


def shares(sources: Sequence[Source]) -> np.ndarray:
    """Share of the blocks of each source: (S,) float64, adds up to 1."""
    given = np.array([source.share for source in sources], float)
    return given / given.sum()
