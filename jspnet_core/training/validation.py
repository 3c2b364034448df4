"""Validation during training, on the same few blocks each time. `jspnet evaluate` scores whole rooms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jspnet_core.data.rooms import Room
from jspnet_core.network import JointNetwork
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.frame_dataset import FrameBlockDataset
from jspnet_core.training.dataset.loader import to_device
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.distributed import World
from jspnet_core.training.losses import joint_loss
from jspnet_core.training.recipe import Augmentation
from jspnet_core.training.sources import Source
from jspnet_core.training.targets import Targets

NO_AUGMENTATION = Augmentation(turn=False, mirror=False, views=0.0, color_drop=0.0, color_gain=0.0)
CAMERA_VIEWS = NO_AUGMENTATION.model_copy(update={"views": 1.0})
BLOCKS_PER_ROOM = 8
BLOCKS_PER_FRAME = 2
MOST_ROOMS, MOST_FRAMES = 24, 64
"""Rooms and frames of one source that are looked at, evenly spread over all."""

LOSSES = ("total", "semantic", "pull", "push")


@dataclass(frozen=True)
class SourceBlocks:
    """Blocks of one source: of its rooms as they are, and of single views. of_label: (256,) int64 target of a label;
    members: (L, C), which classes of the network each of its labels stands for."""

    source: Source
    rooms: list[BlockDataset]
    views: list[BlockDataset]
    of_label: Tensor
    members: Tensor


class Validation:
    """Validation blocks of each room and of single camera views of it. Each process takes a part of the rooms.

    Each source is scored by its own class table, and the scores are means over the sources. A class that is in none of
    the blocks counts in no mean.
    """

    def __init__(self, sources: Sequence[Source], configuration: NetworkConfiguration, targets: Targets, world: World):
        self.world, self.configuration = world, configuration
        self.groups = targets.groups_on(world.device)
        self.sources = [self._source(source, targets) for source in sources if len(source.validation)]

    def _source(self, source: Source, targets: Targets) -> SourceBlocks:
        of_label = targets.of_labels(source.classes)
        members = targets.members[of_label[: len(source.classes)]].astype(np.float32)
        mine = list(enumerate(_spread(source.validation, MOST_FRAMES if source.single_views else MOST_ROOMS)))
        mine = mine[self.world.rank :: self.world.size]
        c = self.configuration.model_copy(update={"classes": max(self.configuration.classes, len(source.classes))})
        rooms: list[BlockDataset] = []
        if source.single_views:
            views: list[BlockDataset] = [FrameBlockDataset([room], c, NO_AUGMENTATION, seed=i) for i, room in mine]
        else:
            rooms = [RandomBlockDataset([room], c, NO_AUGMENTATION, seed=i) for i, room in mine]
            views = [RandomBlockDataset([room], c, CAMERA_VIEWS, seed=i) for i, room in mine]
        device = self.world.device
        table = torch.from_numpy(of_label).long().to(device)
        return SourceBlocks(source, rooms, views, table, torch.from_numpy(members).to(device))

    def __call__(self, network: JointNetwork) -> dict:
        """mIoU, accuracy and mean losses, IoU by class (null: in no block); `view_...`: of the single views. With
        several sources `sources` has the mIoU of each, and the IoUs are those of the first."""
        rooms = [self.score(network, s, s.rooms, BLOCKS_PER_ROOM) for s in self.sources]
        views = [
            self.score(network, s, s.views, BLOCKS_PER_FRAME if s.source.single_views else BLOCKS_PER_ROOM)
            for s in self.sources
        ]
        of_rooms = [score for score in rooms if score] or views
        means = {key: float(np.mean([s[key] for s in of_rooms])) for key in ("miou", "accuracy", *LOSSES)}
        of_views = {f"view_{key}": float(np.mean([s[key] for s in views])) for key in ("miou", "accuracy")}
        scores = {**means, "iou": of_rooms[0]["iou"], **of_views}
        if len(self.sources) > 1:
            scores["sources"] = {
                s.source.name: {"miou": room.get("miou"), "view_miou": view["miou"]}
                for s, room, view in zip(self.sources, rooms, views, strict=True)
            }
        return scores

    @torch.inference_mode()
    def score(
        self, network: JointNetwork, source: SourceBlocks, sets: Sequence[BlockDataset], blocks_of_each: int
    ) -> dict:
        """Scores over the blocks of some sets, of all processes; empty where there are none."""
        network.eval()
        labels = len(source.source.classes)
        confusion = torch.zeros(labels, labels, dtype=torch.int64, device=self.world.device)
        totals = torch.zeros(len(LOSSES) + 1, dtype=torch.float32, device=self.world.device)
        for blocks in sets:
            batch = to_device(blocks.collate([blocks[i] for i in range(blocks_of_each)]), self.world.device)
            logits, embeddings = network(batch["features"], batch["pyramid"])
            target = source.of_label[batch["label"]]
            instances = batch["instances"]
            losses = joint_loss(logits, embeddings, target, batch["instance"], instances=instances, groups=self.groups)
            totals += torch.stack([*(losses[name] for name in LOSSES), torch.ones_like(losses["total"])])
            scores = logits if labels == logits.shape[-1] else logits.softmax(-1) @ source.members.T
            confusion += confusion_matrix(batch["label"], scores.argmax(-1), labels)
        *sums, count = self.world.sum(totals).tolist()
        if not count:
            return {}
        means = [value / count for value in sums]
        return {**summarise_confusion(self.world.sum(confusion).cpu().numpy()), **dict(zip(LOSSES, means, strict=True))}


def _spread(rooms: Sequence[Room], most: int) -> Sequence[Room]:
    """At most so many of the rooms, evenly spread."""
    if len(rooms) <= most:
        return rooms
    return [rooms[i * len(rooms) // most] for i in range(most)]


def confusion_matrix(truth: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Count points by true and predicted class: two (B, N) to (classes, classes). Unlabelled points are left out."""
    known = truth < classes
    pairs = truth[known] * classes + predicted[known]
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def summarise_confusion(confusion: np.ndarray) -> dict:
    """Compute mIoU, accuracy and IoU by class from counts (C, C) by true and predicted class."""
    hit = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hit
    iou = [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]
    seen = [value for value in iou if value is not None]
    return {"miou": float(np.mean(seen)), "accuracy": float(hit.sum() / confusion.sum()), "iou": iou}
