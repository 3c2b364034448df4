"""Training blocks cut from labelled rooms. Block i is the same for the same seed, in any process and at any time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Dataset

from jspnet_core.data.rooms import Room, RoomFileError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import block_features, sample_block
from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.training.dataset.augmentation import augment_colors, jitter, random_transform
from jspnet_core.training.dataset.room_bounds import BoundsOfRooms, cut_column, points_by_class
from jspnet_core.training.recipe import Augmentation

MAX_ATTEMPTS = 1000
"""Attempts at one block before its rooms are refused."""


@dataclass(frozen=True)
class LabelledPoints:
    """Part of a room, or of a camera view of it, from which a block is cut. P points.

    points: (P, 3) float32, metres. colors: (P, 3) uint8. label: (P,) uint8. instance: (P,) int32.
    corners: (H, 3) float32, points with the extent of the whole room or view.
    """

    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    corners: np.ndarray


class BlockDataset(Dataset, ABC):
    """Blocks of labelled rooms: features, pyramid, label and instance ids of one block.

    teacher: configuration of a teacher network, whose features and pyramid of a block are then added. The network in
    training takes the first of the teacher's points. targets: (256,) uint8, target of each label of the rooms if the
    network has other classes (see `jspnet_core.training.targets`).
    """

    def __init__(
        self,
        rooms: Sequence[Room],
        configuration: NetworkConfiguration,
        augmentation: Augmentation,
        seed: int,
        teacher: NetworkConfiguration | None = None,
        targets: np.ndarray | None = None,
    ):
        self.rooms = rooms
        self.configuration = configuration
        self.augmentation = augmentation
        self.seed = seed
        self.targets = targets
        self.bounds = BoundsOfRooms(rooms)
        self.counts = np.stack([points_by_class(room, configuration.classes) for room in rooms])  # (rooms, classes)
        self.configurations = {"": configuration} if teacher is None else {"": configuration, "teacher_": teacher}
        """Networks that take a block, by the prefix of their entries in a sample."""

    @abstractmethod
    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        """Attempt to cut block `number`; None if it would hold too few points."""

    def generator(self, number: int) -> np.random.Generator:
        """Create the random generator of block `number`."""
        return np.random.default_rng([self.seed, number])

    def __getitem__(self, number: int) -> dict:
        rng = self.generator(number)
        for _ in range(MAX_ATTEMPTS):  # a camera close to a wall sees too few points
            block = self.draw(number, rng)
            if block is not None:
                return block
        names = ", ".join(room.name for room in self.rooms[:3])
        raise RoomFileError(
            f"rooms {names}{', ...' if len(self.rooms) > 3 else ''}: {MAX_ATTEMPTS} attempts found no block of "
            f"{self.configuration.block_size:g} m with enough points; are the coordinates metres?"
        )

    def room_points(self, number: int) -> LabelledPoints:
        """Return a whole room. It is memory-mapped: cutting reads colours and labels of the block's points only."""
        room = self.rooms[number]
        return LabelledPoints(
            np.asarray(room.points), room.colors, room.label, room.instance, self.bounds[number].corners
        )

    def cut_block(
        self, source: LabelledPoints, center: np.ndarray, min_points: int, rng: np.random.Generator
    ) -> dict | None:
        """Cut a block around `center` (2,), randomly rotated and scaled; None with fewer than `min_points` points."""
        transform = random_transform(self.augmentation, rng)
        origin = np.array([*center, 0.0], np.float32)
        half = 0.5 * self.configuration.block_size + 1e-6
        index, points = cut_column(source.points, origin, transform, half)
        order = rng.permutation(len(index))
        if self.augmentation.voxels:  # the first point of a voxel represents it
            order = order[voxelize(points[order], self.augmentation.voxel_size).representative]
        if len(order) < min_points:
            return None
        drawn = self.sample_points(order, rng)
        chosen = index[drawn]
        corners = (source.corners - origin) @ transform
        cloud = np.concatenate([jitter(points[drawn], self.augmentation, rng), corners])
        return self.make_sample(cloud, source.colors[chosen], source.label[chosen], source.instance[chosen], rng)

    def sample_points(self, inside: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw N of the given indices. The paper's code draws with replacement even if there are more than N."""
        count = max(c.points for c in self.configurations.values())
        if self.augmentation.replacement and len(inside) > count:
            return rng.choice(inside, count)
        return sample_block(inside, count, rng)

    def make_sample(
        self, cloud: np.ndarray, colors: np.ndarray, label: np.ndarray, instance: np.ndarray, rng: np.random.Generator
    ) -> dict:
        """Compute the inputs of networks and losses from N points. cloud: (N + H, 3), the points before the corners."""
        c = self.configuration
        index = np.arange(len(label))[None]
        features = block_features(cloud, colors, index, color=c.color, block_size=c.block_size)[0]
        if c.color:
            features[:, 3:6] = augment_colors(features[:, 3:6], self.augmentation, rng)
        target = label if self.targets is None else self.targets[label]
        sample: dict = {
            "label": target[: c.points].astype(np.int64),
            "instance": np.unique(instance[: c.points], return_inverse=True)[1].astype(np.int64),
        }
        for prefix, network in self.configurations.items():
            sample[f"{prefix}features"] = features[: network.points]
            sample[f"{prefix}pyramid"] = build_pyramid(features[: network.points, :3], network)
        return sample

    def collate(self, samples: list[dict]) -> dict:
        """Stack samples to a batch of tensors.

        Returns `features` (B, N, channels), `label` and `instance` (B, N), `pyramid`, a dictionary of tensors, and
        `instances`, an int, the largest number of instances of a block. With a teacher also `teacher_features` and
        `teacher_pyramid`.
        """
        names = ("label", "instance", *(f"{prefix}features" for prefix in self.configurations))
        batch: dict = {name: torch.from_numpy(np.stack([s[name] for s in samples])) for name in names}
        for prefix, network in self.configurations.items():
            stacked = stack_pyramids([s[f"{prefix}pyramid"] for s in samples], network)
            batch[f"{prefix}pyramid"] = {name: torch.from_numpy(array) for name, array in stacked.items()}
        batch["instances"] = int(batch["instance"].max()) + 1
        return batch
