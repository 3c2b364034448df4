"""Run a model over labelled rooms, or over what a depth camera sees of them, and score it point by point."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.data.depth_view import View, random_pose, see
from jspnet_core.data.rooms import Room, RoomFileError, read_room
from jspnet_core.evaluation.metrics import RoomScore, score_room
from jspnet_core.evaluation.test_time_augmentation import average_over_rotations
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.spatial.transforms import transform_points

MIN_VIEW_POINTS = 1000
"""Visible points below which a view is drawn again: a camera that stands before a wall shows nothing to score."""

MAX_DRAWS = 100
"""Poses tried for one view before the room is refused."""


@dataclass(frozen=True)
class RoomResult:
    """One evaluated room or view.

    name: of the room, with `#k` behind it for its k-th view. points: that were scored. unlabelled: those that the
    model gave no label. blocks: through the network. left_out: blocks beyond the frame's budget. instances:
    predicted ones. seconds: of segmenting, reading left out.
    """

    name: str
    points: int
    unlabelled: int
    blocks: int
    left_out: int
    instances: int
    seconds: float
    score: RoomScore

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the counts that pooling needs."""
        return {**{key: value for key, value in vars(self).items() if key != "score"}, "counts": self.score.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> RoomResult:
        """Raises KeyError, TypeError or ValueError for anything but what `to_dict` writes."""
        return cls(
            **{key: value for key, value in content.items() if key != "counts"},
            score=RoomScore.from_dict(content["counts"]),
        )


def evaluate_rooms(segmenter: Segmenter, paths: Sequence[Path], votes: int = 1) -> Iterator[RoomResult]:
    """Segment rooms from files one by one and score each.

    Rooms keep their own frame, z up with z = 0 at the lowest point, as in training; no gravity is looked for.
    votes: more than 1: labels are voted over so many rotations; instances are those of the cloud as it is.
    Raises `RoomFileError`, also for rooms with classes that the model does not know.
    """
    for path in paths:
        yield _score(segmenter, read_scorable_room(path, segmenter), np.eye(4), votes)


def evaluate_views(
    segmenter: Segmenter, paths: Sequence[Path], count: int, seed: int = 0, camera: View | None = None, votes: int = 1
) -> Iterator[RoomResult]:
    """Segment `count` simulated depth-camera frames of each room, one by one, and score each against its own points.

    The truth of a frame is the labels of the visible points. Frames depend on the seed and the room's name only, not
    on which other rooms are evaluated. Raises `RoomFileError`, also for rooms in which no view shows
    `MIN_VIEW_POINTS`.
    """
    for path in paths:
        for frame, T_room_frame in simulate_views(read_scorable_room(path, segmenter), count, seed, camera or View()):
            yield _score(segmenter, frame, T_room_frame, votes)


def simulate_views(room: Room, count: int, seed: int, camera: View) -> Iterator[tuple[Room, np.ndarray]]:
    """What the camera sees at `count` random poses in the room.

    Each frame comes as a room of the visible points, metres from the camera's foot on the floor, with the transform
    (4, 4) back into the room's frame. Points that the colour camera misses are black, as in training.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, zlib.crc32(room.name.encode()), number])
        for _ in range(MAX_DRAWS):
            pose = random_pose(room.points, rng)
            sight = see(room.points, rng, camera, pose)
            if len(sight.visible) >= MIN_VIEW_POINTS:
                break
        else:
            raise RoomFileError(
                f"room {room.name}: none of {MAX_DRAWS} views shows {MIN_VIEW_POINTS} of its {len(room)} points"
            )
        T_room_frame = np.eye(4)
        T_room_frame[:2, 3] = pose.eye[:2]  # the segmenter takes its input's origin for the sensor's place
        points = (sight.points - T_room_frame[:3, 3]).astype(np.float32)
        colors = np.where(sight.colored[:, None], room.colors[sight.visible], 0).astype(np.uint8)
        label, instance = room.label[sight.visible], room.instance[sight.visible]
        yield Room(f"{room.name}#{number}", points, colors, label, instance), T_room_frame


def read_scorable_room(path: Path, segmenter: Segmenter) -> Room:
    """A room all of whose classes the model has. Raises `RoomFileError`."""
    room = read_room(path)
    known = room.label[room.label != UNLABELLED]
    classes = len(segmenter.classes)
    if len(known) and known.max() >= classes:
        raise RoomFileError(f"{path}: holds class {known.max()}, but the model's classes are 0 to {classes - 1}")
    return room


def _score(segmenter: Segmenter, room: Room, T: np.ndarray, votes: int) -> RoomResult:
    """Segment a cloud, T being its transform into the gravity frame, and count what came out."""
    points, colors = np.asarray(room.points), np.asarray(room.colors)
    start = time.perf_counter()
    found = segmenter.segment(points, colors, T_gravity_input=T)
    label, confidence = found.label, found.confidence
    if votes > 1:
        upright = np.ascontiguousarray(transform_points(T, points))
        label, confidence = average_over_rotations(
            segmenter.engine, upright, colors, T[:2, 3], segmenter.settings, votes
        )
    seconds = time.perf_counter() - start
    score = score_room(label, found.instance, room.label, room.instance, len(segmenter.classes), confidence)
    unlabelled = int((label == UNLABELLED).sum())
    return RoomResult(
        room.name, len(room), unlabelled, found.blocks, found.blocks_left_out, len(found.instances), seconds, score
    )
