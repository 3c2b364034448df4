"""The systems of the paper's tables: their sizes, their parts, and what their configurations accept."""

import numpy as np
import pytest
import torch

from jspnet_core.network import JSPNet, build_network
from jspnet_core.network.asis import embedding_neighbors
from jspnet_core.network.layers import SetAbstraction
from jspnet_core.network_config import SYSTEMS, NetworkConfiguration, PointNetWidths
from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids
from jspnet_core.training.losses import joint_loss

SIZES = dict(
    points=128,
    levels=(64, 32, 16, 8),
    encoder_neighbors=8,
    decoder_neighbors=4,
    set_abstraction=(4, 8),
    point_conv=((8, 8), (8, 16), (16, 16)),
    decoder=((16,), (16,), (8,)),
    propagation=(8, 8),
    feature_propagation=((16,), (16,), (8,)),
    pointnet=PointNetWidths(local=(8, 16), block=(8,), decoder=(16,)),
    weight_net=4,
    density_net=4,
    fusion=8,
    d_k=4,
    d_v=6,
)

ORDERS = ("ins2sem-sem2ins", "sem2ins-ins2sem")

VARIANTS = {
    **{system: dict(system=system) for system in SYSTEMS},
    # Tables 4 and 5
    "pointnet with SIFF and PIFF": dict(system="pointnet", fusion_kind="siff+piff"),
    "pointnet2 with SIFF and PIFF": dict(system="pointnet2", fusion_kind="siff+piff"),
    "jsnet pipeline without module": dict(system="jsnet", fusion_kind="none"),
    # Table 6
    "without PCFF": dict(pcff=False),
    "SIFF alone": dict(fusion_kind="siff"),
    "PIFF alone": dict(fusion_kind="piff"),
    "nothing": dict(fusion_kind="none", pcff=False),
    # Table 7
    **{f"SIFF {order}": dict(siff_order=order) for order in ORDERS},
    **{f"PIFF {order}": dict(piff_order=order) for order in ORDERS},
    **{f"PIFF {order}, literal eq. 12": dict(piff_order=order, piff_values="own") for order in ORDERS},
    **{f"PIFF {order}, added": dict(piff_order=order, piff_join="add") for order in ORDERS},
    "the released code": dict(
        siff_main="other",
        siff_center="min",
        siff_join="residual",
        siff_order="sem2ins-ins2sem",
        piff_keys="pairs",
        piff_dropout=0.5,
        piff_heads="swapped",
        d_k=1,
        d_v=1,
    ),
}


def small(**changes) -> NetworkConfiguration:
    return NetworkConfiguration(**{**SIZES, **changes})


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def blocks(configuration: NetworkConfiguration, number: int = 2, seed: int = 0):
    rng = np.random.default_rng(seed)
    features = rng.random((number, configuration.points, configuration.channels), np.float32)
    pyramid = stack_pyramids([build_pyramid(f[:, :3], configuration) for f in features], configuration)
    return torch.from_numpy(features), {name: torch.from_numpy(array) for name, array in pyramid.items()}


