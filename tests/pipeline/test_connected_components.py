"""Instances are split at gaps, compared with a slow reference."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from jspnet_core.pipeline.merging.connected_components import split_at_gaps


def split_slowly(xyz, instance, gap):
    """Spread each piece's number over what is near, until nothing changes."""
    near = (pairwise_distances(xyz.astype(np.float64)) <= gap) & (instance[:, None] == instance[None])
    number = np.arange(len(xyz))
    while True:
        spread = np.where(near, number[None], len(xyz)).min(axis=1)
        if (spread == number).all():
            break
        number = spread
    pieces = np.full(len(xyz), -1)
    used = instance >= 0
    pieces[used] = np.unique(number[used], return_inverse=True)[1]
    return pieces


@pytest.mark.parametrize("gap", [0.02, 0.1, 0.15, 0.4])
def test_pieces_are_those_of_all_pairs(gap):
    rng = np.random.default_rng(0)
    xyz = (rng.random((900, 3)) * [2.0, 1.5, 0.3] - 3.0).astype(np.float32)
    xyz[500:] += np.array([20.0, 0.0, 0.0], np.float32)
    instance = rng.integers(-1, 4, 900).astype(np.int32)
    found = split_at_gaps(xyz, instance, gap)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, split_slowly(xyz, instance, gap))


def test_two_chairs_of_one_cluster_are_two_instances():
    rng = np.random.default_rng(1)
    chair = (rng.random((400, 3)) * 0.4).astype(np.float32)
    xyz = np.concatenate([chair, chair + np.array([0.6, 0.0, 0.0], np.float32)])
    assert set(split_at_gaps(xyz, np.zeros(800, np.int32), 0.15)) == {0, 1}
    assert set(split_at_gaps(xyz, np.zeros(800, np.int32), 0.25)) == {0}


def test_a_cloud_without_instances_has_no_pieces():
    assert split_at_gaps(np.zeros((5, 3), np.float32), np.full(5, -1, np.int32), 0.1).tolist() == [-1] * 5
    assert len(split_at_gaps(np.zeros((0, 3), np.float32), np.zeros(0, np.int32), 0.1)) == 0
