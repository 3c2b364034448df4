"""Training blocks of several sources: rooms of other class tables, single views, generated rooms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.frame_dataset import FrameBlockDataset
from jspnet_core.training.dataset.grid_dataset import training_blocks
from jspnet_core.training.recipe import Augmentation
from jspnet_core.training.sources import Source, shares
from jspnet_core.training.targets import Targets


def source_blocks(
    source: Source,
    targets: Targets,
    configuration: NetworkConfiguration,
    augmentation: Augmentation,
    seed: int,
    teacher: NetworkConfiguration | None = None,
) -> BlockDataset:
    """Create the dataset of one source, labelled by target."""
    table = configuration.model_copy(update={"classes": max(len(source.classes), configuration.classes)})
    of_label = targets.of_labels(source.classes)
    if source.single_views:
        return FrameBlockDataset(source.rooms, table, augmentation, seed, teacher, of_label)
    return training_blocks(source.rooms, table, augmentation, seed, teacher, of_label)


class MixedBlockDataset(Dataset):
    """Blocks of several sources, drawn by their shares. Block i is the same for the same seed.

    points: share of the labelled points by target, (T,).
    """

    def __init__(self, parts: Sequence[BlockDataset], share: np.ndarray, targets: Targets, seed: int):
        self.parts, self.share, self.seed = parts, share, seed
        self.collate = parts[0].collate
        self.points = share @ np.stack([target_shares(part, targets) for part in parts])

    def __getitem__(self, number: int) -> dict:
        part = 0
        if len(self.parts) > 1:
            part = int(np.random.default_rng([self.seed, 1, number]).choice(len(self.parts), p=self.share))
        return self.parts[part][number]


def mixed_blocks(
    sources: Sequence[Source],
    targets: Targets,
    configuration: NetworkConfiguration,
    augmentation: Augmentation,
    seed: int,
    teacher: NetworkConfiguration | None = None,
) -> MixedBlockDataset:
    """Create the dataset of all sources."""
    parts = [source_blocks(source, targets, configuration, augmentation, seed, teacher) for source in sources]
    return MixedBlockDataset(parts, shares(sources), targets, seed)


def target_shares(blocks: BlockDataset, targets: Targets) -> np.ndarray:
    """Compute the share of the labelled points of a source's rooms by target: (T,) float64."""
    assert blocks.targets is not None
    by_label = blocks.counts.sum(axis=0)
    target = blocks.targets[: len(by_label)]
    known = target < len(targets.members)
    counts = np.bincount(target[known], by_label[known], minlength=len(targets.members))
    return counts / max(counts.sum(), 1.0)
