"""Training on generated rooms: it learns, stops, goes on, and leaves whole checkpoints."""

import numpy as np
import pytest
import torch

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.data.generated import generated_rooms
from jspnet_core.depth_view import View, see
from jspnet_core.training import train as training
from jspnet_core.training.augmentation import turn
from jspnet_core.training.block_set import Augmentation, BlockSet
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError

SMALL = NetworkConfiguration.narrow(
    points=512, levels=(128, 64, 32, 16), set_abstraction=(8, 16), point_conv=((16, 16), (16, 32), (32, 32)),
    decoder=((32,), (32,), (16,)), propagation=(16, 16), weight_net=8, fusion=16, dropout=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def rooms():
    return generated_rooms(2)


def test_the_same_seed_draws_the_same_block_and_another_number_another(rooms):
    one, two = (BlockSet(rooms, SMALL, Augmentation(), seed=5) for _ in range(2))
    np.testing.assert_array_equal(one[3]["features"], two[3]["features"])
    assert not np.array_equal(one[3]["features"], one[4]["features"])


def test_blocks_of_training_are_those_of_the_runtime(rooms):
    blocks = BlockSet(rooms, SMALL, Augmentation(views=1.0), seed=0)
    for number in range(6):
        block = blocks[number]
        x, y = block["features"][:, 0], block["features"][:, 1]
        assert block["features"].shape == (512, 9)
        assert x.min() == pytest.approx(-0.5, abs=1e-5)
        assert max(np.ptp(x), np.ptp(y)) <= 1.0 + 1e-5
        assert set(block["instance"]) == set(range(block["instance"].max() + 1))


def test_turning_keeps_distances_and_heights(rooms):
    points = rooms[0].points[:500]
    turned = turn(points, np.random.default_rng(0))
    np.testing.assert_allclose(turned[:, 2], points[:, 2])
    np.testing.assert_allclose(
        np.linalg.norm(turned[:250] - turned[250:], axis=1),
        np.linalg.norm(points[:250] - points[250:], axis=1),
        atol=1e-4,
    )


def test_a_view_hides_what_is_behind_a_wall():
    y, z = np.meshgrid(np.arange(-2, 2, 0.02), np.arange(0, 2, 0.02))
    wall = np.stack([np.full(y.size, 2.0), y.ravel(), z.ravel()], 1)
    behind = wall + [0.5, 0.0, 0.0]
    room = np.concatenate([wall, behind, [[-3.0, -3.0, 0.0], [6.0, 3.0, 2.5]]]).astype(np.float32)
    for seed in range(60):
        visible, _ = see(room, np.random.default_rng(seed), View(noise=0.0, tilt=0.0, floor_error=0.0))
        sides = visible < len(wall)
        if (visible < 2 * len(wall)).sum() > 2000:  # the eye looks at the walls: nearly all it sees is on one of them
            assert max(sides.mean(), 1 - sides.mean()) > 0.9
            return
    pytest.fail("no view looked at the wall")


def test_two_blocks_are_learned_by_heart(rooms):
    """Gradients reach every weight, and the losses fall until the two blocks are known."""
    blocks = BlockSet(rooms, SMALL, Augmentation(views=0.0, color_drop=0.0), seed=0)
    batch = blocks.collate([blocks[0], blocks[1]])
    torch.manual_seed(0)
    run = training.Run(None, training.Recipe(learning_rate=5e-3), training.build_network(SMALL), None, 0, 0.0, [])
    run.optimizer = torch.optim.Adam(run.network.parameters())
    first = training.step(run, batch)
    untouched = [n for n, p in run.network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not untouched
    for _ in range(80):
        last = training.step(run, batch)
    assert last["total"] < 0.1 * first["total"]
    logits, _ = run.network(batch["features"], batch["pyramid"])
    assert (logits.argmax(-1) == batch["label"]).float().mean() > 0.95


def test_an_interrupted_run_goes_on_to_the_same_weights(rooms, tmp_path):
    options = dict(batch=2, validate_every=4, augmentation=Augmentation())

    def go(run):
        torch.manual_seed(1)
        with training.progress_bar() as progress:
            training.train(run, rooms, rooms[:1], workers=0, progress=progress)
        return Checkpoint.load(run.folder / "last.pt")

    whole = go(training.start(tmp_path / "whole", SMALL, training.Recipe(samples=8, **options), rooms))
    go(training.start(tmp_path / "halves", SMALL, training.Recipe(samples=4, **options), rooms))
    halves = go(training.resume(tmp_path / "halves", training.Recipe(samples=8, **options)))
    assert halves.samples == whole.samples == 8
    for name, weight in whole.network.items():
        torch.testing.assert_close(halves.network[name], weight)
    assert {p.name for p in (tmp_path / "whole").iterdir()} == {"last.pt", "best.pt", "tensorboard"}


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "last.pt"
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        Checkpoint.load(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="not a checkpoint of jspnet"):
        Checkpoint.load(path)
