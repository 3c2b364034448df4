"""Random training blocks: columns around drawn points of rooms and of camera views, without end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.depth_view import random_camera_pose, simulate_view
from jspnet_core.data.rooms import Room
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import BlockDataset, LabelledPoints
from jspnet_core.training.dataset.room_bounds import points_near
from jspnet_core.training.recipe import Augmentation

MIN_BLOCK_VOXELS = 64
"""Fewest occupied voxels of a block."""

MAX_SLANT = 1.5
"""Upper bound, for common cameras, of the distance of a point at the image border divided by its depth."""


class RandomBlockDataset(BlockDataset):
    """Blocks around random points. Each block number draws a room, a point of it, and perhaps a camera view.

    A room is drawn in proportion to its points. With `balance` a class is drawn first, among those of all rooms, then
    a room by the square root of its points of that class: rare classes are seen more often.
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
        super().__init__(rooms, configuration, augmentation, seed, teacher, targets)
        size = np.array([len(room) for room in rooms], float)
        self.room_share = size / size.sum()
        self.present = np.flatnonzero(self.counts.sum(axis=0))
        root = np.sqrt(self.counts)
        self.room_share_by_class = root / np.maximum(root.sum(axis=0), 1e-9)  # (rooms, classes)

    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        wanted = int(rng.choice(self.present)) if rng.random() < self.augmentation.balance else None
        share = self.room_share if wanted is None else self.room_share_by_class[:, wanted]
        room = int(rng.choice(len(self.rooms), p=share))
        source = self.draw_source(room, rng)
        if len(source.points) < MIN_BLOCK_VOXELS:
            return None
        center = source.points[self.center(source.label, wanted, rng), :2]
        return self.cut_block(source, center, MIN_BLOCK_VOXELS, rng)

    def draw_source(self, room: int, rng: np.random.Generator) -> LabelledPoints:
        """Return a room or, with the probability of `views`, a simulated camera view of it."""
        return self.camera_view(room, rng) if rng.random() < self.augmentation.views else self.room_points(room)

    def center(self, label: np.ndarray, wanted: int | None, rng: np.random.Generator) -> int:
        """Draw the index of the block's central point: of the wanted class if present, else any."""
        candidates = np.flatnonzero(label == (-1 if wanted is None else wanted))
        return int(rng.choice(candidates)) if len(candidates) else int(rng.integers(len(label)))

    def camera_view(self, number: int, rng: np.random.Generator) -> LabelledPoints:
        """Simulate a depth camera at a random pose in a room. Reads only the points within the camera's range."""
        room, camera = self.rooms[number], self.augmentation.view
        points = np.asarray(room.points)
        pose = random_camera_pose(self.bounds[number].corners, rng)
        index = points_near(points, float(pose.eye[0]), float(pose.eye[1]), camera.max_range * MAX_SLANT)
        view = simulate_view(points[index], rng, camera, pose)
        keep = index[view.visible]
        colors = np.array(room.colors[keep])
        if rng.random() < self.augmentation.edge_color:
            colors[~view.colored] = 0
        return LabelledPoints(view.points, colors, room.label[keep], room.instance[keep], view.points)
