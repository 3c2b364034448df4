"""Training: it learns, stops, goes on where it was interrupted, and leaves whole checkpoints."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jspnet_core.data.class_tables import make_table
from jspnet_core.pipeline.mean_shift import mean_shift
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.optimizer import target_weights
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.targets import Targets
from jspnet_core.training.validation import NO_AUGMENTATION
from tests.labelled_rooms import SMALL, box_room

FOUR = Targets.of(make_table("abcd"), [make_table("abcd")])


@pytest.fixture(scope="module")
def rooms():
    return [box_room(0), box_room(1)]


@pytest.fixture(scope="module")
def batch(rooms):
    blocks = RandomBlockDataset(rooms, SMALL, NO_AUGMENTATION, seed=0)
    return blocks.collate([blocks[0], blocks[1]])


def go(run, rooms, **options):
    with training.progress_bar(visible=False) as progress:
        training.train(run, rooms, rooms[:1], workers=0, progress=progress, **options)
    return Checkpoint.load(run.folder / "last.pt")


def curve(folder, name="train/total"):
    """Logged values by number of blocks."""
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {event.step: event.value for event in events.Scalars(name)}


def test_two_blocks_are_learned_by_heart(rooms, batch, tmp_path):
    """Gradients reach every weight, and the losses fall until both tasks are solved."""
    run = training.start(tmp_path, SMALL, Recipe(learning_rate=5e-3, norm_momentum=0.1), rooms)
    first = training.train_step(run, run.network, batch)
    untouched = [n for n, p in run.network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not untouched
    for _ in range(250):
        last = training.train_step(run, run.network, batch)
    assert last["total"] < 0.05 * first["total"]
    with torch.no_grad():
        logits, embeddings = run.network(batch["features"], batch["pyramid"])
    assert (logits.argmax(-1) == batch["label"]).float().mean() > 0.99
    for e, truth in zip(embeddings.numpy(), batch["instance"].numpy(), strict=True):
        assert adjusted_rand_score(truth, mean_shift(e, 0.6)) > 0.99


def test_an_interrupted_run_goes_on_along_the_same_curve(rooms, tmp_path):
    """Blocks, dropout, averaged weights and the optimiser's state are those of a run without interruption."""
    options = dict(batch=2, validate_every=20, ema=0.9, dropout=0.3, optimizer="adamw", weight_decay=0.1, clip_norm=1.0)
    whole = go(training.start(tmp_path / "whole", SMALL, Recipe(samples=40, **options), rooms), rooms)
    go(training.start(tmp_path / "halves", SMALL, Recipe(samples=20, **options), rooms), rooms)
    halves = go(training.resume(tmp_path / "halves", Recipe(samples=40, **options)), rooms)
    assert halves.samples == whole.samples == 40
    assert list(curve(tmp_path / "whole")) == [20, 40]
    assert curve(tmp_path / "halves") == curve(tmp_path / "whole")
    for name, weight in whole.network.items():
        torch.testing.assert_close(halves.network[name], weight)
        torch.testing.assert_close(halves.average[name], whole.average[name])
    files = {"last.pt", "best.pt", "tensorboard", "recipe.json", "run.json"}
    assert {p.name for p in (tmp_path / "whole").iterdir()} == files
    record = json.loads((tmp_path / "halves" / "run.json").read_text())
    assert record["samples"] == 40
    assert record["wall_seconds"] > 0
    assert len(record["resumed"]) == 1
    assert record["device"], "a processor has a name, or a kind"
    assert Recipe(**json.loads((tmp_path / "halves" / "recipe.json").read_text())) == Recipe(samples=40, **options)


class Killed(BaseException):
    pass


def test_a_run_killed_while_it_saves_goes_on_along_the_same_curve(rooms, tmp_path, monkeypatch):
    """Between best.pt and last.pt, the longest gap: the validation is done again, and the best stays the best."""
    recipe = Recipe(samples=12, batch=1, validate_every=4)
    whole = go(training.start(tmp_path / "whole", SMALL, recipe, rooms), rooms)
    run = training.start(tmp_path / "killed", SMALL, recipe, rooms)
    save = run.save

    def killed_at_eight():
        if run.samples == 8:
            raise Killed
        save()

    monkeypatch.setattr(run, "score", lambda: run.samples / 100)  # each validation is better than the one before
    monkeypatch.setattr(run, "save", killed_at_eight)
    with pytest.raises(Killed):
        go(run, rooms)
    assert Checkpoint.load(run.folder / "last.pt").samples == 4
    assert Checkpoint.load(run.folder / "best.pt").samples == 8
    resumed = training.resume(tmp_path / "killed")
    assert (resumed.samples, resumed.best_samples) == (4, 8)
    last = go(resumed, rooms)
    for name, weight in whole.network.items():
        torch.testing.assert_close(last.network[name], weight)
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


