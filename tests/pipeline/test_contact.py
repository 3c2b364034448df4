"""Joining clusters where they touch, against a slow transcription of the rule, on toy cases and on real rooms."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from jspnet_core.pipeline.merging.contact import MIN_CONTACT_POINTS, MIN_CONTACT_SHARE, connected, join_clusters

ROOMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "s3dis_rooms_npz"


def join_slowly(xyz, index, clusters, labels, reach):
    """The rule, with all distances and without any grid: groups of (block, cluster) as a set of frozensets."""
    members = {}
    for b in range(len(index)):
        for k in set(clusters[b][clusters[b] >= 0].tolist()):
            members[b, k] = np.flatnonzero(clusters[b] == k)
    category = {key: Counter(labels[key[0], rows].tolist()) for key, rows in members.items()}
    category = {key: min(c for c in votes if votes[c] == max(votes.values())) for key, votes in category.items()}
    group = {key: {key} for key in members}
    for a, rows in members.items():
        for t, others in members.items():
            if a[0] == t[0] or category[a] != category[t]:
                continue
            if touching(xyz, index, members, a, rows, t, reach) and touching(xyz, index, members, t, others, a, reach):
                union = group[a] | group[t]
                for key in union:
                    group[key] = union
    return {frozenset(g) for g in group.values()}


def touching(xyz, index, members, a, rows, t, reach):
    """Return whether enough of a's points lie within reach of t, among those within reach of t's block."""
    mine = xyz[index[a[0], rows]]

    def near(keys):
        there = np.concatenate([xyz[index[key[0], members[key]]] for key in keys])
        return (cdist(mine, there) <= reach).any(axis=1).sum()

    points = near([t])
    of_block = near([key for key in members if key[0] == t[0]])
    return points >= MIN_CONTACT_POINTS and points >= MIN_CONTACT_SHARE * of_block


def random_blocks(seed):
    """Points on a small floor, in blocks that overlap or adjoin, with clusters of every size."""
    rng = np.random.default_rng(seed)
    xyz = (rng.random((400, 3)) * [2.0, 1.0, 0.3]).astype(np.float32)
    stride = rng.choice([0.4, 0.5])
    rows = [np.flatnonzero((xyz[:, 0] >= x) & (xyz[:, 0] < x + 0.5)) for x in np.arange(0, 2, stride)]
    size = max(map(len, rows))
    index = np.zeros((len(rows), size), np.int32)
    clusters, labels = np.full(index.shape, -1, np.int32), np.zeros(index.shape, np.uint8)
    for b, row in enumerate(rows):
        index[b, : len(row)] = row
        clusters[b, : len(row)] = (xyz[row, 1] * rng.integers(1, 6)).astype(int)
        labels[b, : len(row)] = clusters[b, : len(row)] % 3
    return xyz, index, clusters, labels


def test_agrees_with_the_slow_rule():
    joined = 0
    for seed in range(15):
        xyz, index, clusters, labels = random_blocks(seed)
        found = join_clusters(xyz, index, clusters, labels, 0.12)
        expected = join_slowly(xyz, index, clusters, labels, 0.12)
        where = {}
        for g, group in enumerate(expected):
            for b, k in group:
                where[b, k] = g
        first = {}
        for b, k, i in zip(*np.nonzero(clusters >= 0)[:1], clusters[clusters >= 0], index[clusters >= 0], strict=True):
            first.setdefault(i, where[b, k])
        slow = np.full(len(xyz), -1)
        slow[list(first)] = list(first.values())
        pairs = set(zip(slow.tolist(), found.tolist(), strict=True))
        assert len(pairs) == len(set(slow.tolist())) == len(set(found.tolist())), f"seed {seed}"
        joined += len(expected) < len(where)
    assert joined > 10  # the cases do join


def two_strips(gap, labels=(2, 2)):
    """Two blocks that share no point, a strip of a wall in each, `gap` metres between them."""
    strip = np.stack([np.zeros(40), np.zeros(40), np.linspace(0, 2, 40)], axis=1)
    xyz = np.concatenate([strip, strip + [gap, 0, 0]]).astype(np.float32)
    clusters = np.zeros((2, 40), np.int32)
    return (
        xyz,
        np.arange(80, dtype=np.int32).reshape(2, 40),
        clusters,
        np.repeat([labels], 40, axis=0).T.astype(np.uint8),
    )


@pytest.mark.parametrize(("gap", "instances"), [(0.05, 1), (0.2, 2)])
def test_blocks_without_overlap_join_where_they_touch(gap, instances):
    assert len(set(join_clusters(*two_strips(gap)))) == instances


def test_another_class_does_not_join():
    assert len(set(join_clusters(*two_strips(0.05, (2, 3))))) == 2


def test_far_from_the_origin_nothing_changes():
    xyz, *rest = random_blocks(3)
    np.testing.assert_array_equal(join_clusters(xyz, *rest), join_clusters(xyz + np.float32(4096), *rest))


def test_padding_and_empty_blocks_are_in_no_instance():
    xyz, index, clusters, labels = two_strips(0.05)
    clusters[1] = -1
    found = join_clusters(xyz, index, clusters, labels)
    assert set(found[:40]) == {0}
    assert set(found[40:]) == {-1}
    assert set(join_clusters(xyz, index[:0], clusters[:0], labels[:0])) == {-1}
    with pytest.raises(ValueError, match=r"must be \(B, N\)"):
        join_clusters(xyz, index, clusters[:, 1:], labels)


def test_components_are_numbered_from_zero():
    found = connected(np.array([0, 3]), np.array([2, 2]), 5)
    assert found.tolist() == [0, 1, 0, 0, 2]


def coverage(truth, found):
    """Mean over the true instances of the largest IoU with any instance found."""
    pairs, both = np.unique(np.stack([truth, found]), axis=1, return_counts=True)
    union = np.bincount(truth)[pairs[0]] + np.bincount(found)[pairs[1]] - both
    best = np.zeros(truth.max() + 1)
    np.maximum.at(best, pairs[0], both / union)
    return best[np.unique(truth)].mean()


@pytest.mark.skipif(not ROOMS.is_dir(), reason="needs the real rooms in ../shared/data/s3dis_rooms_npz")
def test_perfect_clusters_of_blocks_that_only_adjoin_come_back_nearly_whole():
    scores = []
    for name in json.loads((ROOMS / "split.json").read_text())["val"][:3]:
        room = np.load(ROOMS / f"{name}.npz")
        points, label = room["xyz_mm"][::3] / np.float32(1000), room["sem"][::3]
        truth = np.unique(room["ins"][::3], return_inverse=True)[1]
        column = np.unique(np.floor(points[:, :2]), axis=0, return_inverse=True)[1].ravel()
        rows = [np.flatnonzero(column == b) for b in range(column.max() + 1)]
        index = np.zeros((len(rows), max(map(len, rows))), np.int32)
        clusters, labels = np.full(index.shape, -1, np.int32), np.zeros(index.shape, np.uint8)
        for b, row in enumerate(rows):
            index[b, : len(row)], labels[b, : len(row)] = row, label[row]
            clusters[b, : len(row)] = np.unique(truth[row], return_inverse=True)[1]
        scores.append(coverage(truth, join_clusters(points, index, clusters, labels) + 1))
    assert np.mean(scores) > 0.85
