"""A network learns from a trained one: its classes, and which of its points are near each other."""

import math
from dataclasses import replace

import pytest
import torch

from jspnet_core.classes import ClassTable
from jspnet_core.cli.train import train as command
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.losses import DELTA_D
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.transfer.distillation import distance_loss, probability_loss
from jspnet_core.training.validation import NO_AUGMENTATION
from tests.labelled_rooms import SMALL, box_room, write_rooms

CHEAPER = NetworkConfiguration(
    **{**SMALL.model_dump(), "points": 128, "levels": (32, 16, 16, 8), "decoder_neighbors": 4, "encoder_neighbors": 8}
)


@pytest.fixture(scope="module")
def rooms():
    return [box_room(0), box_room(1)]


@pytest.fixture(scope="module")
def teacher(rooms, tmp_path_factory):
    """A network that knows two blocks by heart."""
    run = training.start(
        tmp_path_factory.mktemp("teacher"), SMALL, Recipe(learning_rate=5e-3, norm_momentum=0.1), rooms
    )
    blocks = RandomBlockDataset(rooms, SMALL, NO_AUGMENTATION, seed=0)
    batch = blocks.collate([blocks[0], blocks[1]])
    for _ in range(150):
        training.train_step(run, run.network, batch)
    run.save_best(1.0)
    return run.folder / "best.pt"


def test_the_divergence_is_that_of_two_coins():
    logits = torch.tensor([[[0.0, 0.0], [0.0, math.log(3.0)]]])  # 1/2, 1/2 and 1/4, 3/4
    known = torch.tensor([[[0.0, math.log(3.0)], [0.0, math.log(3.0)]]])
    expected = 0.25 * math.log(0.25 / 0.5) + 0.75 * math.log(0.75 / 0.5)
    torch.testing.assert_close(probability_loss(logits, known), torch.tensor(expected / 2))


def test_embeddings_may_turn_and_move_and_be_farther_apart_than_is_asked():
    places = torch.tensor([[[0.0, 0.0], [0.4, 0.0], [5.0, 0.0], [5.0, 1.0]]])
    turned = places.flip(-1) * torch.tensor([-1.0, 1.0]) + 7.0
    assert distance_loss(turned, places) < 1e-12
    apart = places + torch.tensor([0.0, 0.0, 9.0, 9.0]).view(1, 4, 1)
    assert distance_loss(apart, places) == 0
    squeezed = places * torch.tensor([0.3, 1.0])  # 5 becomes 1.5, half of what is enough
    assert 0 < distance_loss(squeezed, places) <= (2 * DELTA_D - 1.5) ** 2


def test_a_cheaper_network_comes_nearer_to_its_teacher_without_any_label(rooms, teacher, tmp_path):
    recipe = Recipe(learning_rate=5e-3, norm_momentum=0.1, teacher=str(teacher))
    run = training.start(tmp_path / "student", CHEAPER, recipe, rooms)
    blocks = RandomBlockDataset(rooms, CHEAPER, NO_AUGMENTATION, 0, run.teacher.network.configuration)
    batch = blocks.collate([blocks[0], blocks[1]])
    assert batch["pyramid"]["near1"].shape[-1] == 8
    assert batch["teacher_pyramid"]["near1"].shape[-1] == 16
    assert torch.equal(batch["features"], batch["teacher_features"][:, :128])
    before = {name: weight.clone() for name, weight in run.teacher.network.state_dict().items()}
    batch["label"][:] = 255  # what is learned of classes is the teacher's
    first = training.train_step(run, run.network, batch)
    for _ in range(100):
        last = training.train_step(run, run.network, batch)
    assert last["distillation"] < 0.2 * first["distillation"]
    for name, weight in run.teacher.network.state_dict().items():
        assert torch.equal(weight, before[name])
    with torch.no_grad():
        answers = [
            run.network.eval()(batch["features"], batch["pyramid"])[0],
            run.teacher.network(batch["teacher_features"], batch["teacher_pyramid"])[0],
        ]
    assert (answers[0].argmax(-1) == answers[1][:, :128].argmax(-1)).float().mean() > 0.9


def test_the_command_takes_a_teacher_and_a_resumed_run_keeps_it(rooms, teacher, tmp_path):
    folder = write_rooms(tmp_path / "rooms", rooms, train=["box_0"], val=["box_1"])
    options = dict(out=tmp_path / "run", batch=1, workers=0)
    command(folder, init=teacher, network=["decoder_neighbors=4"], teacher=teacher, samples=1, **options)
    command(folder, resume=True, samples=2, **options)
    last = Checkpoint.load(tmp_path / "run" / "last.pt")
    assert (last.samples, last.recipe["teacher"], last.configuration.decoder_neighbors) == (2, str(teacher), 4)


def test_a_teacher_of_other_classes_or_blocks_is_refused_before_anything_is_written(rooms, teacher, tmp_path):
    recipe, other = Recipe(teacher=str(teacher)), tmp_path / "other.pt"
    more = NetworkConfiguration(**{**SMALL.model_dump(), "points": 512})
    with pytest.raises(
        CheckpointError, match="blocks of 1 m with colour, 256 points, the network blocks of 1 m with colour, 512"
    ):
        training.start(tmp_path / "run", more, recipe, rooms)
    own = ClassTable(("chair", "shelf"), ((1, 2, 3), (4, 5, 6)), ("chair",))
    replace(Checkpoint.load(teacher), classes=own).save(other)
    with pytest.raises(CheckpointError, match="has the classes chair, shelf; the network has ceiling"):
        training.start(tmp_path / "run", SMALL, Recipe(teacher=str(other)), rooms)
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        training.start(tmp_path / "run", SMALL, Recipe(teacher=str(tmp_path / "absent.pt")), rooms)
    assert not (tmp_path / "run").exists()