def test_averaged_weights_follow_slowly_and_are_the_ones_to_use(rooms, batch, tmp_path):
    run = training.start(tmp_path, SMALL, Recipe(ema=0.75, learning_rate=1e-2), rooms)
    name = "semantic_piff.out.bias"
    run.samples = 10_000  # past the first steps, which keep less
    training.train_step(run, run.network, batch)  # the first step begins the average
    expected = run.network.state_dict()[name].clone()
    for _ in range(3):
        training.train_step(run, run.network, batch)
        expected = 0.75 * expected + 0.25 * run.network.state_dict()[name]
    torch.testing.assert_close(run.average.module.state_dict()[name], expected)
    torch.testing.assert_close(run.checkpoint().build().state_dict()[name], expected)
    run.save_best(1.0)
    best = Checkpoint.load(tmp_path / "best.pt")
    torch.testing.assert_close(best.network[name], expected)
    assert best.optimizer is None


def test_training_stops_when_its_patience_ends(rooms, tmp_path):
    run = training.start(tmp_path, SMALL, Recipe(samples=100, batch=1, validate_every=2, patience=2), rooms)
    run.best, run.best_samples, run.samples = 2.0, 2, 2  # no network reaches a mIoU of 2
    assert go(run, rooms).samples == 6


def test_a_loss_that_is_not_finite_ends_training_and_is_not_saved(rooms, tmp_path):
    recipe = Recipe(samples=40, batch=1, validate_every=2, learning_rate=1e30)
    with pytest.raises(training.TrainingError, match="the loss is"):
        go(training.start(tmp_path, SMALL, recipe, rooms), rooms)
    assert not (tmp_path / "last.pt").exists()


def test_the_profile_names_every_phase(rooms, tmp_path, capsys):
    recipe = Recipe(samples=5, batch=1, validate_every=5)
    with training.progress_bar() as progress:
        training.train(
            training.start(tmp_path, SMALL, recipe, rooms),
            rooms,
            rooms[:1],
            workers=0,
            progress=progress,
            profile="phases",
        )
    shown = capsys.readouterr().out
    assert all(phase in shown for phase in ("waiting for data", "forward", "backward", "optimiser"))


def test_rare_classes_weigh_more_by_the_exponent():
    weights = target_weights(np.array([0.9, 0.09, 0.01, 0.0]), FOUR, Recipe(class_weight=0.5), torch.device("cpu"))
    assert weights[2] / weights[0] == pytest.approx(np.sqrt(90), rel=1e-5)
    assert (weights * torch.tensor([0.9, 0.09, 0.01, 0.0])).sum() == pytest.approx(1.0, rel=1e-5)
    assert target_weights(np.full(4, 0.25), FOUR, Recipe(), torch.device("cpu")) is None


def test_the_same_seed_trains_the_same_weights_and_another_seed_others(rooms, tmp_path):
    def weights(name, seed):
        run = training.start(tmp_path / name, SMALL, Recipe(samples=2, batch=1, seed=seed), rooms)
        return go(run, rooms).network["semantic_piff.out.weight"]

    first = weights("a", 0)
    torch.testing.assert_close(weights("b", 0), first)
    assert not torch.allclose(weights("c", 1), first)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "last.pt"
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        Checkpoint.load(path)
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError, match="not a checkpoint of jspnet"):
        Checkpoint.load(path)


def test_what_a_killed_process_left_half_written_is_removed(rooms, tmp_path):
    recipe = Recipe(samples=1, batch=1)
    go(training.start(tmp_path, SMALL, recipe, rooms), rooms)
    partial = tmp_path / ".last.pt.1.part"
    partial.write_bytes(b"half")
    training.resume(tmp_path)
    assert not partial.exists()
