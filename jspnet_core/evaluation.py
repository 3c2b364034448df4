"""Run a model over labelled rooms and score what it says, point by point of the room."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.data.rooms import Room, RoomFileError, read_room
from jspnet_core.metrics import RoomScore, score_room
from jspnet_core.segmenter import Segmenter


@dataclass(frozen=True)
class RoomResult:
    """One evaluated room.

    points: points of the room. unlabelled: those that the model gave no label. blocks: blocks through the network.
    instances: predicted ones. seconds: of segmenting, reading left out.
    """

    name: str
    points: int
    unlabelled: int
    blocks: int
    instances: int
    seconds: float
    score: RoomScore

    def to_dict(self) -> dict[str, str | int | float]:
        """For JSON: everything but the counts."""
        return {key: value for key, value in vars(self).items() if key != "score"}


def evaluate_rooms(segmenter: Segmenter, paths: Sequence[Path]) -> Iterator[RoomResult]:
    """Segment rooms from files one by one and score each.

    Rooms keep their own frame, z up with z = 0 at the lowest point, as in training; no gravity is looked for.
    Raises `RoomFileError`, also for rooms with classes that the model does not know.
    """
    for path in paths:
        room = read_room(path)
        _check_classes(path, room, len(segmenter.classes))
        start = time.perf_counter()
        found = segmenter.segment(room.points, room.colors, T_gravity_input=np.eye(4))
        seconds = time.perf_counter() - start
        score = score_room(found.label, found.instance, room.label, room.instance, len(segmenter.classes))
        unlabelled = int((found.label == UNLABELLED).sum())
        yield RoomResult(room.name, len(room), unlabelled, found.blocks, len(found.instances), seconds, score)


def _check_classes(path: Path, room: Room, class_count: int) -> None:
    known = room.label[room.label != UNLABELLED]
    if len(known) and known.max() >= class_count:
        highest = class_count - 1
        raise RoomFileError(f"{path}: holds class {known.max()}, but the model's classes are 0 to {highest}")