# A dense layer i -> o with batch norm has i * o weights, o biases, 2 * o of the norm: i * o + 3 * o.
ENC = 5_688_339  # paper.md's facts: 3,744 + 271,569 + 1,083,537 + 4,329,489
DEC = 1_139_460  # one PointConv decoder with PCFF
TWO_OUT = 128 * 13 + 13 + 128 * 5 + 5  # 2,322: the last layers, 128 -> 13 and 128 -> 5
# Four set abstractions. The first 9 -> 32 -> 32 -> 64: 384 + 1,120 + 2,240 = 3,744; then 67 -> 64 -> 64 -> 128:
# 4,480 + 4,288 + 8,576 = 17,344; 131 -> 128 -> 128 -> 256: 17,152 + 16,768 + 33,536 = 67,456;
# 259 -> 256 -> 256 -> 512: 67,072 + 66,304 + 132,608 = 265,984.
ENC_PN2 = 3_744 + 17_344 + 67_456 + 265_984  # 354,528
# Feature propagations 768 -> 256 -> 256: 197,376 + 66,304 = 263,680; 384 -> 256 -> 256: 99,072 + 66,304 = 165,376;
# 320 -> 256 -> 128: 82,688 + 33,152 = 115,840; 134 -> 128 -> 128 -> 128: 17,536 + 16,768 + 16,768 = 51,072;
# and a dense layer 128 -> 128: 16,768.
DEC_PN2 = 263_680 + 165_376 + 115_840 + 51_072 + 16_768  # 612,736
# 9 -> 64 -> 64 -> 64 -> 128 -> 1024: 768 + 4,288 + 4,288 + 8,576 + 134,144 = 152,064;
# of the block's maximum 1024 -> 256 -> 128: 262,912 + 33,152 = 296,064.
ENC_PN = 152_064 + 296_064  # 448,128
DEC_PN = 591_360 + 131_840 + 33_152  # 756,352: 1152 -> 512 -> 256 -> 128
JISS = 118_546  # with its heads: 128 -> 128, 256 -> 128 three times, and the last layers: 16,768 + 3 * 33,152 + 2,322
# SIFF: two dense layers 128 -> 128 in each branch, 4 * 16,768 = 67,072. PIFF of 256-wide branches, d_k 64, d_v 128:
# query and key 256 -> 64 with bias 16,448 each, value 256 -> 128 32,896, 128 -> 128 16,768, tail 384 -> 128 49,536:
# 132,096 for each branch; with the last layers 67,072 + 264,192 + 2,322.
MODULE = 333_586
TAILS = 2 * 33_152 + TWO_OUT  # heads of SIFF alone: a dense layer 256 -> 128 in each branch
# PIFF of 128-wide branches: query and key 128 -> 64 8,256 each, value 128 -> 128 16,512, 128 -> 128 16,768,
# tail 256 -> 128 33,152: 82,944 for each branch.
PIFF_ALONE = 2 * 82_944 + TWO_OUT


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (dict(system="pointnet"), ENC_PN + 2 * DEC_PN + TWO_OUT),  # 1,963,154
        (dict(system="pointnet2"), ENC_PN2 + 2 * DEC_PN2 + TWO_OUT),  # 1,582,322
        (dict(system="asis"), ENC_PN2 + 2 * DEC_PN2 + TWO_OUT + 16_768),  # 1,599,090: one dense layer 128 -> 128 more
        (dict(system="jsnet"), 8_085_805),
        (dict(system="jspnet"), 8_300_845),
        (dict(system="jspnet", d_k=64, d_v=256, piff_join="add"), 8_432_941),  # the figure
        (dict(system="jspnet", d_k=128, d_v=128, piff_join="add"), 8_367_405),  # the figure, other widths
        (VARIANTS["the released code"], 8_171_443),
        (dict(system="pointnet", fusion_kind="siff+piff"), ENC_PN + 2 * DEC_PN + MODULE),
        (dict(system="pointnet2", fusion_kind="siff+piff"), ENC_PN2 + 2 * DEC_PN2 + MODULE),
        (dict(system="jsnet", fusion_kind="none"), ENC + 2 * DEC + TWO_OUT),
        (dict(fusion_kind="siff"), ENC + 2 * DEC + 67_072 + TAILS),
        (dict(fusion_kind="piff"), ENC + 2 * DEC + PIFF_ALONE),
        # without PCFF its dense layer is 128 -> 128, 128 * 128 weights fewer in each decoder
        (dict(pcff=False), 8_300_845 - 2 * 128 * 128),
        # the second branch's SIFF reads 256 channels, PIFF 384 (key 64, value 128 outputs): that many weights more
        (dict(siff_order=ORDERS[0]), 8_300_845 + 128 * 128),
        (dict(piff_order=ORDERS[1]), 8_300_845 + 128 * (64 + 128)),
    ],
)
def test_parameter_counts(changes, expected):
    assert count(build_network(NetworkConfiguration(**changes))) == expected


def test_jiss_and_heads_weigh_what_the_paper_notes_say():
    network = build_network(NetworkConfiguration(system="jsnet"))
    assert count(network.encoder) == ENC
    assert count(network.semantic_decoder) == DEC
    assert count(network) - ENC - 2 * DEC == JISS


@pytest.mark.parametrize("name", VARIANTS)
def test_gradients_reach_every_parameter(name):
    torch.manual_seed(0)
    configuration = small(**VARIANTS[name])
    network = build_network(configuration).train()
    features, pyramid = blocks(configuration)
    logits, embeddings = network(features, pyramid)
    assert logits.shape == (2, 128, 13)
    assert embeddings.shape == (2, 128, 5)
    rng = np.random.default_rng(1)
    label, instance = (torch.from_numpy(rng.integers(0, n, (2, 128))) for n in (13, 6))
    joint_loss(logits, embeddings, label, instance)["total"].backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # a bias before a batch norm changes nothing, so its gradient is zero but for rounding: it has to be there, no more
    assert [name for name in still if network.get_parameter(name).grad is None] == []
    assert [name for name in still if not name.endswith("bias")] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_blocks_of_a_batch_do_not_see_each_other(name):
    torch.manual_seed(0)
    configuration = small(**VARIANTS[name])
    network = build_network(configuration).eval()
    features, pyramid = blocks(configuration)
    together = network(features, pyramid)
    alone = stack_pyramids([build_pyramid(features[1, :, :3].numpy(), configuration)], configuration)
    single = network(features[1:], {key: torch.from_numpy(array) for key, array in alone.items()})
    for both, one in zip(together, single, strict=True):
        torch.testing.assert_close(both[1:], one, rtol=1e-4, atol=1e-4)


