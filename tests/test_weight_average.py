"""The mean of networks has the means of their weights, and what has no mean is refused."""

import pytest
import torch

from jspnet_core.commands.average import average
from jspnet_core.commands.options import OptionError
from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.recipe import Recipe
from tests.labelled_rooms import SMALL, box_room


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Of two seeds, and of another network."""
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


@pytest.mark.parametrize(
    ("names", "share", "words"),
    [
        (["a"], None, "1 checkpoint given"),
        (["a", "b"], [1.0], "one for each of 2 checkpoints"),
        (["a", "b"], [0.0, 0.0], "not all 0"),
        (["a", "other"], None, "has another decoder_neighbors than"),
        (["a", "absent"], None, "no such checkpoint"),
    ],
)
def test_what_has_no_mean_is_named(checkpoints, tmp_path, names, share, words):
    with pytest.raises((OptionError, CheckpointError), match=words):
        average([checkpoints / f"{name}.pt" for name in names], tmp_path / "mean.pt", share)
    assert not list(tmp_path.iterdir())
