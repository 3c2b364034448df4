"""Training on generated rooms: it learns, stops, goes on, and leaves whole checkpoints."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.data.generated import generated_rooms
from jspnet_core.mean_shift import mean_shift
from jspnet_core.training import train as training
from jspnet_core.training.block_set import Augmentation, BlockSet
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.recipe import Recipe

SMALL = NetworkConfiguration.narrow(
    points=512, levels=(128, 64, 32, 16), set_abstraction=(8, 16), point_conv=((16, 16), (16, 32), (32, 32)),
    decoder=((32,), (32,), (16,)), propagation=(16, 16), weight_net=8, fusion=16, dropout=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def rooms():
    return generated_rooms(2)


@pytest.fixture(scope="module")
def batch(rooms):
    blocks = BlockSet(rooms, SMALL, Augmentation(views=0.0, color_drop=0.0), seed=0)
    return blocks.collate([blocks[0], blocks[1]])


def go(run, rooms):
    with training.progress_bar(visible=False) as progress:
        training.train(run, rooms, rooms[:1], workers=0, progress=progress)
    return Checkpoint.load(run.folder / "last.pt")


def curve(folder, name="train/total"):
    """Logged values by number of blocks."""
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {event.step: event.value for event in events.Scalars(name)}


def test_two_blocks_are_learned_by_heart(rooms, batch, tmp_path):
    """Gradients reach every weight, and the losses fall until both tasks are solved."""
    run = training.start(tmp_path, SMALL, Recipe(learning_rate=5e-3, norm_momentum=0.1), rooms)
    first = training.step(run, run.network, batch)
    untouched = [n for n, p in run.network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not untouched
    for _ in range(250):
        last = training.step(run, run.network, batch)
    assert last["total"] < 0.05 * first["total"]
    with torch.no_grad():
        logits, embeddings = run.network(batch["features"], batch["pyramid"])
    assert (logits.argmax(-1) == batch["label"]).float().mean() > 0.99
    for e, truth in zip(embeddings.numpy(), batch["instance"].numpy(), strict=True):
        assert adjusted_rand_score(truth, mean_shift(e, 0.6)) > 0.99
