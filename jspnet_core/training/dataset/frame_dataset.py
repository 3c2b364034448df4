"""Blocks of recorded or generated camera frames: what hides is missing already, no view has to be simulated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.depth_view import gravity_error
from jspnet_core.data.rooms import Room
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.spatial.transforms import transform_points
from jspnet_core.training.dataset.block_dataset import LabelledPoints, RandomBlockDataset
from jspnet_core.training.recipe import Augmentation


class FrameBlockDataset(RandomBlockDataset):
    """Columns around drawn points of single views, each view as often as the other, or by `balance` as of rooms.

    z of a view is above the floor. As a robot knows gravity and the floor only roughly, a view is tilted and lifted by
    as much as a simulated one.
    """

    def __init__(
        self, rooms: Sequence[Room], configuration: NetworkConfiguration, augmentation: Augmentation, seed: int
    ):
        super().__init__(rooms, configuration, augmentation, seed)
        self.share = np.full(len(rooms), 1.0 / len(rooms))

    def piece_of(self, room: int, rng: np.random.Generator) -> LabelledPoints:
        """The whole view, with gravity a little wrong."""
        view = self.rooms[room]
        points, corners = np.asarray(view.points), self.bounds[room].corners
        T = gravity_error(corners[:, :2].mean(axis=0), rng, self.augmentation.view)
        moved, corners = (transform_points(T, x).astype(np.float32) for x in (points, corners))
        return LabelledPoints(moved, view.colors, view.label, view.instance, corners)
