"""Joining clusters where they touch, on the device, against the CPU version on the same blocks."""

import numpy as np
import pytest

from jspnet_core.cuda.blocks import DeviceBlocks
from jspnet_core.cuda.device import DeviceArray
from jspnet_core.cuda.mean_shift import Clusters
from jspnet_core.cuda.merging.block_merging import finish_instances as finish_on_device
from jspnet_core.cuda.merging.contact import join_clusters as join_on_device
from jspnet_core.cuda.voxelize import DeviceVoxels
from jspnet_core.pipeline.merging.block_merging import finish_instances
from jspnet_core.pipeline.merging.contact import join_clusters
from tests.cuda.arrays import upload
from tests.pipeline.test_contact import random_blocks

CLASSES, REACH = 3, 0.12


def on_device(device, xyz, index, clusters):
    low_high = np.concatenate([xyz.min(axis=0), xyz.max(axis=0)])
    nothing = DeviceArray(0, (0,), np.dtype(np.int32), None)
    voxels = DeviceVoxels(
        len(xyz),
        upload(device, np.array([len(xyz)], np.int32)),
        nothing,
        nothing,
        upload(device, xyz),
        upload(device, low_high),
    )
    counts = (clusters >= 0).sum(axis=1).astype(np.int32)
    blocks = DeviceBlocks(upload(device, index), upload(device, counts), 0)
    number = (clusters.max(axis=1) + 1).astype(np.int32)
    return voxels, blocks, Clusters(upload(device, clusters), upload(device, number))


def compact(clusters):
    """Clusters of each block from 0 on without gaps, as mean shift gives them."""
    for row in clusters:
        row[row >= 0] = np.unique(row[row >= 0], return_inverse=True)[1]
    return clusters


@pytest.mark.parametrize("seed", range(8))
def test_instances_are_those_of_the_cpu(device, seed):
    xyz, index, clusters, labels = random_blocks(seed)
    clusters = compact(clusters)
    expected = join_clusters(xyz, index, clusters, labels, REACH)
    voxels, blocks, there = on_device(device, xyz, index, clusters)
    merged = join_on_device(device, blocks, voxels, there, upload(device, labels), CLASSES, REACH)
    found = device.download(merged.of_voxel)
    np.testing.assert_array_equal(found >= 0, expected >= 0)
    pairs = set(zip(found.tolist(), expected.tolist(), strict=True))
    assert len(pairs) == len(set(found.tolist())) == len(set(expected.tolist())) > 2

    label = np.random.default_rng(seed).integers(0, CLASSES, len(xyz)).astype(np.uint8)
    label[found < 0] = 255
    mean_size = np.array([30.0, np.nan, 60.0])
    ids, category = finish_instances(expected, label, mean_size, 0.5)
    names = finish_on_device(device, voxels, merged, upload(device, label), mean_size, 0.5)
    assert names.count == len(category)
    np.testing.assert_array_equal(device.download(names.category, names.count), category)
    named = np.where(found >= 0, device.download(names.names)[np.maximum(found, 0)], 0)
    np.testing.assert_array_equal(named, ids, err_msg="the same ids, too")


def test_a_point_between_many_clusters_meets_each(device):
    """One block around a point cut into twelve others: more touches than any short list would hold."""
    rng = np.random.default_rng(0)
    xyz = (rng.random((13 * 40, 3)) * 0.05).astype(np.float32)
    index = np.arange(len(xyz), dtype=np.int32).reshape(13, 40)
    clusters = np.tile(np.arange(40, dtype=np.int32) % 4, (13, 1))
    labels = (clusters % 2).astype(np.uint8)
    voxels, blocks, there = on_device(device, xyz, index, clusters)
    merged = join_on_device(device, blocks, voxels, there, upload(device, labels), CLASSES, REACH)
    found = device.download(merged.of_voxel)
    expected = join_clusters(xyz, index, clusters, labels, REACH)
    assert len(set(expected.tolist())) == 2, "everything touches everything: an instance per class"
    np.testing.assert_array_equal(np.unique(found, return_inverse=True)[1], expected)
