"""The pyramid against brute force, one point at a time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import (
    UPSAMPLINGS,
    build_pyramid,
    build_pyramids,
    index_sources,
    pyramid_names,
    stack_pyramids,
)
from jspnet_core.spatial.ball_query import ball_density, ball_query
from jspnet_core.spatial.farthest_point_sampling import farthest_points, sample_and_work
from jspnet_core.spatial.kd_buckets import boxed

SHAPE = NetworkConfiguration(points=256, levels=(64, 32, 16, 8), encoder_neighbors=16, decoder_neighbors=8)


@pytest.fixture(scope="module")
def xyz():
    return np.random.default_rng(3).random((256, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def pyramid(xyz):
    return build_pyramid(xyz, SHAPE)


@pytest.fixture(scope="module")
def levels(xyz, pyramid):
    return [xyz, *(xyz[pyramid["sample"]][:n] for n in SHAPE.levels)]


def squared(a, b):
    return np.square(a[:, None].astype(np.float64) - b[None]).sum(-1)


def test_sampling_takes_the_farthest_point_each_time(xyz):
    chosen = [0]
    for _ in range(63):
        chosen.append(int(squared(xyz, xyz[chosen]).min(axis=1).argmax()))
    np.testing.assert_array_equal(farthest_points(boxed(xyz, 64), 64), chosen)


def test_a_block_alone_has_the_same_pyramid(xyz, pyramid):
    with ThreadPoolExecutor(2) as executor:
        (alone,) = build_pyramids(xyz[None], SHAPE, executor)
    assert alone.keys() == pyramid.keys()
    for name, array in pyramid.items():
        np.testing.assert_array_equal(alone[name], array)


def test_each_level_is_the_farthest_point_sample_of_the_one_before(levels):
    for finer, coarser in zip(levels[1:], levels[2:], strict=False):
        np.testing.assert_array_equal(finer[farthest_points(boxed(finer, 64), len(coarser))], coarser)


def test_sampling_of_repeated_points_ends(xyz):
    twice = np.concatenate([xyz[:20], xyz[:20]])
    assert len(set(map(tuple, twice[farthest_points(boxed(twice, 64), 20)]))) == 20
    assert len(farthest_points(boxed(twice, 64), 40)) == 40


def surface(count, width):
    """Points of a floor and two walls, as a block holds them: (count, 3) float32."""
    rng = np.random.default_rng(5)
    points = rng.random((count, 3)) * [width, width, 2.5]
    points[np.arange(count), np.arange(count) % 3] = 0.0
    return points.astype(np.float32)


@pytest.mark.parametrize(("count", "samples", "width"), [(2048, 512, 1.0), (4096, 1024, 2.0)])
def test_sampling_looks_at_few_points_of_a_large_block(count, samples, width):
    points = surface(count, width)
    found, work = sample_and_work(boxed(points, 64), samples)
    distance, expected = np.full(count, np.inf, np.float32), np.zeros(samples, np.int32)
    for i in range(1, samples):
        distance = np.minimum(distance, np.square(points - points[expected[i - 1]]).sum(1))
        expected[i] = distance.argmax()
    assert (found == expected).mean() > 0.99, "but for farthest points that are equally far to the last bit"
    assert work < 0.2 * count * samples


def test_sampling_of_one_point_copied_costs_no_more_than_every_pair():
    assert sample_and_work(boxed(np.ones((500, 3), np.float32), 64), 100)[1] <= 500 * 100


@pytest.mark.parametrize("radius", [1e-4, 0.03, 0.2, 5.0])
def test_balls_are_those_of_all_pairs(radius):
    points = np.concatenate([surface(700, 1.0), [[9.0, -4.0, 1.0]], surface(20, 1.0)]).astype(np.float32)
    inside = squared(points, points) < np.float32(radius * radius)
    near = ball_query(boxed(points, 64), boxed(points, 16), radius, 16)
    density = ball_density(boxed(points, 16), radius, 0.1, 16)
    for i in range(len(points)):
        hits = np.flatnonzero(inside[i])[:16]
        np.testing.assert_array_equal(near[i], np.concatenate([hits, np.full(16 - len(hits), hits[0])]))
        kernel = (2 * np.pi * 0.1) ** -1.5 * np.exp(-5 * squared(points[i : i + 1], points[hits])[0])
        assert density[i] == pytest.approx(kernel.mean(), rel=1e-4)


def test_ball_query_takes_the_first_in_index_order_and_pads_with_the_first(xyz, pyramid, levels):
    for center, row in zip(levels[1], pyramid["ball"], strict=True):
        inside = np.flatnonzero(np.square(xyz - center).sum(1) < np.float32(SHAPE.radii[0] ** 2))[:16]
        expected = np.concatenate([inside, np.full(16 - len(inside), inside[0])])
        np.testing.assert_array_equal(row, expected)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_self_neighbours_are_the_nearest(pyramid, levels, level):
    near = pyramid[f"near{level}"]
    distances = squared(levels[level], levels[level])
    np.testing.assert_allclose(
        np.take_along_axis(distances, near, 1), np.sort(distances, 1)[:, : near.shape[1]], rtol=1e-4, atol=1e-7
    )
    np.testing.assert_array_equal(near[:, 0], np.arange(len(near)))


@pytest.mark.parametrize("level", [2, 3, 4])
def test_densities_are_inverse_kernel_means_over_the_ball(pyramid, levels, level):
    points, radius, variance = levels[level - 1], SHAPE.radii[level - 1], SHAPE.density_variances[level - 2]
    density = []
    for point in points:
        d = np.square(points - point).sum(1)
        d = d[d < radius**2][: SHAPE.density_neighbors]
        density.append(np.mean((2 * np.pi * variance) ** -1.5 * np.exp(-0.5 * d / variance)))
    for i, row in enumerate(pyramid[f"near{level - 1}"][: len(levels[level])]):
        inverse = 1.0 / np.array(density)[row]
        np.testing.assert_allclose(pyramid[f"density{level}"][i], inverse / inverse.max(), rtol=1e-4)


@pytest.mark.parametrize(("fine", "coarse"), UPSAMPLINGS)
def test_upsampling_weighs_three_nearest_by_inverse_square(pyramid, levels, fine, coarse):
    distances = squared(levels[fine], levels[coarse])
    index, weight = pyramid[f"up{fine}{coarse}_index"], pyramid[f"up{fine}{coarse}_weight"]
    for d, i, w in zip(distances, index, weight, strict=True):
        np.testing.assert_allclose(np.sort(d[i]), np.sort(d)[:3], rtol=1e-4, atol=1e-7)
        inverse = 1.0 / np.maximum(d[i], 1e-10)
        np.testing.assert_allclose(w, inverse / inverse.sum(), rtol=1e-3, atol=1e-5)


def test_flat_indices_point_into_the_own_block(xyz):
    blocks = np.stack([xyz, xyz[::-1]])
    with ThreadPoolExecutor(2) as executor:
        stacked = stack_pyramids(build_pyramids(blocks, SHAPE, executor), SHAPE)
    sizes = (SHAPE.points, *SHAPE.levels)
    for name in pyramid_names():
        for b in range(2):
            alone = build_pyramid(blocks[b], SHAPE)[name]
            offset = b * sizes[index_sources()[name]] if name in index_sources() else 0
            np.testing.assert_array_equal(stacked[name][b] - offset, alone)
    assert all(stacked[name].dtype == np.int32 for name in index_sources())
