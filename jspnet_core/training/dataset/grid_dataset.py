"""Training blocks of the paper: columns on a fixed grid of each room, each once per epoch (paper, section 4.2).

The grid is that of the paper's evaluation (`jspnet_core.evaluation.paper_protocol`), which visits the columns in the
order of the reference and cuts them from one room at once; here a column can be cut alone, rotated and scaled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.rooms import MIN_ROOM_POINTS, Room, RoomFileError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.dataset.room_bounds import RoomBounds
from jspnet_core.training.recipe import Augmentation


class GridBlockDataset(BlockDataset):
    """Columns every half block from a room's corner with at least 100 points, or as many at random places.

    An epoch contains every column once, in a new order; block i is column i % n of epoch i // n.
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
        self.random = augmentation.cut == "random"
        centers = self._random_centers if self.random else self._grid_centers
        self.columns = np.concatenate([centers(i, room, self.bounds[i]) for i, room in enumerate(rooms)])
        self.ordered = (-1, np.empty(0, int))
        if not len(self.columns):
            raise RoomFileError(f"no column of the {len(rooms)} rooms holds {MIN_ROOM_POINTS} points or more")

    def _grid_centers(self, number: int, room: Room, shape: RoomBounds) -> np.ndarray:
        """Compute the columns of a room on the grid: (n, 3) float64, room number and centre x, y.

        The grid is that of `pipeline.blocks.block_columns`, but for points on the border of two columns. Here points
        are only counted, in cells of half a block, because rooms may be larger than the memory.
        """
        half = 0.5 * self.configuration.block_size
        low = shape.low[:2].astype(float)
        cells = np.ceil(np.maximum(shape.high[:2] - low - 2 * half, 0.0) / half).astype(int) + 2  # of half a block
        cell = np.minimum(((room.points[:, :2] - low) / half).astype(int), cells - 1)
        filled = np.bincount(cell[:, 0] * cells[1] + cell[:, 1], minlength=cells.prod()).reshape(cells)
        column = filled[:-1, :-1] + filled[1:, :-1] + filled[:-1, 1:] + filled[1:, 1:]
        centers = low + half * (np.argwhere(column >= MIN_ROOM_POINTS) + 1)
        return np.c_[np.full(len(centers), number), centers]

    def _random_centers(self, number: int, room: Room, shape: RoomBounds) -> np.ndarray:
        """Reserve as many columns as blocks cover the room: (n, 3); their centres are drawn with the block."""
        count = int(np.ceil((shape.high - shape.low)[:2] / self.configuration.block_size).prod())
        return np.tile([float(number), 0.0, 0.0], (count, 1))

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of the columns in an epoch: shuffled over all rooms, or room by room."""
        if self.ordered[0] != epoch:
            rng = np.random.default_rng([self.seed, 2**32 + epoch])
            rank = rng.permutation(len(self.rooms))[self.columns[:, 0].astype(int)]
            shuffled = rng.random(len(self.columns))
            keys = (shuffled, rank) if self.augmentation.shuffle == "rooms" else (shuffled,)
            self.ordered = (epoch, np.lexsort(keys))
        return self.ordered[1]

    def column(self, number: int) -> int:
        """Return the index of the column of block `number`."""
        epoch, position = divmod(number, len(self.columns))
        return int(self.order(epoch)[position])

    def generator(self, number: int) -> np.random.Generator:
        return super().generator(number if self.augmentation.redraw else 2**33 + self.column(number))

    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        room, *center = self.columns[self.column(number)]
        if self.random:
            shape, size = self.bounds[int(room)], self.configuration.block_size
            center = list(rng.uniform(shape.low[:2] - 0.5 * size, shape.high[:2] + 0.5 * size))
        return self.cut_block(self.room_points(int(room)), np.array(center), MIN_ROOM_POINTS, rng)


def training_blocks(
    rooms: Sequence[Room],
    configuration: NetworkConfiguration,
    augmentation: Augmentation,
    seed: int,
    teacher: NetworkConfiguration | None = None,
    targets: np.ndarray | None = None,
) -> BlockDataset:
    """Create the dataset that a recipe's augmentation selects. teacher, targets: see `BlockDataset`."""
    kind = RandomBlockDataset if augmentation.cut == "around" else GridBlockDataset
    return kind(rooms, configuration, augmentation, seed, teacher, targets)
