"""A network widened from a trained one computes the same function, and can learn more."""

import pytest
import torch
from torch import nn

from jspnet_core.classes import S3DIS
from jspnet_core.cli.train import train as command
from jspnet_core.export.onnx_export import example_blocks
from jspnet_core.network import build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.transfer.net2wider import WIDTHS, net2wider
from tests.labelled_rooms import box_room, write_rooms

NARROW = NetworkConfiguration.narrow(points=128, levels=(64, 32, 32, 16))
FULL = {name: getattr(NetworkConfiguration(), name) for name in WIDTHS}
WIDE = NetworkConfiguration(points=128, levels=NARROW.levels, piff_keys="level2", **FULL)


@pytest.fixture(scope="module")
def narrow():
    torch.manual_seed(0)
    network = build_network(NARROW)
    for module in network.modules():  # as after training: fresh norms and biases hide what is left out
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 2.0)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.bias, std=0.1)
    recipe = {"augmentation": {"voxel_size": 0.03}}
    return Checkpoint(NARROW, S3DIS, network.state_dict(), None, 7, recipe, {}, [None] * 13)


def said(checkpoint, features, pyramid):
    network = checkpoint.build().double()
    with torch.inference_mode():
        return network(features.double(), {k: x.double() if x.is_floating_point() else x for k, x in pyramid.items()})


def test_the_wide_network_says_what_the_narrow_one_says(narrow, tmp_path):
    wide, blocks = net2wider(tmp_path / "narrow.pt", narrow, WIDE), example_blocks(narrow.build(), 2)
    assert wide.configuration == WIDE
    weights = [sum(x.numel() for x in checkpoint.network.values()) for checkpoint in (narrow, wide)]
    assert weights[1] > 5 * weights[0]
    for a, b in zip(said(narrow, *blocks), said(wide, *blocks), strict=True):
        torch.testing.assert_close(a, b, rtol=0.0, atol=1e-4 * float(a.std()))


def test_no_two_channels_of_the_wide_network_learn_the_same(narrow, tmp_path):
    network = net2wider(tmp_path / "narrow.pt", narrow, WIDE).build().train()
    logits, embeddings = network(*example_blocks(network, 2))
    (logits.square().mean() + embeddings.square().mean()).backward()
    for name in ("encoder.convs.1.layers.1", "semantic_decoder.convs.2.layers.0", "instance_siff.mix"):
        gradient = network.get_parameter(f"{name}.linear.weight").grad
        assert (gradient[0::2] - gradient[1::2]).abs().max() > 0.01 * gradient.abs().max(), name


def test_a_model_of_size_m_begins_one_of_size_l(tmp_path):
    state = build_network(NetworkConfiguration.of_size("m")).state_dict()
    init = Checkpoint(NetworkConfiguration.of_size("m"), S3DIS, state, None, 0, {}, {}, [None] * 13)
    assert net2wider(tmp_path / "m.pt", init, NetworkConfiguration.of_size("l")).build().configuration.fusion == 128


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(set_abstraction=(32, 64)), "set_abstraction is .32, 64., must be a whole multiple of .16, 16, 32."),
        (dict(fusion=96), "fusion is 96, must be a whole multiple of 64"),
        (dict(siff_center="min"), "siff_center is min, must be mean"),
    ],
)
def test_what_is_no_wider_form_of_the_model_is_refused(narrow, tmp_path, change, words):
    other = NetworkConfiguration(**{**WIDE.model_dump(), **change})
    with pytest.raises(CheckpointError, match=f"narrow.pt cannot be widened: .*{words}"):
        net2wider(tmp_path / "narrow.pt", narrow, other)


def test_other_systems_are_refused(tmp_path):
    c = NetworkConfiguration.narrow(system="pointnet2")
    init = Checkpoint(c, S3DIS, build_network(c).state_dict(), None, 0, {}, {}, [None] * 13)
    with pytest.raises(CheckpointError, match="it is a pointnet2, only jspnet is accepted"):
        net2wider(tmp_path / "p.pt", init, NetworkConfiguration(system="pointnet2"))


def test_the_command_widens_and_trains_on(tmp_path):
    folder = write_rooms(tmp_path / "rooms", [box_room(0), box_room(1)], train=["box_0"], val=["box_1"])
    c = NetworkConfiguration.of_size("s")
    init = Checkpoint(c, S3DIS, build_network(c).state_dict(), None, 0, {}, {}, [None] * 13)
    init.save(tmp_path / "s.pt")
    command(folder, init=tmp_path / "s.pt", size="m", out=tmp_path / "run", samples=1, batch=1, workers=0)
    last = Checkpoint.load(tmp_path / "run" / "last.pt")
    assert last.configuration.points == NetworkConfiguration.of_size("m").points
    assert last.samples == 1
