"""Training blocks, drawn anew for every step from augmented rooms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch.utils.data import Dataset, Sampler

from jspnet_core.blocks import block_features, sample_block
from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.data.rooms import Room
from jspnet_core.depth_view import View, see
from jspnet_core.pyramid import build_pyramid, stack_pyramids
from jspnet_core.training.augmentation import turn
from jspnet_core.voxels import voxelise

MIN_VOXELS = 64


class Augmentation(BaseModel):
    """Which share of the training blocks goes through what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turn: bool = Field(True, description="turn rooms about z by any angle, mirror half of them")
    views: float = Field(0.5, ge=0, le=1, description="share of blocks cut from what a depth camera would see")
    balance: float = Field(0.0, ge=0, le=1, description="share of blocks around a point of a random class in view")
    color_drop: float = Field(0.15, ge=0, le=1, description="share of blocks whose colours are taken away")
    color_gain: float = Field(0.15, ge=0, le=1, description="largest change of brightness, as a share")
    voxel_size: float = Field(0.03, gt=0, description="metres; as the runtime's")


class BlockSet(Dataset):
    """Block number i, the same for the same seed: features, pyramid, label and instance of one block.

    A block is a column around a point of a room (see `Augmentation.balance`), so crowded places are met more often
    than bare floor.
    """

    def __init__(
        self, rooms: Sequence[Room], configuration: NetworkConfiguration, augmentation: Augmentation, seed: int
    ):
        self.rooms = rooms
        self.configuration = configuration
        self.augmentation = augmentation
        self.seed = seed
        size = np.array([len(room.points) for room in rooms], float)
        self.share = size / size.sum()
        self.view = View()

    def __getitem__(self, number: int) -> dict:
        rng = np.random.default_rng([self.seed, number])
        while True:  # a camera that faces a wall sees no block: look again
            block = self.draw(self.rooms[rng.choice(len(self.rooms), p=self.share)], rng)
            if block is not None:
                return block

    def draw(self, room: Room, rng: np.random.Generator) -> dict | None:
        points, keep = room.points, np.arange(len(room.points))
        if self.augmentation.turn:
            points = turn(points, rng)
        if rng.random() < self.augmentation.views:
            keep, points = see(points, rng, self.view)
            if len(points) < MIN_VOXELS:
                return None
        middle = points[self.center(room.label[keep], rng), :2]
        half = 0.5 * self.configuration.block_size
        inside = np.flatnonzero((np.abs(points[:, 0] - middle[0]) <= half) & (np.abs(points[:, 1] - middle[1]) <= half))
        inside = rng.permutation(inside)  # the first point of a voxel represents it
        inside = inside[voxelise(points[inside], self.augmentation.voxel_size).representative]
        if len(inside) < MIN_VOXELS:
            return None
        index = sample_block(inside, self.configuration.points, rng)
        features = block_features(
            points,
            room.colors[keep],
            index[None],
            color=self.configuration.color,
            block_size=self.configuration.block_size,
        )[0]
        self.recolor(features, rng)
        return {
            "features": features,
            "pyramid": build_pyramid(features[:, :3], self.configuration),
            "label": room.label[keep[index]].astype(np.int64),
            "instance": np.unique(room.instance[keep[index]], return_inverse=True)[1].astype(np.int64),
        }

    def center(self, label: np.ndarray, rng: np.random.Generator) -> int:
        """Which point a block lies around: any, or one of a class that is drawn first, so that rare ones are met."""
        if rng.random() >= self.augmentation.balance:
            return int(rng.integers(len(label)))
        wanted = rng.choice(np.flatnonzero(np.bincount(label)))
        return int(rng.choice(np.flatnonzero(label == wanted)))

    def recolor(self, features: np.ndarray, rng: np.random.Generator) -> None:
        """Change the colours of a block in place: features (N, 9)."""
        if self.configuration.color:
            gain = 1.0 + self.augmentation.color_gain * rng.uniform(-1.0, 1.0, 3)
            dropped = rng.random() < self.augmentation.color_drop
            features[:, 3:6] = 0.0 if dropped else np.minimum(features[:, 3:6] * gain, 1.0)

    def collate(self, blocks: list[dict]) -> dict:
        """Tensors of a batch; `pyramid` is a dictionary of tensors itself."""
        pyramid = stack_pyramids([b["pyramid"] for b in blocks], self.configuration)
        batch: dict = {k: torch.from_numpy(np.stack([b[k] for b in blocks])) for k in ("features", "label", "instance")}
        batch["pyramid"] = {name: torch.from_numpy(array) for name, array in pyramid.items()}
        return batch


class Numbers(Sampler[int]):
    """Block numbers from `start` to `end`: a resumed run goes on where it stopped."""

    def __init__(self, start: int, end: int):
        self.start, self.end = start, end

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.end))

    def __len__(self) -> int:
        return max(0, self.end - self.start)
