"""Each block of layers against a slow, obvious computation of its equations, point by point."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from jspnet_core.network import JSPNet
from jspnet_core.network.fusion import PIFF, SIFF
from jspnet_core.network.layers import Dense, DepthwisePointConv, PointConv, SetAbstraction, gather, interpolate
from jspnet_core.network.pointconv import PointConvDecoder
from jspnet_core.network_config import NetworkConfiguration

SMALL = NetworkConfiguration(
    points=64,
    levels=(32, 16, 8, 8),
    encoder_neighbors=8,
    decoder_neighbors=4,
    set_abstraction=(4, 8),
    point_conv=((8, 8), (8, 16), (16, 16)),
    decoder=((16,), (16,), (8,)),
    propagation=(8, 8),
    weight_net=4,
    density_net=4,
    fusion=8,
    d_k=4,
    d_v=6,
)


@pytest.fixture
def rng():
    torch.manual_seed(0)
    return np.random.default_rng(0)


def randomise(module: nn.Module) -> nn.Module:
    """Batch norms as after training: without it, evaluation mode would be the identity and hide mistakes."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm1d):
            nn.init.normal_(m.running_mean)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
            nn.init.uniform_(m.weight, 0.5, 2.0)
            nn.init.normal_(m.bias)
    return module.eval()


def numpy_of(x: torch.Tensor) -> np.ndarray:
    return x.detach().double().numpy()


def normed(norm: nn.BatchNorm1d, x: np.ndarray) -> np.ndarray:
    mean, variance = numpy_of(norm.running_mean), numpy_of(norm.running_var)
    return (x - mean) / np.sqrt(variance + norm.eps) * numpy_of(norm.weight) + numpy_of(norm.bias)


def dense(layer: Dense, x: np.ndarray) -> np.ndarray:
    """One vector through a Dense layer."""
    y = numpy_of(layer.linear.weight) @ x + numpy_of(layer.linear.bias)
    if layer.norm is not None:
        y = normed(layer.norm, y)
    return np.maximum(y, 0.0) if layer.relu else y


