"""BlockMerging against a slow transcription of the paper's steps, on toy cases and on real rooms."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from jspnet_core.pipeline.merging.block_merging import finish_instances, legacy_cells, merge_blocks, split_by_class

ROOMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "s3dis_rooms_npz"


def merge_slowly(cells, clusters, labels, cell_count, mode):
    """Steps 4 and 5a to 5e, point by point."""
    instance, semantic = [-1] * cell_count, [-1] * cell_count
    for block in zip(cells.tolist(), clusters.tolist(), labels.tolist(), strict=True):
        points = [(cell, cluster, label) for cell, cluster, label in zip(*block, strict=True) if cluster >= 0]
        votes = {cluster: Counter() for _, cluster, _ in points}
        for _, cluster, label in points:
            votes[cluster][label] += 1
        category = {k: min(c for c in v if v[c] == max(v.values())) for k, v in votes.items()}
        overlap, size = {k: Counter() for k in votes}, {k: 1 for k in votes}
        for cell, cluster, _ in points:  # a
            if instance[cell] != -1 and semantic[cell] == category[cluster]:
                overlap[cluster][instance[cell]] += 1
            size[cluster] += 1
        current, target = max(instance), {}
        for cluster in sorted(votes):
            best = max(overlap[cluster].values(), default=0)  # b
            target[cluster] = min((i for i, n in overlap[cluster].items() if n == best), default=0)
            if best < 7 and (size[cluster] > 30 or (mode == "fixed" and best == 0)):  # c, d
                current += 1
                target[cluster] = current
        for cell, cluster, _ in points:  # e
            if instance[cell] == -1:
                instance[cell], semantic[cell] = target[cluster], category[cluster]
    return instance


def random_blocks(seed):
    """Blocks that overlap in cells, with clusters and overlaps on both sides of the thresholds."""
    rng = np.random.default_rng(seed)
    blocks, size, cell_count = rng.integers(1, 8), rng.integers(1, 400), rng.integers(5, 600)
    shape = (blocks, size)
    clusters = np.minimum(rng.geometric(0.15, shape), 40) - 2  # from large to single points, -1: padding
    labels = (clusters + rng.integers(0, 2, shape) * (rng.random(shape) < 0.3)) % 4
    cells = rng.integers(0, cell_count, shape)
    return cells, clusters.astype(np.int32), labels.astype(np.uint8), int(cell_count)


@pytest.mark.parametrize("mode", ["fixed", "legacy"])
def test_agrees_with_the_steps_of_the_paper(mode):
    joined = 0
    for seed in range(60):
        blocks = random_blocks(seed)
        found = merge_blocks(*blocks, mode)
        np.testing.assert_array_equal(found, merge_slowly(*blocks, mode), err_msg=f"seed {seed}")
        joined += len(np.unique(blocks[1])) * len(blocks[1]) > len(np.unique(found))
    assert joined > 30  # the cases do merge


def one_sliver_and_a_wall():
    """A floor and a sliver of a wall in one block; in the next the whole wall, which covers the sliver."""
    cells = np.concatenate([np.arange(80), np.arange(60, 140)]).reshape(2, 80)
    clusters = np.zeros((2, 80), np.int32)
    clusters[0, 60:] = 1  # 20 points: the sliver
    labels = np.where(cells < 60, 1, 2).astype(np.uint8)
    return cells, clusters, labels, 140


def test_a_sliver_at_a_blocks_edge_does_not_join_the_first_instance():
    instance = merge_blocks(*one_sliver_and_a_wall(), "fixed")
    assert set(instance[:60]) == {0}
    assert set(instance[60:]) == {1}


def test_legacy_gives_the_sliver_and_the_wall_behind_it_to_instance_zero():
    assert set(merge_blocks(*one_sliver_and_a_wall(), "legacy")) == {0}


@pytest.mark.parametrize(("shared", "instances"), [(6, 2), (7, 1)])
def test_seven_shared_points_join_a_cluster_to_an_instance(shared, instances):
    cells = np.stack([np.arange(40), np.arange(40) + 40 - shared])
    zeros = np.zeros((2, 40))
    instance = merge_blocks(cells, zeros.astype(np.int32), zeros.astype(np.uint8), 80)
    assert len(np.unique(instance[instance >= 0])) == instances


def test_clusters_of_another_class_do_not_join():
    cells = np.tile(np.arange(40), (2, 1))
    cells[1, 20:] += 20
    labels = np.repeat([[3], [4]], 40, axis=1).astype(np.uint8)
    instance = merge_blocks(cells, np.zeros((2, 40), np.int32), labels, 60)
    assert set(instance[:40]) == {0}  # the first writer stays
    assert set(instance[40:]) == {1}


def test_cells_without_points_and_padding_stay_empty():
    clusters = np.array([[0, 0, -1]], np.int32)
    instance = merge_blocks(np.array([[0, 1, 99]]), clusters, np.zeros((1, 3), np.uint8), 4)
    assert instance.tolist() == [0, 0, -1, -1]
    nothing = np.empty((0, 5), np.int64), np.empty((0, 5), np.int32), np.empty((0, 5), np.uint8)
    assert merge_blocks(*nothing, 2).tolist() == [-1, -1]


def split_slowly(clusters, labels, least):
    split = np.full_like(clusters, -1)
    for b in range(len(clusters)):
        parts = []
        for k in range(clusters[b].max() + 1):
            members = clusters[b] == k
            most = np.bincount(labels[b, members]).argmax()
            for c in np.unique(labels[b, members]):
                of_class = members & (labels[b] == c)
                if c != most and of_class.sum() >= least:
                    parts.append((k, c, of_class))
                    members = members & ~of_class
            parts.append((k, most, members))
        for number, (_, _, members) in enumerate(sorted(parts, key=lambda part: part[:2])):
            split[b, members] = number
    return split


@pytest.mark.parametrize("least", [1, 4, 1000])
def test_parts_of_a_cluster_with_a_class_of_their_own_become_clusters(least):
    rng = np.random.default_rng(least)
    clusters = rng.integers(0, 5, (4, 120)).astype(np.int32)
    clusters[0, 100:] = -1
    clusters[2] = -1
    for row in clusters:  # numbers without gaps, as mean shift gives them
        row[row >= 0] = np.unique(row[row >= 0], return_inverse=True)[1]
    labels = rng.choice(6, (4, 120), p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]).astype(np.uint8)
    split = split_by_class(clusters, labels, least)
    assert np.array_equal(split, split_slowly(clusters, labels, least))
    if least == 1000:
        assert np.array_equal(split, clusters)


def test_refuses_what_it_cannot_merge():
    cells, clusters, labels, count = one_sliver_and_a_wall()
    with pytest.raises(ValueError, match="cells must be 0 to 99"):
        merge_blocks(cells, clusters, labels, 100)
    with pytest.raises(ValueError, match="'fixed' or 'legacy', found 'fast'"):
        merge_blocks(cells, clusters, labels, count, "fast")
    with pytest.raises(ValueError, match=r"must be \(B, N\)"):
        merge_blocks(cells, clusters[:, 1:], labels, count)


def test_legacy_cells_are_half_a_percent_of_the_room():
    points = np.array([[1, 2, 0], [1.0495, 2, 0], [1.0505, 2, 0], [11, 2, 2], [1, 2, 0.0099]], np.float32)
    cells = legacy_cells(points)  # the room: 10 m x 0 m x 2 m, so a cell is 5 cm long and 1 cm high
    assert cells[0] == cells[1] == cells[4]
    assert len({*cells[[0, 2, 3]]}) == 3
    assert cells.max() == 2
    assert len(legacy_cells(points[:0])) == 0


def test_small_instances_are_dropped_by_the_mean_size_of_their_class():
    instance = np.repeat([4, 9, 2, -1, 7], [25, 26, 3, 5, 1]).astype(np.int32)
    label = np.repeat([1, 1, 2, 0, 0], [25, 26, 3, 5, 1]).astype(np.uint8)
    label[-1] = 2
    label[25:30] = 0  # a few points of instance 9 disagree
    ids, classes = finish_instances(instance, label, np.array([np.nan, 100.0, 10.0]), 0.25)
    assert classes.tolist() == [2, 1]  # 3 of 10 and 26 of 100 stay, 25 of 100 and 1 of 10 go
    assert set(ids[instance == 2]) == {1}
    assert set(ids[instance == 9]) == {2}
    assert not ids[(instance != 2) & (instance != 9)].any()
    assert ids.dtype == np.uint32


def test_classes_without_a_mean_size_keep_every_instance():
    ids, classes = finish_instances(np.array([3]), np.array([0], np.uint8), np.array([np.nan]), 0.25)
    assert (ids.tolist(), classes.tolist()) == ([1], [0])


def test_a_cloud_without_instances_has_no_ids():
    ids, classes = finish_instances(np.full(3, -1), np.full(3, 255, np.uint8), np.ones(13), 0.25)
    assert not ids.any()
    assert len(classes) == 0


def oracle_blocks(points, label, instance):
    """Blocks of 1 m every 0.5 m with perfect clusters and labels, padded to one size, and the clusters' cells."""
    origins = np.stack(np.meshgrid(*[np.arange(0, m, 0.5) for m in points.max(0)[:2]]), -1).reshape(-1, 2)
    rows = [np.flatnonzero(((points[:, :2] >= o) & (points[:, :2] <= o + 1)).all(axis=1)) for o in origins]
    rows = [row for row in rows if len(row) >= 100]
    cells = np.zeros((len(rows), max(map(len, rows))), np.int64)
    clusters, labels = np.full(cells.shape, -1, np.int32), np.zeros(cells.shape, np.uint8)
    grid = legacy_cells(points)
    for b, row in enumerate(rows):
        cells[b, : len(row)], labels[b, : len(row)] = grid[row], label[row]
        clusters[b, : len(row)] = np.unique(instance[row], return_inverse=True)[1]
    return grid, (cells, clusters, labels, int(grid.max()) + 1)


