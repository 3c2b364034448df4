"""The kernels behind the network, compiled for the host, against their CPU versions on the same inputs."""

import numpy as np
import pytest

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import zeros
from jspnet_core.cuda.labels_to_points import labels_to_points
from jspnet_core.cuda.mean_shift import Clusters, mean_shift
from jspnet_core.cuda.merging.block_merging import Instances
from jspnet_core.cuda.merging.block_merging import finish_instances as finish_on_device
from jspnet_core.cuda.merging.block_merging import merge_blocks as merge_on_device
from jspnet_core.cuda.merging.block_merging import split_by_class as split_on_device
from jspnet_core.cuda.voting import DeviceLabels, DeviceVotes
from jspnet_core.cuda.voxelize import voxelize
from jspnet_core.export.parity import adjusted_rand_index
from jspnet_core.pipeline.blocks import Blocks
from jspnet_core.pipeline.labels_to_points import fill_gaps, paint_points, summarize_instances
from jspnet_core.pipeline.mean_shift import mean_shift_blocks
from jspnet_core.pipeline.merging.block_merging import finish_instances, merge_blocks, split_by_class
from jspnet_core.pipeline.voting import Votes
from jspnet_core.pipeline.voting import vote as cpu_vote
from tests.cuda.arrays import upload

POINTS, CLASSES = 96, 5


