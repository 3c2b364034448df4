"""Voxels and blocks against a test of every point."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from jspnet_core.pipeline import blocks
from jspnet_core.pipeline.blocks import batches, block_columns, block_features, cut_blocks, network_sizes
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.spatial.grid import nearest_within
from jspnet_core.util.threads import PART_POINTS


@pytest.fixture
def points():
    return (np.random.default_rng(1).random((3000, 3)) * [2.3, 1.7, 2.5]).astype(np.float32)


def cut(points, **changes):
    options = dict(points_per_block=256, block_size=1.0, stride=0.5, min_points=10, rng=np.random.default_rng(0))
    return cut_blocks(points, **{**options, **changes})


def test_voxels_group_exactly_the_points_of_one_cell(points):
    voxels = voxelize(points, 0.1)
    cells = {}
    for i, cell in enumerate(map(tuple, np.floor(points.astype(np.float64) / 0.1).astype(int))):
        cells.setdefault(cell, []).append(i)
    assert len(voxels.representative) == len(cells)
    for members in cells.values():
        assert len(set(voxels.of_point[members])) == 1
        assert voxels.representative[voxels.of_point[members[0]]] == members[0]


def test_points_that_are_not_finite_or_absurd_have_no_voxel():
    points = np.array([[0, 0, 0], [np.nan, 0, 0], [0, np.inf, 0], [1e9, 0, 0], [-5, -5, -5]], np.float32)
    voxels = voxelize(points, 0.03)
    np.testing.assert_array_equal(voxels.of_point, [0, -1, -1, -1, 1])


def test_cells_on_both_sides_of_zero_stay_apart():
    points = np.array([[-0.01, 0, 0], [0.01, 0, 0]], np.float32)
    assert len(voxelize(points, 0.03).representative) == 2


@pytest.mark.parametrize("size", [0.03, 0.004])  # few voxels, and more than the first table holds
def test_parts_hashed_side_by_side_give_the_same_voxels(size):
    rng = np.random.default_rng(4)
    points = rng.uniform(-3, 3, (3 * PART_POINTS + 7, 3)).astype(np.float32)
    points[:, 2] = 0.0
    points[rng.integers(0, len(points), 500)] = np.nan
    whole = voxelize(points, size)
    with ThreadPoolExecutor(3) as executor:
        parts = voxelize(points, size, executor, threads=3)
    np.testing.assert_array_equal(parts.representative, whole.representative)
    np.testing.assert_array_equal(parts.of_point, whole.of_point)


def test_blocks_hold_the_points_of_their_square_and_cover_the_cloud(points):
    blocks = cut(points, points_per_block=4096)
    # ceil((extent - 1) / 0.5) + 1 squares an axis, from the smallest x and y on
    low, high = points.min(0), points.max(0)
    counts = [int(np.ceil((high[a] - low[a] - 1.0) / 0.5)) + 1 for a in (0, 1)]
    assert len(blocks) == counts[0] * counts[1]
    expected = []
    for i in range(counts[0]):
        for j in range(counts[1]):
            corner = low[:2] + 0.5 * np.array([i, j], np.float32)
            inside = ((points[:, :2] >= corner) & (points[:, :2] <= corner + 1.0)).all(1)
            expected.append(set(np.flatnonzero(inside)))
    found = [set(row[:n]) for row, n in zip(blocks.index, blocks.count, strict=True)]
    assert found == expected
    assert set().union(*found) == set(range(len(points)))


def test_a_crowded_block_draws_without_replacement_and_a_sparse_one_repeats(points):
    crowded = cut(points, points_per_block=64)
    assert (crowded.count == 64).all()
    assert all(len(set(row)) == 64 for row in crowded.index)
    sparse = cut(points[:40], points_per_block=64, min_points=1)
    for row, n in zip(sparse.index, sparse.count, strict=True):
        assert len(set(row[:n])) == n
        assert set(row[n:]) <= set(row[:n])


def test_a_bound_keeps_the_blocks_nearest_to_the_sensor(points):
    everything, near = cut(points), cut(points, max_blocks=4, sensor=np.array([0.0, 0.0]))
    assert len(near) == 4
    assert near.left_out == len(everything) - 4
    far = max(points[row, :2].mean(0) @ np.ones(2) for row in near.index)
    assert far < 2.5


def test_a_stray_point_far_away_adds_no_work(points, monkeypatch):
    calls = []
    windows = blocks._windows
    monkeypatch.setattr(blocks, "_windows", lambda *arguments: calls.append(1) or windows(*arguments))
    cut(points)
    expected = len(calls)
    calls.clear()
    cut(np.concatenate([points, [points.min(axis=0) + [9000, 9000, 0]]]).astype(np.float32))
    assert 1 < len(calls) <= 2 * expected, "of 18,000 strips, those with too few points are not looked into"


def test_a_cloud_of_one_point_has_no_block():
    assert len(cut(np.zeros((1, 3), np.float32))) == 0


def test_features_are_those_of_the_paper(points):
    colors = np.random.default_rng(2).integers(0, 256, points.shape).astype(np.uint8)
    blocks = cut(points)
    features = block_features(points, colors, blocks.index, color=True, block_size=1.0)
    for row, block in zip(blocks.index, features, strict=True):
        x, y, z = points[row].T
        np.testing.assert_allclose(block[:, 0], x - (x.min() + 0.5), atol=1e-6)
        np.testing.assert_allclose(block[:, 1], y - (y.min() + 0.5), atol=1e-6)
        np.testing.assert_allclose(block[:, 2], z, atol=1e-6)
        np.testing.assert_allclose(block[:, 3:6], colors[row] / 255.0, atol=1e-6)
        low = np.array([*points[:, :2].min(0), 0.0])
        np.testing.assert_allclose(block[:, 6:], (points[row] - low) / (points.max(0) - low), atol=1e-5)


def test_features_without_colour_are_black_or_absent(points):
    index = cut(points).index
    assert (block_features(points, None, index, color=True, block_size=1.0)[..., 3:6] == 0).all()
    assert block_features(points, None, index, color=False, block_size=1.0).shape[-1] == 6


def test_blocks_are_sent_at_the_smallest_size_that_holds_their_points():
    count = np.array([40, 2048, 512, 513, 1025, 700, 512])
    assert network_sizes(count, 512, 2048).tolist() == [512, 2048, 512, 640, 1152, 768, 512]
    assert network_sizes(count, 2048, 2048).tolist() == [2048] * 7


def test_batches_hold_every_block_once_large_ones_first():
    found = list(batches(np.array([512, 2048, 512, 1024, 1536, 1024, 512]), most=3))
    assert [rows.tolist() for rows in found] == [[1, 4, 3], [5, 0, 2], [6]]


def test_a_cloud_of_bare_floor_gives_features_of_ordinary_size() -> None:
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(0, 1, (500, 2)), rng.normal(-0.05, 0.02, 500)]).astype(np.float32)
    features = block_features(floor, None, np.arange(500)[None], color=True, block_size=1.0)
    assert np.abs(features).max() <= 1.0
    assert features[..., 6:].min() >= 0.0


@pytest.mark.parametrize(("size", "stride"), [(1.0, 0.5), (0.4, 0.4), (0.3, 0.11), (2.0, 1.0), (0.2, 0.35)])
def test_blocks_hold_what_a_test_of_every_point_finds(points, size, stride):
    on_edges = np.round(points, 1)  # many points on the borders of blocks
    wide = on_edges.astype(np.float64)  # numpy 1 would compare with float64 numbers in float32
    found, places = block_columns(on_edges, size, stride, 5)
    low, high = wide.min(axis=0), wide.max(axis=0)
    across = [low[i] + stride * np.arange(int(np.ceil(max(high[i] - low[i] - size, 0) / stride)) + 1) for i in (0, 1)]
    inside = [
        np.flatnonzero((wide[:, 0] >= x) & (wide[:, 0] <= x + size) & (wide[:, 1] >= y) & (wide[:, 1] <= y + size))
        for x in across[0]
        for y in across[1]
    ]
    expected = [members for members in inside if len(members) >= 5]
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    grid = [(x, y) for x in range(len(across[0])) for y in range(len(across[1]))]
    assert [tuple(p) for p in places] == [p for p, m in zip(grid, inside, strict=True) if len(m) >= 5]


@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_the_nearest_point_is_found_within_reach(offset):
    rng = np.random.default_rng(3)
    xyz, queries = ((rng.random((n, 3)) * [2.0, 1.0, 0.7] + offset).astype(np.float32) for n in (700, 900))
    queries[:100] += rng.normal(scale=2.0, size=(100, 3)).astype(np.float32)  # outside
    xyz[300:400] = xyz[200:300]  # of equal ones the first
    reach = np.float32(0.09)
    square = np.square(queries[:, None] - xyz[None]).sum(axis=-1)
    expected = np.where(square.min(axis=1) <= reach * reach, square.argmin(axis=1), -1)
    assert 100 < (expected < 0).sum() < 700
    np.testing.assert_array_equal(nearest_within(xyz, queries, float(reach)), expected)
    with ThreadPoolExecutor(1) as executor:  # whose thread takes half of as many queries
        many, asked = np.concatenate([queries] * 5), np.concatenate([expected] * 5)
        np.testing.assert_array_equal(nearest_within(xyz, many, float(reach), executor), asked)
    np.testing.assert_array_equal(nearest_within(np.ones((5, 3), np.float32), np.ones((2, 3), np.float32), 0.1), 0)
