"""Searches in boxes against all pairs, to the last bit: equal distances, ties by index."""

import numpy as np
import pytest

from jspnet_core.spatial.ball_query import ball_density, ball_query
from jspnet_core.spatial.kd_buckets import boxed
from jspnet_core.spatial.knn import self_nearest, three_nearest

RNG = np.random.default_rng(11)


def walls(count):
    """Points of a floor and two walls, 2 m wide, with a table's noise: (count, 3)."""
    points = RNG.random((count, 3)) * [2.0, 2.0, 2.5]
    points[np.arange(count), np.arange(count) % 3] = 0.0
    return points + RNG.normal(0.0, 0.002, points.shape)


CLOUDS = {
    "walls": walls(900),
    "padded": np.concatenate([walls(150), walls(150)])[RNG.integers(0, 60, 700)],
    "one place": np.full((300, 3), 0.7),
    "one place and one far away": np.concatenate([np.full((200, 3), 0.7), [[40.0, -3.0, 9.0]]]),
    "two places": np.array([[0.0, 0.1, 0.2], [1.0, 0.5, 0.3]])[RNG.integers(0, 2, 257)],
    "a line": np.linspace(0.0, 3.0, 333)[:, None] * [1.0, 0.0, 0.0],
    "a lattice": np.stack(np.meshgrid(*3 * [np.arange(8) / 8]), -1).reshape(-1, 3),
    "ever closer": 0.5 ** np.arange(120)[:, None] * [1.0, 1.0, 0.0],
    "far from the origin": walls(500) + [5e4, -3e5, 1e3],
    "as many as asked for": walls(32),
}


@pytest.fixture(params=CLOUDS)
def cloud(request):
    points = CLOUDS[request.param].astype(np.float32)
    return points[RNG.permutation(len(points))]


def squared(points, queries):
    dx, dy, dz = np.moveaxis(points[None] - queries[:, None], -1, 0)
    return (dx * dx + dy * dy) + dz * dz


def nearest(points, queries, k):
    return np.argsort(squared(points, queries), axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("k", [1, 3, 16, 32])
@pytest.mark.parametrize("most", [1, 16, 500])
def test_self_neighbours_are_those_of_all_pairs(cloud, k, most):
    np.testing.assert_array_equal(self_nearest(boxed(cloud, most), k), nearest(cloud, cloud, k))


@pytest.mark.parametrize("most", [1, 16, 64, 500])
def test_three_nearest_are_those_of_all_pairs(cloud, most):
    for points in (cloud, cloud[: len(cloud) // 4], cloud[:3]):
        index, weight = three_nearest(boxed(points, 16), boxed(cloud, most))
        expected = nearest(points, cloud, 3)
        np.testing.assert_array_equal(index, expected)
        w = np.float32(1.0) / np.maximum(np.take_along_axis(squared(points, cloud), expected, 1), np.float32(1e-10))
        np.testing.assert_array_equal(weight, w / ((w[:, 0] + w[:, 1]) + w[:, 2])[:, None])
        assert (index.dtype, weight.dtype) == (np.int32, np.float32)


def test_fewer_points_than_neighbours_are_refused():
    points = boxed(walls(5), 16)
    with pytest.raises(ValueError, match="found 5"):
        self_nearest(points, 6)
    with pytest.raises(ValueError, match="found 2"):
        three_nearest(boxed(walls(2), 16), points)


@pytest.mark.parametrize("radius", [1e-3, 0.1, 0.3, 100.0])
@pytest.mark.parametrize("count", [1, 32, 128])
def test_balls_are_those_of_all_pairs(cloud, radius, count):
    centers = cloud[:: max(1, len(cloud) // 100)]
    square = np.float32(radius * radius)
    near = ball_query(boxed(cloud, 64), boxed(centers, 16), radius, count)
    density = ball_density(boxed(cloud, 16), radius, 0.1, count)
    for row, distances in zip(near, squared(cloud, centers), strict=True):
        hits = np.flatnonzero(distances < square)[:count]
        np.testing.assert_array_equal(row, np.concatenate([hits, np.full(count - len(hits), hits[0])]))
    for found, distances in zip(density, squared(cloud, cloud), strict=True):
        inside = distances[distances < square][:count].astype(np.float64)
        expected = (2 * np.pi * 0.1) ** -1.5 * np.exp(-0.5 * inside / 0.1).mean()
        assert found == pytest.approx(expected, rel=2e-7)


def test_boxes_hold_every_point_once_in_index_order(cloud):
    axes, order, edges = boxed(cloud, 16)
    np.testing.assert_array_equal(axes.T, cloud)
    np.testing.assert_array_equal(np.sort(order), np.arange(len(cloud)))
    for a, b in zip(edges, edges[1:], strict=False):
        assert (np.diff(order[a:b]) > 0).all()
        assert b - a <= 16 or (cloud[order[a:b]] == cloud[order[a]]).all()
