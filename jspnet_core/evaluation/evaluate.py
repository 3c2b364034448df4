"""Evaluation of a model on labelled rooms, or on simulated depth-camera views of them, point by point."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.data.depth_view import DepthCamera, random_camera_pose, simulate_view
from jspnet_core.data.rooms import Room, RoomFileError, read_room
from jspnet_core.evaluation.metrics import RoomScore, score_room
from jspnet_core.evaluation.test_time_augmentation import average_over_rotations
from jspnet_core.pipeline.objects import size_factor
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Segmentation
from jspnet_core.spatial.transforms import transform_points

MIN_VIEW_POINTS = 1000
"""Fewest visible points of a view; with fewer, as close to a wall, another pose is drawn."""

MAX_DRAWS = 100
"""Poses tried for one view before the room is refused."""


@dataclass(frozen=True)
class RoomResult:
    """Result of one room or view.

    name: of the room, followed by `#k` for its k-th view. points: scored points. unlabelled: points without a predicted
    label. blocks: blocks run through the network. left_out: blocks beyond `max_blocks`. instances: predicted
    instances. seconds: time of the segmentation, without reading.
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
        """Return the content for JSON, including the counts that pooling needs."""
        return {**{key: value for key, value in vars(self).items() if key != "score"}, "counts": self.score.to_dict()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> RoomResult:
        """Read the content of `to_dict`. Raises KeyError, TypeError or ValueError for other content."""
        return cls(
            **{key: value for key, value in content.items() if key != "counts"},
            score=RoomScore.from_dict(content["counts"]),
        )


def evaluate_rooms(
    segmenter: Segmenter,
    paths: Sequence[Path],
    votes: int = 1,
    relabel: np.ndarray | None = None,
    *,
    single_views: bool = False,
) -> Iterator[RoomResult]:
    """Segment rooms from files one by one and score each.

    Rooms keep their frame, z up with z = 0 at the lowest point, as in training; gravity is not estimated.
    votes: number of rotations for test-time augmentation of the labels; 1: none. Instances are found without it.
    relabel: (256,) uint8, the model's label of each label of the rooms; None: they are the same.
    single_views: the rooms are frames of a camera, z above the floor, whose place is taken for that of their middle.
    Raises `RoomFileError`, also for rooms with classes that the model does not have.
    """
    for path in paths:
        room, T_room_input = read_scorable_room(path, segmenter, relabel), np.eye(4)
        if single_views:
            T_room_input[:2, 3] = np.asarray(room.points)[:, :2].mean(axis=0)
            points = np.asarray(room.points) - T_room_input[:3, 3].astype(np.float32)
            room = Room(room.name, points, room.colors, room.label, room.instance)
        yield _score(segmenter, room, T_room_input, votes)


def evaluate_views(
    segmenter: Segmenter,
    paths: Sequence[Path],
    count: int,
    seed: int = 0,
    camera: DepthCamera | None = None,
    votes: int = 1,
    relabel: np.ndarray | None = None,
) -> Iterator[RoomResult]:
    """Segment `count` simulated depth-camera frames of each room and score each against its visible points.

    Frames depend on the seed and the name of the room only. Raises `RoomFileError`, also for rooms without a view of
    `MIN_VIEW_POINTS` points.
    """
    for path in paths:
        for frame, T_room_frame in simulate_views(
            read_scorable_room(path, segmenter, relabel), count, seed, camera or DepthCamera()
        ):
            yield _score(segmenter, frame, T_room_frame, votes)


def simulate_views(room: Room, count: int, seed: int, camera: DepthCamera) -> Iterator[tuple[Room, np.ndarray]]:
    """Simulate camera views at `count` random poses in a room.

    Yields a room of the visible points, metres, with the origin below the camera on the floor, and the transform (4, 4)
    into the frame of the given room. Points outside the colour camera's view are black, as in training.
    """
    for number in range(count):
        rng = np.random.default_rng([seed, zlib.crc32(room.name.encode()), number])
        for _ in range(MAX_DRAWS):
            pose = random_camera_pose(room.points, rng)
            view = simulate_view(room.points, rng, camera, pose)
            if len(view.visible) >= MIN_VIEW_POINTS:
                break
        else:
            raise RoomFileError(
                f"room {room.name}: none of {MAX_DRAWS} views shows {MIN_VIEW_POINTS} of its {len(room)} points"
            )
        T_room_frame = np.eye(4)
        T_room_frame[:2, 3] = pose.eye[:2]  # the segmenter assumes the sensor at the origin of its input
        points = (view.points - T_room_frame[:3, 3]).astype(np.float32)
        colors = np.where(view.colored[:, None], room.colors[view.visible], 0).astype(np.uint8)
        label, instance = room.label[view.visible], room.instance[view.visible]
        yield Room(f"{room.name}#{number}", points, colors, label, instance), T_room_frame


def read_scorable_room(path: Path, segmenter: Segmenter, relabel: np.ndarray | None = None) -> Room:
    """Read a room whose classes the model has, after `relabel` (256,). Raises `RoomFileError`."""
    room = read_room(path)
    if relabel is not None:
        room = Room(room.name, np.asarray(room.points), room.colors, relabel[room.label], room.instance)
    known = room.label[room.label != UNLABELLED]
    classes = len(segmenter.classes)
    if len(known) and known.max() >= classes:
        raise RoomFileError(f"{path}: contains class {known.max()}, the classes of the model are 0 to {classes - 1}")
    return room


def _score(segmenter: Segmenter, room: Room, T: np.ndarray, votes: int) -> RoomResult:
    """Segment a cloud and score the result. T: (4, 4), from the cloud's frame to the gravity frame."""
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
    confidence = _of_objects(confidence, found, segmenter.settings.voxel_size)
    score = score_room(label, found.instance, room.label, room.instance, len(segmenter.classes), confidence)
    unlabelled = int((label == UNLABELLED).sum())
    return RoomResult(
        room.name, len(room), unlabelled, found.blocks, found.blocks_left_out, len(found.instances), seconds, score
    )


def _of_objects(confidence: np.ndarray, found: Segmentation, voxel_size: float) -> np.ndarray:
    """Confidence of each point times the size factor of its object, whose mean is the object's confidence: (N,)."""
    factor = np.ones(int(found.instance.max(initial=0)) + 1)
    for instance in found.instances:
        factor[instance.id] = size_factor(instance.voxel_count, voxel_size)
    return confidence * factor[found.instance]