def through(layers: Any, x: np.ndarray) -> np.ndarray:
    for layer in layers:
        x = dense(layer, x)
    return x


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def tensors(rng, *shapes):
    return [torch.from_numpy(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]


def neighbours(rng, blocks: int, queries: int, k: int, sources: int) -> tuple[np.ndarray, torch.Tensor]:
    """Local indices (B, m, K) and the same, flat."""
    local = rng.integers(0, sources, (blocks, queries, k))
    return local, torch.from_numpy((local + np.arange(blocks)[:, None, None] * sources).astype(np.int32))


def test_gather_takes_rows_of_the_own_block(rng):
    (x,) = tensors(rng, (3, 5, 2))
    local, flat = neighbours(rng, 3, 4, 6, 5)
    expected = np.stack([numpy_of(x)[b][local[b]] for b in range(3)])
    np.testing.assert_allclose(numpy_of(gather(x, flat)), expected)


def test_interpolation_is_the_weighted_sum_of_three(rng):
    x, weight = tensors(rng, (2, 5, 4), (2, 7, 3))
    local, flat = neighbours(rng, 2, 7, 3, 5)
    got = numpy_of(interpolate(x, flat, weight))
    for b in range(2):
        for i in range(7):
            expected = sum(numpy_of(weight)[b, i, k] * numpy_of(x)[b, local[b, i, k]] for k in range(3))
            np.testing.assert_allclose(got[b, i], expected, atol=1e-5)


def test_set_abstraction(rng):
    layer = randomise(SetAbstraction(6, (5, 7)))
    xyz, features, centers = tensors(rng, (2, 9, 3), (2, 9, 6), (2, 4, 3))
    local, flat = neighbours(rng, 2, 4, 5, 9)
    got = numpy_of(layer(xyz, features, centers, flat))
    for b in range(2):
        for i in range(4):
            rows = []
            for j in local[b, i]:
                relative = numpy_of(xyz)[b, j] - numpy_of(centers)[b, i]
                rows.append(through(layer.layers, np.concatenate([relative, numpy_of(features)[b, j]])))
            np.testing.assert_allclose(got[b, i], np.max(rows, axis=0), atol=1e-4)


def test_point_conv(rng):
    layer = randomise(PointConv(6, (5, 7), weight_net=3, density_net=4))
    xyz, features, centers = tensors(rng, (2, 9, 3), (2, 9, 6), (2, 4, 3))
    local, flat = neighbours(rng, 2, 4, 5, 9)
    density = torch.rand(2, 4, 5)
    got = numpy_of(layer(xyz, features, centers, flat, density))
    for b in range(2):
        for i in range(4):
            product = np.zeros((5, 3))  # C_mid x weight net
            for k, j in enumerate(local[b, i]):
                relative = numpy_of(xyz)[b, j] - numpy_of(centers)[b, i]
                x = through(layer.layers, np.concatenate([relative, numpy_of(features)[b, j]]))
                scale = sigmoid(through(layer.density_net, numpy_of(density)[b, i, k : k + 1]))
                product += np.outer(x * scale, dense(layer.weight_net, relative))
            np.testing.assert_allclose(got[b, i], dense(layer.out, product.ravel()), atol=1e-4)


def test_depthwise_point_conv(rng):
    layer = randomise(DepthwisePointConv(6, 4, (7, 5), weight_net=3))
    nn.init.normal_(layer.bias)
    xyz, coarse, skip, weight = tensors(rng, (2, 8, 3), (2, 4, 6), (2, 8, 4), (2, 8, 3))
    up_local, up_flat = neighbours(rng, 2, 8, 3, 4)
    local, flat = neighbours(rng, 2, 8, 5, 8)
    got = numpy_of(layer(xyz, coarse, (up_flat, weight), flat, skip))
    for b in range(2):
        rows = [
            sum(numpy_of(weight)[b, i, k] * numpy_of(coarse)[b, up_local[b, i, k]] for k in range(3)) for i in range(8)
        ]
        for i in range(8):
            pooled = numpy_of(layer.bias)
            for j in local[b, i]:
                relative = numpy_of(xyz)[b, j] - numpy_of(xyz)[b, i]
                pooled = pooled + np.concatenate([relative, rows[j]]) * through(layer.weight_net, relative)
            pooled = np.maximum(normed(layer.norm, pooled), 0.0)
            expected = through(layer.layers, np.concatenate([pooled, numpy_of(skip)[b, i]]))
            np.testing.assert_allclose(got[b, i], expected, atol=1e-4)


def test_pcff_adds_the_coarse_scale_to_the_two_fine_ones(rng):
    decoder = randomise(PointConvDecoder(SMALL))
    fa2, fa3, l0 = tensors(rng, (1, 16, 16), (1, 32, 8), (1, 64, 6))
    index = {(0, 1): neighbours(rng, 1, 64, 3, 32), (0, 2): neighbours(rng, 1, 64, 3, 16)}
    weight = {pair: torch.rand(1, 64, 3) for pair in index}
    pyramid = {f"up{f}{c}_index": flat for (f, c), (_, flat) in index.items()}
    pyramid |= {f"up{f}{c}_weight": w for (f, c), w in weight.items()}
    got = numpy_of(decoder.fuse_scales(fa2, fa3, l0, pyramid))

    def up(x, pair, i):
        rows, w = numpy_of(x)[0][index[pair][0][0, i]], numpy_of(weight[pair])[0, i]
        return (rows * w[:, None]).sum(0)

    for i in range(64):
        fine = up(fa3, (0, 1), i)
        fa4 = through(decoder.fa4, np.concatenate([fine, numpy_of(l0)[0, i]]))
        expected = dense(decoder.pcff, np.concatenate([fa4, fine]) + up(fa2, (0, 2), i))
        np.testing.assert_allclose(got[0, i], expected, atol=1e-4)


@pytest.mark.parametrize("center", ["mean", "min"])
@pytest.mark.parametrize("p_scale", [False, True])
@pytest.mark.parametrize("main", ["own", "other"])
def test_siff(rng, center, p_scale, main):
    layer = randomise(SIFF(SMALL.model_copy(update=dict(siff_center=center, siff_p_scale=p_scale, siff_main=main))))
    own, other = tensors(rng, (2, 10, 8), (2, 10, 8))
    got = numpy_of(layer(own, other))
    for block in range(2):
        a, b = numpy_of(own)[block], numpy_of(other)[block]
        a, b = (a, b) if main == "own" else (b, a)
        p = a.mean(0)  # eq. 6
        for i in range(10):
            s = (a[i] - p) ** 2  # eq. 7
            d = sigmoid(s - (s.mean() if center == "mean" else s.min()))  # eq. 8
            u = d * dense(layer.other, b[i]) + a[i]  # eq. 9
            u = p * u if p_scale else u
            z = np.concatenate([a[i], dense(layer.mix, u)])
            np.testing.assert_allclose(got[block, i], z * sigmoid(z.mean()), atol=1e-4)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("values", ["other", "own"])
@pytest.mark.parametrize("join", ["concat", "add"])
@pytest.mark.parametrize("keys", ["points", "level1", "level2"])
def test_piff(rng, explicit, values, join, keys):
    levels = (4, 3, *SMALL.levels[2:])
    update = dict(piff_values=values, piff_join=join, piff_keys=keys, levels=levels)
    layer = randomise(PIFF(SMALL.model_copy(update=update), outputs=3))
    layer.explicit = explicit
    own, other = tensors(rng, (2, 10, 16), (2, 10, 16))
    local, flat = neighbours(rng, 2, 1, 4, 10)
    got = numpy_of(layer(own, other, flat[:, 0]))

    def linear(layer, x):
        return numpy_of(layer.weight) @ x + numpy_of(layer.bias)

    for block in range(2):
        a, b = numpy_of(own)[block], numpy_of(other)[block]
        target, source = (a, b) if values == "other" else (b, a)
        if keys != "points":
            source = source[local[block, 0][: levels[0] if keys == "level1" else levels[1]]]
        for i in range(10):
            q = linear(layer.query, target[i])
            score = np.array([q @ linear(layer.key, y) / math.sqrt(4) for y in source])  # eq. 12
            probability = np.exp(score) / np.exp(score).sum()  # eq. 13
            t = sum(w * linear(layer.value, y) for w, y in zip(probability, source, strict=True))  # eq. 14
            t = dense(layer.transfer, t)
            z = np.concatenate([a[i], t]) if join == "concat" else a[i] + t  # eq. 15, or the figure
            z = z * sigmoid(z.mean()) if join == "concat" else z  # eq. 16
            np.testing.assert_allclose(got[block, i], linear(layer.out, dense(layer.tail, z)), atol=1e-4)  # eq. 17


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_are_those_of_the_recommended_reading():
    network = JSPNet(NetworkConfiguration())
    assert count(network) == pytest.approx(8.30e6, rel=0.01)
    # enc1, enc2, enc3, enc4; each decoder with its PCFF
    assert count(network.encoder) == 3_744 + 271_569 + 1_083_537 + 4_329_489
    assert count(network.semantic_decoder) == count(network.instance_decoder) == 1_139_460
    assert count(JSPNet(NetworkConfiguration(d_k=1, d_v=1))) == 8_138_291


def test_a_network_without_colour_takes_six_channels():
    with_color, without = JSPNet(SMALL), JSPNet(SMALL.model_copy(update={"color": False}))
    assert with_color.encoder.enc1.layers[0].linear.in_features == 9
    assert without.encoder.enc1.layers[0].linear.in_features == 6


@pytest.mark.parametrize(
    "wrong",
    [
        dict(levels=(1024, 2048, 64, 32)),
        dict(encoder_neighbors=65),
        dict(fusion=0),
        dict(unknown=1),
        dict(siff_center="max"),
    ],
)
def test_a_configuration_that_fits_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        NetworkConfiguration(**wrong)
