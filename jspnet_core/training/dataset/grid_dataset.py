"""The paper's blocks: columns on a fixed grid of each room, all of them once per epoch (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.data.rooms import MIN_POINTS, Room, RoomFileError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import BlockDataset, RandomBlockDataset
from jspnet_core.training.dataset.room_bounds import RoomBounds
from jspnet_core.training.recipe import Augmentation


class GridBlockDataset(BlockDataset):
    """Columns every half block from a room's corner, those with at least 100 points; or as many at random places.

    An epoch is every column once, in a new order; number i is column i % n of epoch i // n.
    """

    def __init__(
        self, rooms: Sequence[Room], configuration: NetworkConfiguration, augmentation: Augmentation, seed: int
    ):
        super().__init__(rooms, configuration, augmentation, seed)
        self.random = augmentation.cut == "random"
        places = self._random_places if self.random else self._grid_places
        self.places = np.concatenate([places(i, room, self.bounds[i]) for i, room in enumerate(rooms)])
        self.ordered = (-1, np.empty(0, int))
        if not len(self.places):
            raise RoomFileError(f"no column of the {len(rooms)} rooms holds {MIN_POINTS} points or more")

    def _grid_places(self, number: int, room: Room, shape: RoomBounds) -> np.ndarray:
        """Rows of room number, x, y: the middles of the columns on the grid. (n, 3) float64."""
        half = 0.5 * self.configuration.block_size
        low = shape.low[:2].astype(float)
        cells = np.ceil(np.maximum(shape.high[:2] - low - 2 * half, 0.0) / half).astype(int) + 2  # of half a block
        cell = np.minimum(((room.points[:, :2] - low) / half).astype(int), cells - 1)
        filled = np.bincount(cell[:, 0] * cells[1] + cell[:, 1], minlength=cells.prod()).reshape(cells)
        column = filled[:-1, :-1] + filled[1:, :-1] + filled[:-1, 1:] + filled[1:, 1:]
        middles = low + half * (np.argwhere(column >= MIN_POINTS) + 1)
        return np.c_[np.full(len(middles), number), middles]

    def _random_places(self, number: int, room: Room, shape: RoomBounds) -> np.ndarray:
        count = int(np.ceil((shape.high - shape.low)[:2] / self.configuration.block_size).prod())
        return np.tile([float(number), 0.0, 0.0], (count, 1))

    def order(self, epoch: int) -> np.ndarray:
        """A new order of the columns for every epoch: all mixed, or room by room."""
        if self.ordered[0] != epoch:
            rng = np.random.default_rng([self.seed, 2**32 + epoch])
            rank = rng.permutation(len(self.rooms))[self.places[:, 0].astype(int)]
            chance = rng.random(len(self.places))
            keys = (chance, rank) if self.augmentation.shuffle == "rooms" else (chance,)
            self.ordered = (epoch, np.lexsort(keys))
        return self.ordered[1]

    def column(self, number: int) -> int:
        epoch, position = divmod(number, len(self.places))
        return int(self.order(epoch)[position])

    def generator(self, number: int) -> np.random.Generator:
        return super().generator(number if self.augmentation.redraw else 2**33 + self.column(number))

    def draw(self, number: int, rng: np.random.Generator) -> dict | None:
        room, *middle = self.places[self.column(number)]
        if self.random:
            shape, size = self.bounds[int(room)], self.configuration.block_size
            middle = list(rng.uniform(shape.low[:2] - 0.5 * size, shape.high[:2] + 0.5 * size))
        return self.cut_block(self.room_points(int(room)), np.array(middle), MIN_POINTS, rng)


def training_blocks(
    rooms: Sequence[Room],
    configuration: NetworkConfiguration,
    augmentation: Augmentation,
    seed: int,
    teacher: NetworkConfiguration | None = None,
) -> BlockDataset:
    """The blocks that a recipe's augmentation asks for, with what a teacher of that configuration sees of them."""
    kind = RandomBlockDataset if augmentation.cut == "around" else GridBlockDataset
    blocks = kind(rooms, configuration, augmentation, seed)
    blocks.teacher = teacher
    return blocks
