"""Mean shift: clusters equal to scikit-learn's, a label for every point, bounded number of steps."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import MeanShift
from sklearn.metrics import adjusted_rand_score

from jspnet_core.data.rooms import read_room
from jspnet_core.engine import open_engine
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.blocks import block_features, cut_blocks
from jspnet_core.pipeline.mean_shift import labels_and_steps, mean_shift, mean_shift_blocks
from jspnet_core.pipeline.mean_shift_kernels import MAX_STEPS, MAX_STEPS_IN_ALL
from jspnet_core.pipeline.pyramid import build_pyramid
from jspnet_core.pipeline.voxelize import voxelize

BANDWIDTH = 0.6
ROOMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "s3dis_rooms_npz"


def tight(rng, count=4096):
    """A trained network's easy block: tight clusters, a few stray points."""
    clusters = rng.integers(5, 13)
    centers = rng.normal(size=(clusters, 5)) * 2
    points = centers[rng.integers(0, clusters, count)] + rng.normal(size=(count, 5)) * 0.1
    stray = rng.random(count) < 0.02
    points[stray] = rng.uniform(-4, 4, (stray.sum(), 5))
    return points.astype(np.float32)


def loose(rng, count=4096):
    """Clusters of unlike width that touch, bridges between them and stray points."""
    clusters = rng.integers(10, 20)
    centers = rng.normal(size=(clusters, 5)) * 1.5
    member = rng.integers(0, clusters, count)
    points = centers[member] + rng.normal(size=(count, 5)) * rng.uniform(0.08, 0.3, clusters)[member][:, None]
    stray, bridge = rng.random(count) < 0.04, rng.random(count) < 0.06
    points[stray] = rng.uniform(-4, 4, (stray.sum(), 5))
    share = rng.random((count, 1))
    points[bridge] = (centers[member] * share + centers[(member + 1) % clusters] * (1 - share))[bridge]
    return points.astype(np.float32)


def shapeless(rng, count=1024):
    """No clusters at all: what an untrained network gives."""
    return rng.normal(size=(count, 5), scale=0.5).astype(np.float32)


def scikit_learns(points):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # every point in a bin of its own
        return MeanShift(bandwidth=BANDWIDTH, bin_seeding=True).fit(points).labels_


@pytest.mark.parametrize("embeddings", [tight, loose, shapeless])
@pytest.mark.parametrize("seed", [1, 2])
def test_finds_the_clusters_of_scikit_learn(embeddings, seed):
    points = embeddings(np.random.default_rng(seed), 1000)
    assert adjusted_rand_score(scikit_learns(points), mean_shift(points, BANDWIDTH)) >= 0.99


@pytest.mark.parametrize("diagonal", [0.9, 0.998, 1.001, 1.5])  # of their box, in bandwidths
def test_finds_the_one_cluster_of_points_that_see_each_other(diagonal):
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (500, 5))
    points *= diagonal * BANDWIDTH / np.linalg.norm(np.ptp(points, axis=0))
    points = (points + 0.27).astype(np.float32)  # among several bins
    assert adjusted_rand_score(scikit_learns(points), mean_shift(points, BANDWIDTH)) == 1


def test_finds_the_clusters_of_scikit_learn_in_a_whole_block():
    points = tight(np.random.default_rng(3))
    found, expected = mean_shift(points, BANDWIDTH), scikit_learns(points)
    assert adjusted_rand_score(expected, found) >= 0.99
    assert found.max() == expected.max()


@pytest.mark.skipif(not ROOMS.is_dir(), reason="needs the real rooms in ../shared/data/s3dis_rooms_npz")
def test_finds_the_clusters_of_scikit_learn_in_real_embeddings():
    embeddings, counts = network_embeddings(json.loads((ROOMS / "split.json").read_text())["val"][0], blocks=8)
    found = mean_shift_blocks(embeddings, counts, BANDWIDTH)
    for block, count, labels in zip(embeddings, counts, found, strict=True):
        assert adjusted_rand_score(scikit_learns(block[:count]), labels[:count]) >= 0.99


def network_embeddings(room_name, blocks):
    """The default model's embeddings (B, N, K) of some blocks of a real room, and the blocks' points."""
    room, engine = read_room(ROOMS / f"{room_name}.npz"), open_engine("onnxruntime", default_model())
    c, voxel = engine.description.configuration, voxelize(room.points, 0.03).representative
    xyz, rgb = room.points[voxel], room.colors[voxel]
    cut = cut_blocks(
        xyz,
        points_per_block=c.points,
        block_size=c.block_size,
        stride=1.0,
        min_points=200,
        max_blocks=blocks,
        rng=np.random.default_rng(0),
    )
    features = block_features(xyz, rgb, cut.index, color=c.color, block_size=c.block_size)
    return engine.run(features, [build_pyramid(f[:, :3], c) for f in features])[1], cut.count


