"""Weight averaging: the result has the mean weights, and incompatible checkpoints are refused."""

from dataclasses import replace

import pytest
import torch

from jspnet_core.classes import ClassTable
from jspnet_core.cli.average import average
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.recipe import Recipe
from tests.labelled_rooms import SMALL, box_room, write_rooms


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Checkpoints of two seeds, and of another network."""
    folder, rooms = tmp_path_factory.mktemp("runs"), [box_room(0)]
    other = NetworkConfiguration(**{**SMALL.model_dump(), "decoder_neighbors": 4})
    for name, configuration, seed in (("a", SMALL, 0), ("b", SMALL, 1), ("other", other, 0)):
        run = training.start(folder / name, configuration, Recipe(seed=seed, ema=0.5), rooms)
        run.checkpoint().save(folder / f"{name}.pt")
    return folder


def test_weights_are_means_by_their_shares(checkpoints, tmp_path):
    a, b = (Checkpoint.load(checkpoints / f"{name}.pt").build().state_dict() for name in "ab")
    for shares, first in ((None, 0.5), ([3.0, 1.0], 0.75)):
        average([checkpoints / "a.pt", checkpoints / "b.pt"], tmp_path / "mean.pt", shares)
        mean = Checkpoint.load(tmp_path / "mean.pt")
        assert mean.average is None
        assert mean.optimizer is None
        for name, weight in mean.build().state_dict().items():
            torch.testing.assert_close(weight, (first * a[name] + (1 - first) * b[name]).to(weight.dtype))


def test_norms_are_measured_on_the_rooms_and_weights_stay(checkpoints, tmp_path):
    own = Checkpoint.load(checkpoints / "a.pt")
    spoilt = {name: w + 3.0 if "running_" in name else w for name, w in own.weights.items()}
    replace(own, average=None, network=spoilt).save(tmp_path / "spoilt.pt")
    rooms = write_rooms(tmp_path / "rooms", [box_room(0)], train=["box_0"])
    for name in ("own", "again", "spoilt"):
        source = tmp_path / "spoilt.pt" if name == "spoilt" else checkpoints / "a.pt"
        average([source], tmp_path / f"{name}_measured.pt", rooms=rooms, samples=24, workers=0)
    measured = {name: Checkpoint.load(tmp_path / f"{name}_measured.pt").weights for name in ("own", "again", "spoilt")}
    for name, weight in own.weights.items():
        for other in ("again", "spoilt"):  # the same blocks, whatever stood there before
            torch.testing.assert_close(measured["own"][name], measured[other][name])
        if "running_" not in name:
            torch.testing.assert_close(measured["own"][name], weight)
    average([checkpoints / "a.pt"], tmp_path / "views.pt", rooms=rooms, samples=24, views=1.0, workers=0)
    of_views, mean = Checkpoint.load(tmp_path / "views.pt").weights, "encoder.enc1.layers.0.norm.running_mean"
    assert not torch.allclose(measured["own"][mean], torch.zeros(()))
    assert not torch.allclose(measured["own"][mean], of_views[mean])


@pytest.mark.parametrize(
    ("names", "share", "words"),
    [
        (["a"], None, "1 given, at least two are needed without --rooms"),
        (["a", "b"], [1.0], "must be 2 numbers"),
        (["a", "b"], [0.0, 0.0], "not all 0"),
        (["a", "other"], None, "differs from .* in decoder_neighbors"),
        (["a", "absent"], None, "no such checkpoint"),
    ],
)
def test_what_has_no_mean_is_named(checkpoints, tmp_path, names, share, words):
    with pytest.raises((OptionError, CheckpointError), match=words):
        average([checkpoints / f"{name}.pt" for name in names], tmp_path / "mean.pt", share)
    assert not list(tmp_path.iterdir())


def test_rooms_of_other_classes_are_refused(checkpoints, tmp_path):
    rooms = write_rooms(tmp_path / "rooms", [box_room(0)], train=["box_0"])
    crates = ClassTable(("crate",), ((1, 2, 3),), ("crate",))
    replace(Checkpoint.load(checkpoints / "a.pt"), classes=crates).save(tmp_path / "crates.pt")
    with pytest.raises(OptionError, match="has the classes ceiling, .*; the network's are crate"):
        average([tmp_path / "crates.pt"], tmp_path / "mean.pt", rooms=rooms)
    assert not (tmp_path / "mean.pt").exists()