def test_a_parallel_network_is_not_a_sequential_one():
    """The branch that comes first ignores the order; the second one does not."""
    torch.manual_seed(0)
    sequential = build_network(small(piff_order="ins2sem-sem2ins")).eval()
    torch.manual_seed(0)
    parallel = build_network(small()).eval()
    features, pyramid = blocks(small())
    (logits_s, embeddings_s), (logits_p, embeddings_p) = sequential(features, pyramid), parallel(features, pyramid)
    torch.testing.assert_close(logits_s, logits_p)
    assert (embeddings_s - embeddings_p).abs().max() > 1e-3


def test_asis_reads_neighbours_within_reach():
    embeddings = torch.tensor([[[0.0, 0.0], [0.1, 0.0], [0.2, 0.2], [5.0, 5.0]], [[9.0, 0.0]] * 4])
    near = embedding_neighbors(embeddings, 3, 0.5)
    assert sorted(near[0, 0].tolist()) == [0, 1, 2]  # L1 distances 0, 0.1, 0.4
    assert near[0, 3].tolist() == [3, 3, 3]  # nobody within reach: the point itself
    assert set(near[1].flatten().tolist()) <= {4, 5, 6, 7}  # flat indices of the second block


def test_grouping_beyond_the_radius_repeats_the_nearest():
    torch.manual_seed(0)
    xyz = torch.tensor([[[0.0, 0, 0], [0.1, 0, 0], [0.5, 0, 0]]])
    features = torch.randn(1, 3, 2)
    near = torch.tensor([[[0, 1, 2]]], dtype=torch.int32)
    ball = SetAbstraction(2, (4,), radius=0.2).eval()
    anywhere = SetAbstraction(2, (4,)).eval()
    anywhere.load_state_dict(ball.state_dict())
    got = ball(xyz, features, xyz[:, :1], near)
    torch.testing.assert_close(got, anywhere(xyz, features, xyz[:, :1], torch.tensor([[[0, 1, 0]]])))


def test_a_system_stands_for_its_backbone_and_fusion():
    asis = NetworkConfiguration.narrow(system="asis")
    assert (asis.backbone, asis.fusion_kind) == ("pointnet2", "asis")
    assert NetworkConfiguration(**asis.model_dump(mode="json")) == asis
    mixed = NetworkConfiguration(system="pointnet", fusion_kind="siff+piff")
    assert (mixed.backbone, mixed.fusion_kind) == ("pointnet", "siff+piff")


def test_a_configuration_from_before_there_were_systems_is_a_jspnet():
    old = NetworkConfiguration.narrow().model_dump(mode="json")
    for name in (
        "system",
        "backbone",
        "fusion_kind",
        "pcff",
        "feature_propagation",
        "pointnet",
        "siff_join",
        "siff_order",
        "piff_dropout",
        "piff_heads",
        "piff_order",
    ):
        del old[name]
    assert isinstance(build_network(NetworkConfiguration(**old)), JSPNet)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(system="votenet"),
        dict(fusion_kind="siff+jiss"),
        dict(siff_order="ins2sem-sem2ins", siff_main="other"),
        dict(piff_keys="pairs", points=4097),
    ],
)
def test_a_system_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NetworkConfiguration(**wrong)


@pytest.mark.parametrize("system", ["pointnet", "pointnet2", "asis", "jsnet", "jspnet"])
def test_a_silenced_class_is_never_said_and_the_others_keep_their_logits(system):
    torch.manual_seed(0)
    configuration = small(system=system)
    network, inputs = build_network(configuration).eval(), blocks(configuration)
    with torch.no_grad():
        before = network(*inputs)[0]
        said = int(before.argmax(-1).flatten().mode().values)
        network.mask_classes([said])
        after = network(*inputs)[0]
    assert not (after.argmax(-1) == said).any()
    others = [c for c in range(before.shape[-1]) if c != said]
    torch.testing.assert_close(after[..., others], before[..., others])
