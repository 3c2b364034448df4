"""Training blocks: number i is the same block for the same seed, whoever draws it and whenever."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from jspnet_core.data.depth_view import random_pose as random_camera
from jspnet_core.data.depth_view import see
from jspnet_core.data.rooms import Room, RoomFileError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import block_features, sample_block
from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.training.dataset.augmentation import augment_colors, jitter, random_transform
from jspnet_core.training.dataset.room_bounds import column, points_near, room_bounds
from jspnet_core.training.recipe import Augmentation

MIN_VOXELS = 64
MAX_ATTEMPTS = 1000
MAX_SLANT = 1.5
"""A point at the picture's edge is farther away than its depth, by less than this for any common camera."""


@dataclass(frozen=True)
class LabelledPoints:
    """The part of a room, or of a view, that a block is cut from. P points.

    points: (P, 3) float32. colors: (P, 3) uint8. label: (P,) uint8. instance: (P,) int32.
    corners: (H, 3) float32, points that have the extent of the whole room or view.
    """

    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    corners: np.ndarray


class BlockDataset(Dataset, ABC):
    """Blocks of labelled rooms: features, pyramid, label and instance of one block."""

    teacher: NetworkConfiguration | None = None
    """Of a network that the one in training learns from: what it sees of a block comes along. The network in training
    sees the first of the same points."""

    targets: np.ndarray | None = None
    """Target of each label of the rooms, (256,) uint8, where the network has other classes: see `training.targets`."""

    def __init__(
        self, rooms: Sequence[Room], configuration: NetworkConfiguration, augmentation: Augmentation, seed: int
    ):
        self.rooms = rooms
        self.configuration = configuration
        self.augmentation = augmentation
        self.seed = seed
        self.bounds = [room_bounds(room, configuration.classes) for room in rooms]
        self.counts = np.stack([o.counts for o in self.bounds]).astype(float)  # (rooms, classes)

    @property
    def configurations(self) -> dict[str, NetworkConfiguration]:
        """Who sees a block, by the beginning of the names of what it sees."""
        own = {"": self.configuration}
        return own if self.teacher is None else {**own, "teacher_": self.teacher}

    @abstractmethod
    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        """One attempt at block `number`; None where it would hold too few points."""

    def generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])

    def __getitem__(self, number: int) -> dict:
        rng = self.generator(number)
        for _ in range(MAX_ATTEMPTS):  # a camera that faces a wall sees no block: look again
            block = self.draw(number, rng)
            if block is not None:
                return block
        names = ", ".join(room.name for room in self.rooms[:3])
        raise RoomFileError(
            f"rooms {names}{', ...' if len(self.rooms) > 3 else ''}: {MAX_ATTEMPTS} attempts found no block of "
            f"{self.configuration.block_size:g} m with enough points; are the coordinates metres?"
        )

    def room_points(self, number: int) -> LabelledPoints:
        """A whole room: mapped, so that cutting reads of its colours and labels no more than a block's points."""
        room = self.rooms[number]
        return LabelledPoints(
            np.asarray(room.points), room.colors, room.label, room.instance, self.bounds[number].corners
        )

    def cut_block(self, piece: LabelledPoints, middle: np.ndarray, least: int, rng: np.random.Generator) -> dict | None:
        """A block around `middle` (2,) of a piece, turned and scaled by chance; None with fewer than `least` points."""
        pose = random_transform(self.augmentation, rng)
        foot = np.array([*middle, 0.0], np.float32)
        half = 0.5 * self.configuration.block_size + 1e-6
        index, points = column(piece.points, foot, pose, half)
        order = rng.permutation(len(index))
        if self.augmentation.voxels:  # the first point of a voxel represents it
            order = order[voxelize(points[order], self.augmentation.voxel_size).representative]
        if len(order) < least:
            return None
        drawn = self.sample_points(order, rng)
        chosen = index[drawn]
        cloud = np.concatenate([jitter(points[drawn], self.augmentation, rng), (piece.corners - foot) @ pose])
        return self.make_sample(cloud, piece.colors[chosen], piece.label[chosen], piece.instance[chosen], rng)

    def sample_points(self, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """N of the given indices. The paper's code repeats points even where there are enough."""
        most = max(c.points for c in self.configurations.values())
        if self.augmentation.replacement and len(inside) > most:
            return rng.choice(inside, most)
        return sample_block(inside, most, rng)

    def make_sample(
        self, cloud: np.ndarray, colors: np.ndarray, label: np.ndarray, instance: np.ndarray, rng: np.random.Generator
    ) -> dict:
        """What networks and losses take of N points: cloud (N + H, 3), the block's points before the corners."""
        c = self.configuration
        index = np.arange(len(label))[None]
        features = block_features(cloud, colors, index, color=c.color, block_size=c.block_size)[0]
        if c.color:
            features[:, 3:6] = augment_colors(features[:, 3:6], self.augmentation, rng)
        known = label if self.targets is None else self.targets[label]
        block: dict = {
            "label": known[: c.points].astype(np.int64),
            "instance": np.unique(instance[: c.points], return_inverse=True)[1].astype(np.int64),
        }
        for who, seen in self.configurations.items():
            block[f"{who}features"] = features[: seen.points]
            block[f"{who}pyramid"] = build_pyramid(features[: seen.points, :3], seen)
        return block

    def collate(self, blocks: list[dict]) -> dict:
        """Tensors of a batch: `features`, `label`, `instance`; `pyramid`, a dictionary of tensors itself; `instances`,
        the most of a block, an int. With a teacher `teacher_features` and `teacher_pyramid`, too."""
        names = ("label", "instance", *(f"{who}features" for who in self.configurations))
        batch: dict = {name: torch.from_numpy(np.stack([b[name] for b in blocks])) for name in names}
        for who, seen in self.configurations.items():
            stacked = stack_pyramids([b[f"{who}pyramid"] for b in blocks], seen)
            batch[f"{who}pyramid"] = {name: torch.from_numpy(array) for name, array in stacked.items()}
        batch["instances"] = int(batch["instance"].max()) + 1
        return batch


class RandomBlockDataset(BlockDataset):
    """Columns around drawn points, of rooms and of what a depth camera sees of them, without end.

    Larger rooms are drawn more often, and crowded places more often than bare floor. With `balance` a class is drawn
    first, of all that the rooms hold, then a room by the root of its points of that class, so that rare ones are met.
    """

    def __init__(
        self, rooms: Sequence[Room], configuration: NetworkConfiguration, augmentation: Augmentation, seed: int
    ):
        super().__init__(rooms, configuration, augmentation, seed)
        size = np.array([len(room) for room in rooms], float)
        self.share = size / size.sum()
        self.present = np.flatnonzero(self.counts.sum(axis=0))
        root = np.sqrt(self.counts)
        self.rooms_of = root / np.maximum(root.sum(axis=0), 1e-9)  # (rooms, classes)

    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        wanted = int(rng.choice(self.present)) if rng.random() < self.augmentation.balance else None
        share = self.share if wanted is None else self.rooms_of[:, wanted]
        room = int(rng.choice(len(self.rooms), p=share))
        piece = self.piece_of(room, rng)
        if len(piece.points) < MIN_VOXELS:
            return None
        middle = piece.points[self.center(piece.label, wanted, rng), :2]
        return self.cut_block(piece, middle, MIN_VOXELS, rng)

    def piece_of(self, room: int, rng: np.random.Generator) -> LabelledPoints:
        """The room, or what a camera sees of it."""
        return self.camera_view(room, rng) if rng.random() < self.augmentation.views else self.room_points(room)

    def center(self, label: np.ndarray, wanted: int | None, rng: np.random.Generator) -> int:
        """Which point a block lies around: one of the wanted class where it is in sight, else any."""
        there = np.flatnonzero(label == (-1 if wanted is None else wanted))
        return int(rng.choice(there)) if len(there) else int(rng.integers(len(label)))

    def camera_view(self, number: int, rng: np.random.Generator) -> LabelledPoints:
        """What a depth camera at a random pose in a room sees of it; reads no farther than its range."""
        room, view = self.rooms[number], self.augmentation.view
        points = np.asarray(room.points)
        camera = random_camera(self.bounds[number].corners, rng)
        index = points_near(points, float(camera.eye[0]), float(camera.eye[1]), view.max_range * MAX_SLANT)
        sight = see(points[index], rng, view, camera)
        keep = index[sight.visible]
        colors = np.array(room.colors[keep])
        if rng.random() < self.augmentation.edge_color:
            colors[~sight.colored] = 0
        return LabelledPoints(sight.points, colors, room.label[keep], room.instance[keep], sight.points)
