"""Training blocks of recorded or generated camera frames, which lack hidden surfaces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.depth_view import gravity_error
from jspnet_core.data.rooms import Room
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.spatial.transforms import transform_points
from jspnet_core.training.dataset.block_dataset import LabelledPoints
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.recipe import Augmentation


class FrameBlockDataset(RandomBlockDataset):
    """Blocks around random points of single views; all views have equal probability, or with `balance` as for rooms.

    z of a view is above the floor. Gravity and floor height get the same errors as in simulated views.
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
        self.room_share = np.full(len(rooms), 1.0 / len(rooms))

    def draw_source(self, room: int, rng: np.random.Generator) -> LabelledPoints:
        """Return a whole view, with errors of gravity and floor height."""
        view = self.rooms[room]
        points, corners = np.asarray(view.points), self.bounds[room].corners
        T = gravity_error(corners[:, :2].mean(axis=0), rng, self.augmentation.view)
        moved, corners = (transform_points(T, x).astype(np.float32) for x in (points, corners))
        return LabelledPoints(moved, view.colors, view.label, view.instance, corners)
