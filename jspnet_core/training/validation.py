"""Validation while training: the same blocks each time, quick. Whole rooms are scored by `jspnet evaluate`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from jspnet_core.data.rooms import Room
from jspnet_core.network import JointNetwork
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.dataset.block_dataset import RandomBlockDataset
from jspnet_core.training.dataset.loader import to_device
from jspnet_core.training.distributed import World
from jspnet_core.training.losses import joint_loss
from jspnet_core.training.recipe import Augmentation

NO_AUGMENTATION = Augmentation(turn=False, mirror=False, views=0.0, color_drop=0.0, color_gain=0.0)
CAMERA_VIEWS = NO_AUGMENTATION.model_copy(update={"views": 1.0})
BLOCKS_PER_ROOM = 8
LOSSES = ("total", "semantic", "pull", "push")


class Validation:
    """Blocks of each room, without augmentation, and as many of single views of it. Rooms are shared out to processes.

    A class that is in none of the blocks counts in no mean.
    """

    def __init__(self, rooms: Sequence[Room], configuration: NetworkConfiguration, world: World):
        self.world = world
        self.classes = configuration.classes
        self.rooms = len(rooms)
        mine = range(world.rank, len(rooms), world.size)
        self.plain = [RandomBlockDataset([rooms[i]], configuration, NO_AUGMENTATION, seed=i) for i in mine]
        self.views = [RandomBlockDataset([rooms[i]], configuration, CAMERA_VIEWS, seed=i) for i in mine]

    def __call__(self, network: JointNetwork) -> dict:
        """mIoU, accuracy and mean losses, IoU by class (null: in no block); `view_...`: of the single views."""
        scores = self.score(network, self.plain)
        views = self.score(network, self.views)
        return {**scores, "view_miou": views["miou"], "view_accuracy": views["accuracy"]}

    @torch.inference_mode()
    def score(self, network: JointNetwork, sets: Sequence[RandomBlockDataset]) -> dict:
        network.eval()
        confusion = torch.zeros(self.classes, self.classes, dtype=torch.int64, device=self.world.device)
        totals = torch.zeros(len(LOSSES), dtype=torch.float32, device=self.world.device)
        for blocks in sets:
            batch = to_device(blocks.collate([blocks[i] for i in range(BLOCKS_PER_ROOM)]), self.world.device)
            logits, embeddings = network(batch["features"], batch["pyramid"])
            losses = joint_loss(logits, embeddings, batch["label"], batch["instance"], instances=batch["instances"])
            totals += torch.stack([losses[name] for name in LOSSES])
            confusion += confusion_matrix(batch["label"], logits.argmax(-1), self.classes)
        counts = self.world.sum(confusion).cpu().numpy()
        means = (self.world.sum(totals) / self.rooms).tolist()
        return {**summarise_confusion(counts), **dict(zip(LOSSES, means, strict=True))}


def confusion_matrix(truth: Tensor, predicted: Tensor, classes: int) -> Tensor:
    """Points by true and predicted class: two (B, N) to (classes, classes); points of unknown class do not count."""
    known = truth < classes
    pairs = truth[known] * classes + predicted[known]
    return torch.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def summarise_confusion(confusion: np.ndarray) -> dict:
    hit = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hit
    iou = [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]
    seen = [value for value in iou if value is not None]
    return {"miou": float(np.mean(seen)), "accuracy": float(hit.sum() / confusion.sum()), "iou": iou}