@pytest.fixture(scope="module")
def room():
    """A cloud of 900 voxels, and four overlapping blocks of it, one of them with padding."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 2, (900, 3)).astype(np.float32)
    points[::50] = np.nan
    index = np.stack([rng.permutation(800)[:POINTS] for _ in range(4)]).astype(np.int32)
    index[2, 80:] = index[2, :16]
    return points, index, np.array([POINTS, POINTS, 80, POINTS], np.int32)


def on_device(device, room):
    points, index, counts = room
    voxels = voxelize(device, points, 1e-3, np.eye(4))  # so small that each point has a voxel of its own
    return voxels, DeviceBlocks(upload(device, index), upload(device, counts), 0)


def test_votes_are_those_of_the_cpu(device, room):
    voxels, blocks = on_device(device, room)
    logits = np.random.default_rng(1).normal(0, 3, (4, POINTS, CLASSES)).astype(np.float32)
    logits[0, 0] = 1.0  # a tie
    votes = DeviceVotes(device, voxels, blocks, CLASSES)
    for begin, end in ((0, 3), (3, 4)):
        votes.add(upload(device, logits[begin:end]), begin, end)
    found = votes.result()
    block_label, label, confidence = cpu_vote(logits, Blocks(*room[1:]), voxels.count)
    np.testing.assert_array_equal(device.download(found.block_label), block_label)
    np.testing.assert_array_equal(device.download(found.label), label)
    np.testing.assert_allclose(device.download(found.confidence), confidence, atol=1e-6)


def test_rare_classes_give_way_as_on_the_cpu(device, room):
    voxels, blocks = on_device(device, room)
    logits = np.random.default_rng(1).normal(0, 3, (4, POINTS, CLASSES)).astype(np.float32)
    logits[..., 2] -= 4.0
    votes, expected = DeviceVotes(device, voxels, blocks, CLASSES), Votes(voxels.count, CLASSES)
    votes.add(upload(device, logits), 0, 4)
    block_label = expected.add(logits, *room[1:])
    least = np.bincount(expected.result()[0], minlength=256)[2] + 1  # class 2, at least, has fewer
    label, confidence, there = expected.result(least)
    assert 0 < there.sum() < CLASSES
    found = votes.result_without_rare(least)
    np.testing.assert_array_equal(device.download(found.label), label)
    np.testing.assert_allclose(device.download(found.confidence), confidence, atol=1e-6)
    drawn = np.arange(POINTS) < room[2][:, None]
    cleared = np.where(there[block_label], block_label, label[room[1]])
    np.testing.assert_array_equal(device.download(found.block_label)[drawn], cleared[drawn])


def clusters_on(device, embeddings, counts):
    found = Clusters(device.empty(embeddings.shape[:2], np.int32), zeros(device, counts.shape, np.int32))
    mean_shift(device, upload(device, embeddings), upload(device, counts), 0.6, found)
    return found


@pytest.mark.parametrize("spread", [0.05, 0.25])
def test_clusters_are_those_of_the_cpu(device, spread):
    rng = np.random.default_rng(2)
    centers = rng.uniform(-2, 2, (3, 4, 5))
    embeddings = np.stack([c[rng.integers(0, 4, POINTS)] for c in centers]).astype(np.float32)
    embeddings += rng.normal(0, spread, embeddings.shape).astype(np.float32)
    counts = np.array([POINTS, 77, 1], np.int32)
    found = clusters_on(device, embeddings, counts)
    clusters, expected = device.download(found.of_point), mean_shift_blocks(embeddings, counts, 0.6)
    assert device.download(found.count).tolist() == (expected.max(axis=1) + 1).tolist()
    for a, b, n in zip(clusters, expected, counts, strict=True):
        assert adjusted_rand_index(a[:n], b[:n]) > 0.99
        assert (a[n:] == -1).all()
        sizes = np.bincount(a[:n])
        assert (np.diff(sizes) <= 0).all(), "clusters come in order of size"


def test_points_that_no_seed_sees_are_seeds_themselves(device):
    corner = np.full((1, 40, 5), 0.29, np.float32)  # 0.65 from the middle of its bin, the bandwidth being 0.6
    found = clusters_on(device, corner, np.array([40], np.int32))
    assert (device.download(found.of_point) == 0).all()


def merging_inputs(room, seed):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 9, (4, POINTS)).astype(np.int32)
    clusters[:, :50] = 0
    for row, count in zip(clusters, room[2], strict=True):
        row[count:] = -1
        row[:count] = np.unique(row[:count], return_inverse=True)[1]
    return clusters, rng.integers(0, 2, (4, POINTS)).astype(np.uint8)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_instances_are_those_of_the_cpu(device, room, seed):
    voxels, blocks = on_device(device, room)
    clusters, block_label = merging_inputs(room, seed)
    label = np.random.default_rng(seed).integers(0, 2, voxels.count).astype(np.uint8)
    label[5:20] = 255
    mean_size = np.array([40.0, np.nan, 10.0, 10.0, 10.0])
    merged = merge_blocks(room[1].astype(np.int64), clusters, block_label, voxels.count)
    ids, category = finish_instances(np.where(label == 255, -1, merged), label, mean_size, 0.5)
    there = Clusters(upload(device, clusters), upload(device, clusters.max(axis=1) + np.int32(1)))
    votes = DeviceLabels(
        upload(device, block_label), upload(device, label), upload(device, np.zeros(len(label), np.float32))
    )
    on_voxels = merge_on_device(device, blocks, voxels, there, votes.block_label, CLASSES)
    found = finish_on_device(device, voxels, on_voxels, votes.label, mean_size, 0.5)
    np.testing.assert_array_equal(device.download(found.of_voxel), merged)
    assert found.count == len(category) > 1
    np.testing.assert_array_equal(device.download(found.category, found.count), category)
    names = device.download(found.names)
    seen = (label != 255) & (merged >= 0)
    np.testing.assert_array_equal(np.where(seen, names[np.maximum(merged, 0)], 0), ids)


@pytest.mark.parametrize("least", [1, 4, 1000])
def test_clusters_are_split_by_class_as_on_the_cpu(device, room, least):
    _, blocks = on_device(device, room)
    clusters, _ = merging_inputs(room, 0)
    labels = np.random.default_rng(least).integers(0, CLASSES, clusters.shape).astype(np.uint8)
    there = Clusters(upload(device, clusters), upload(device, clusters.max(axis=1) + np.int32(1)))
    split_on_device(device, blocks, there, upload(device, labels), CLASSES, least)
    expected = split_by_class(clusters, labels, least)
    assert np.array_equal(expected, clusters) == (least == 1000)
    np.testing.assert_array_equal(device.download(there.of_point), expected)
    np.testing.assert_array_equal(device.download(there.count), expected.max(axis=1) + 1)


def test_points_are_painted_as_on_the_cpu(device, room):
    points = room[0]
    voxels = voxelize(device, points, 0.2, np.eye(4))
    rng, v = np.random.default_rng(3), voxels.count
    label = rng.integers(0, CLASSES, v).astype(np.uint8)
    label[rng.random(v) < 0.4] = 255
    confidence, instance = rng.random(v).astype(np.float32), rng.integers(-1, 3, v).astype(np.int32)
    confidence[label == 255] = 0
    names, category = np.array([2, 0, 1], np.int32), np.array([4, 3], np.uint8)
    votes = DeviceLabels(upload(device, label), upload(device, label), upload(device, confidence))
    instances = Instances(upload(device, instance), upload(device, names), upload(device, category), 2)
    painted, ids, sure, found = labels_to_points(device, voxels, votes, instances, reach=0.25)

    xyz, of_point = device.download(voxels.xyz, v), device.download(voxels.of_point)
    named = np.where((label != 255) & (instance >= 0), names[np.maximum(instance, 0)], 0).astype(np.uint32)
    filled = fill_gaps(xyz, label, confidence, named, reach=0.25)
    assert (filled[0] != label).any(), "there are gaps to fill"
    *expected, points_of = paint_points(of_point, *filled)
    for got, want in zip((painted, sure, ids), expected, strict=True):
        np.testing.assert_array_equal(got, want)
    for a, b in zip(found, summarize_instances(xyz, points_of, filled[1], filled[2], category), strict=True):
        assert (a.id, a.label, a.point_count) == (b.id, b.label, b.point_count)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-6)
        np.testing.assert_allclose([a.centroid, a.minimum, a.maximum], [b.centroid, b.minimum, b.maximum], atol=1e-6)