def mean_coverage(truth, found):
    """Mean over the true instances of the largest IoU with any instance found."""
    pairs, both = np.unique(np.stack([truth, found]), axis=1, return_counts=True)
    union = np.bincount(truth)[pairs[0]] + np.bincount(found)[pairs[1]] - both
    best = np.zeros(truth.max() + 1)
    np.maximum.at(best, pairs[0], both / union)
    return best[np.unique(truth)].mean()


@pytest.mark.skipif(not ROOMS.is_dir(), reason="needs the real rooms in ../shared/data/s3dis_rooms_npz")
def test_perfect_clusters_of_real_rooms_come_back_whole_only_when_fixed():
    coverage = {"fixed": [], "legacy": []}
    for name in json.loads((ROOMS / "split.json").read_text())["val"][:3]:
        room = np.load(ROOMS / f"{name}.npz")
        truth = np.unique(room["ins"][::3], return_inverse=True)[1]
        grid, blocks = oracle_blocks(room["xyz_mm"][::3] / np.float32(1000), room["sem"][::3], truth)
        for mode, scores in coverage.items():
            scores.append(mean_coverage(truth, merge_blocks(*blocks, mode)[grid] + 1))
    assert np.mean(coverage["fixed"]) > 0.95
    assert np.mean(coverage["fixed"]) > np.mean(coverage["legacy"]) + 0.05