def test_numbers_clusters_by_decreasing_size():
    centers = np.repeat(np.eye(3, 5, dtype=np.float32) * 5, [10, 30, 20], axis=0)
    labels = mean_shift(centers, BANDWIDTH)
    assert labels.dtype == np.int32
    assert labels.tolist() == [2] * 10 + [0] * 30 + [1] * 20


@pytest.mark.parametrize(
    ("points", "clusters"),
    [
        (np.ones((1, 5)), 1),
        (np.array([[0.0, 0.0], [0.1, 0.0]]), 1),
        (np.array([[0.0, 0.0], [9.0, 0.0]]), 2),
        (np.full((4096, 5), 0.3), 1),  # copies of one point
        (np.full((50, 5), 0.299), 1),  # in the corner of a bin, out of reach of its seed
        (np.linspace(0, 2.4, 500)[:, None], 3),  # a chain without a peak
        (np.array([[3e8, 0.0], [3e8, 0.0], [-3e9, 0.0]]), 2),
    ],
)
def test_labels_every_point_of_odd_embeddings(points, clusters):
    labels = mean_shift(points.astype(np.float32), BANDWIDTH)
    assert set(labels) == set(range(labels.max() + 1))
    assert labels.max() + 1 == clusters


def many(rng, count=4096):
    """More clusters than the reference's tables held."""
    centers = rng.uniform(-8, 8, (150, 5))
    return (centers[rng.integers(0, 150, count)] + rng.normal(size=(count, 5), scale=0.05)).astype(np.float32)


def test_more_than_a_hundred_clusters_are_found_with_little_work():
    points = many(np.random.default_rng(7))
    labels, steps = labels_and_steps(points, BANDWIDTH)
    assert labels.max() + 1 == 150
    assert steps < len(points)


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0, 2.0, 1e3, 1e30])
def test_work_is_bounded_whatever_the_network_gives(spread):
    points = (np.random.default_rng(0).normal(size=(4096, 5)) * spread).astype(np.float32)
    labels, steps = labels_and_steps(points, BANDWIDTH)
    assert steps < MAX_STEPS_IN_ALL + MAX_STEPS
    assert set(labels) == set(range(labels.max() + 1))


def test_work_on_clusters_is_far_below_the_bound():
    for embeddings in (tight, loose):
        assert labels_and_steps(embeddings(np.random.default_rng(8)), BANDWIDTH)[1] < 0.25 * MAX_STEPS_IN_ALL


def test_does_not_depend_on_the_order_of_the_points():
    points = loose(np.random.default_rng(4), 2000)
    order = np.random.default_rng(5).permutation(len(points))
    assert adjusted_rand_score(mean_shift(points)[order], mean_shift(points[order])) > 0.999


def test_blocks_are_clustered_alone_and_padding_is_marked():
    rng = np.random.default_rng(6)
    blocks = np.stack([tight(rng, 600), loose(rng, 600), tight(rng, 600)])
    counts = np.array([600, 250, 0])
    with ThreadPoolExecutor(1) as executor:
        labels = mean_shift_blocks(blocks, counts, BANDWIDTH, executor)
    assert labels.dtype == np.int32
    for block, count, found in zip(blocks, counts, labels, strict=True):
        np.testing.assert_array_equal(found[:count], mean_shift(block[:count], BANDWIDTH))
        assert (found[count:] == -1).all()
    assert mean_shift_blocks(blocks[:0], counts[:0]).shape == (0, 600)


def test_refuses_what_has_no_clusters():
    points = np.zeros((10, 5), np.float32)
    points[3, 2] = np.nan
    with pytest.raises(ValueError, match="found NaN or Inf at 1 of 10 points"):
        mean_shift(points)
    with pytest.raises(ValueError, match="bandwidth must be a positive number, found 0"):
        mean_shift(np.nan_to_num(points), 0.0)
    with pytest.raises(ValueError, match=r"embeddings must be \(N, D\), found \(10,\)"):
        mean_shift(points[:, 0])
    with pytest.raises(ValueError, match=r"counts must be \(1,\) integers from 0 to 10"):
        mean_shift_blocks(np.zeros((1, 10, 5), np.float32), np.array([11]))


@pytest.mark.skipif(not ROOMS.is_dir(), reason="the real rooms of ../shared/data are not here")
def test_clusters_of_the_shipped_model_are_those_of_scikit_learn():
    engine = open_engine("onnxruntime", default_model())
    c = engine.description.configuration
    room = read_room(ROOMS / "Area_1_office_13.npz")
    keep = voxelize(room.points, 0.03).representative
    blocks = cut_blocks(
        room.points[keep],
        points_per_block=c.points,
        block_size=1.0,
        stride=1.0,
        min_points=512,
        rng=np.random.default_rng(0),
        max_blocks=3,
    )
    features = block_features(room.points[keep], room.colors[keep], blocks.index, color=c.color, block_size=1.0)
    _, embeddings = engine.run(features, [build_pyramid(f[:, :3], c) for f in features])
    for e in embeddings:
        expected = MeanShift(bandwidth=0.6, bin_seeding=True).fit_predict(e)
        assert adjusted_rand_score(expected, mean_shift(e, 0.6)) >= 0.99
