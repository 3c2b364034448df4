"""Validation while training: the same blocks each time, quick. Whole rooms are scored by `jspnet evaluate`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from jspnet_core.data.rooms import Room
from jspnet_core.network import JointNetwork
from jspnet_core.training.block_set import Augmentation, BlockSet
from jspnet_core.training.losses import joint_loss

PLAIN = Augmentation(turn=False, views=0.0, color_drop=0.0, color_gain=0.0)
BLOCKS_PER_ROOM = 8
BATCH = 8


@torch.inference_mode()
def validate(network: JointNetwork, rooms: Sequence[Room], device: torch.device) -> dict[str, float]:
    """mIoU over the classes present, accuracy and mean losses on blocks of each room, without augmentation."""
    network.eval()
    classes = network.configuration.classes
    confusion = np.zeros((classes, classes), np.int64)
    totals: dict[str, list[float]] = {}
    for number, room in enumerate(rooms):
        blocks = BlockSet([room], network.configuration, PLAIN, seed=number)
        batch = blocks.collate([blocks[i] for i in range(BLOCKS_PER_ROOM)])
        pyramid = {name: array.to(device) for name, array in batch["pyramid"].items()}
        logits, embeddings = network(batch["features"].to(device), pyramid)
        losses = joint_loss(logits, embeddings, batch["label"].to(device), batch["instance"].to(device))
        for name, value in losses.items():
            totals.setdefault(name, []).append(float(value))
        truth = batch["label"].numpy().ravel()
        pairs = truth * classes + logits.argmax(-1).cpu().numpy().ravel()
        confusion += np.bincount(pairs[truth < classes], minlength=classes**2).reshape(classes, classes)
    hit = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hit
    iou = hit[union > 0] / union[union > 0]
    means = {name: float(np.mean(values)) for name, values in totals.items()}
    return {"miou": float(iou.mean()), "accuracy": float(hit.sum() / confusion.sum()), **means}
