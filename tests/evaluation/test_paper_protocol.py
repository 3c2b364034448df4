"""The paper's protocol: blocks and counts of a room small enough to compute manually."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from jspnet_core.classes import ClassTable
from jspnet_core.data.rooms import Room
from jspnet_core.engine import Engine
from jspnet_core.evaluation.paper_protocol import evaluate_by_blocks, mean_block_sizes, paper_blocks
from jspnet_core.model_file import ModelDescription
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import Pyramid
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings


def bar(count: int) -> np.ndarray:
    """`count` points evenly along 2 m of x, 0.2 m wide."""
    x = np.linspace(0.0, 2.0, count)
    return np.stack([x, np.tile([0.0, 0.2], count)[:count], np.zeros(count)], axis=1).astype(np.float32)


def test_blocks_overlap_by_half_and_are_closed_on_both_sides() -> None:
    points = bar(401)  # 5 mm apart: 0.000, 0.005, ..., 2.000
    blocks = paper_blocks(points, 201, np.random.default_rng(0))
    assert len(blocks) == 3  # from 0, 0.5 and 1 m
    for row, begin in zip(blocks, (0.0, 0.5, 1.0), strict=True):
        np.testing.assert_array_equal(
            np.sort(row), np.flatnonzero((points[:, 0] >= begin) & (points[:, 0] <= begin + 1))
        )
    times = np.bincount(blocks.ravel(), minlength=401)
    assert times[50] == 1  # 0.25 m: the first block
    assert times[150] == 2  # 0.75 m: the first two
    assert times[200] == 3  # 1.00 m: at the edge of two and inside one


def test_a_block_of_many_points_is_drawn_with_replacement_and_one_of_few_filled_up() -> None:
    points = bar(4001)
    many = paper_blocks(points, 1000, np.random.default_rng(0))[0]
    assert 500 < len(np.unique(many)) < 800  # 1 - 1/e of 2001 points' draws: about 630 differ
    few = paper_blocks(bar(401), 512, np.random.default_rng(0))[0]
    assert (np.bincount(few, minlength=201)[:201] >= 1).all()
    assert len(few) == 512


def test_blocks_of_fewer_than_a_hundred_points_are_left_out() -> None:
    assert len(paper_blocks(bar(190), 128, np.random.default_rng(0))) == 0  # 95 points a metre
    assert len(paper_blocks(bar(401)[:150], 128, np.random.default_rng(0))) == 1


def test_rows_run_to_and_fro() -> None:
    grid = np.stack(np.meshgrid(np.linspace(0, 1.5, 61), np.linspace(0, 2, 81), [0.0]), -1).reshape(-1, 3)
    points = grid.astype(np.float32)
    middles = [points[row].mean(axis=0)[:2] for row in paper_blocks(points, 2048, np.random.default_rng(0))]
    expected = [(0.5, 0.5), (0.5, 1.0), (0.5, 1.5), (1.0, 1.5), (1.0, 1.0), (1.0, 0.5)]
    np.testing.assert_allclose(middles, expected, atol=0.01)


def test_mean_sizes_count_points_once_per_block() -> None:
    points = bar(401)
    left = points[:, 0] < 0.5  # 100 points, in the first block alone
    label = np.where(left, 0, 1).astype(np.uint8)
    room = Room("bar", points, np.zeros((401, 3), np.uint8), label, label.astype(np.int32))
    sizes = mean_block_sizes([room], 3, points_per_block=201, block_size=1.0)
    # 201 points in each of three blocks, all of them drawn once; 100 of them belong to the left part.
    assert sizes[:2] == pytest.approx([100, 3 * 201 - 100])
    assert np.isnan(sizes[2])


class HalvesEngine(Engine):
    """An engine whose answer is known: class 1 beyond three tenths of the room's length, else 0; one cluster each."""

    def __init__(self) -> None:
        configuration = NetworkConfiguration(
            classes=2, points=257, levels=(64, 32, 16, 8), encoder_neighbors=16, decoder_neighbors=8
        )
        table = ClassTable(("near", "far"), ((255, 0, 0), (0, 255, 0)), ("far",))
        description = ModelDescription(
            name="halves",
            configuration=configuration,
            classes=table.to_dict(),
            mean_sizes=[None, None],
            voxel_size=0.03,
            training={},
            licence="none",
        )
        super().__init__(description)

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        far = features[..., 6] > 0.3  # the room's share along x
        logits = np.stack([~far, far], axis=-1).astype(np.float32)
        return logits, np.repeat(10.0 * logits[..., 1:], 5, axis=-1)


def test_a_room_counted_by_hand(tmp_path: Path) -> None:
    # 513 points on 2 m, 1/256 m apart: each of the three blocks holds 257, all of which are drawn once.
    x = np.arange(513)
    points = np.stack([x / 256, x % 2 * 0.2, np.zeros(513)], axis=1).astype(np.float32)
    truth = (x > 128).astype(np.uint8)  # near: up to 0.5 m, the shares 0 to 0.25
    np.savez(tmp_path / "bar.npz", xyz=points, rgb=np.zeros((513, 3), np.uint8), sem=truth, ins=truth)
    segmenter = Segmenter(engine=HalvesEngine(), settings=SegmenterSettings(threads=1))
    none = np.full(2, np.nan)
    (result,) = evaluate_by_blocks(segmenter, [tmp_path / "bar.npz"], none)
    # Points 0 to 153 are called near (153 / 512 < 0.3 < 154 / 512). Point k lies in block 1 up to 256, in block 2 from
    # 128 to 384, in block 3 from 256: near truth is seen 129 + 1 times, near calls on far truth 2 * 25 times.
    near, wrong = 129 + 1, 2 * (153 - 128)
    assert result.points == 3 * 257
    assert result.score.confusion.tolist() == [[near, 0, 0], [wrong, 3 * 257 - near - wrong, 0]]
    # Both instances join over the blocks: IoU of near 130 / 180, of far 591 / 641.
    assert result.instances == 2
    np.testing.assert_allclose(result.score.coverage, [130 / 180, 591 / 641])
    assert result.score.found.tolist() == [1, 1]
    # A piece that is not larger than a quarter of the training instances' size is dropped.
    (filtered,) = evaluate_by_blocks(segmenter, [tmp_path / "bar.npz"], np.array([4 * 180, 4 * 590]))
    assert filtered.score.predicted.tolist() == [0, 1]
