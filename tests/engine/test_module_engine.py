"""A network in training answers as an engine does."""

import numpy as np
import pytest
import torch

from jspnet_core.classes import S3DIS
from jspnet_core.engine.module_engine import NetworkEngine
from jspnet_core.network import build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.synthetic import make_scene

SMALL = NetworkConfiguration.narrow(
    system="asis",
    points=256,
    levels=(128, 64, 32, 16),
    set_abstraction=(8, 16),
    point_conv=((16, 16), (16, 32), (32, 32)),
    feature_propagation=((32,), (16,), (16,)),
    fusion=16,
)
SIZES = [50.0] * 12 + [None]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build_network(SMALL)


def test_batches_of_any_size_give_what_the_network_gives(network):
    features = np.random.default_rng(0).random((3, 256, 9), np.float32)
    pyramids = [build_pyramid(f[:, :3], SMALL) for f in features]
    network.train()  # the engine must not answer with dropout
    logits, embeddings = NetworkEngine(network, S3DIS, SIZES, blocks_at_once=2).run(features, pyramids)
    tensors = {name: torch.from_numpy(array) for name, array in stack_pyramids(pyramids, SMALL).items()}
    expected = network.eval()(torch.from_numpy(features), tensors)
    np.testing.assert_allclose(logits, expected[0].detach().numpy(), atol=1e-4)
    np.testing.assert_allclose(embeddings, expected[1].detach().numpy(), atol=1e-4)


def test_a_segmenter_runs_a_network_without_a_model_file(network):
    cloud = make_scene(0, "pantry").room_cloud(np.random.default_rng(0), density=200.0)
    segmenter = Segmenter(engine=NetworkEngine(network, S3DIS, SIZES), settings=SegmenterSettings(stride=1.0))
    found = segmenter.segment(cloud.points, cloud.colors, T_gravity_input=np.eye(4))
    assert len(found.label) == len(cloud.points)
    assert np.isin(found.label, [*range(13), 255]).all()
    assert (found.label < 255).mean() > 0.9


def test_a_class_table_of_another_length_is_refused(network):
    with pytest.raises(ValueError, match=r"13 classes.*12 mean sizes"):
        NetworkEngine(network, S3DIS, SIZES[:12])
