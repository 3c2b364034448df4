"""Evaluation protocol of the paper and its reference code: points are counted once per block and draw.

A point in four overlapping blocks counts four times, a point drawn twice counts twice, a point never drawn does not
count. Blocks, clustering, merging and the size filter are those of the reference, too (paper, sections 4.2 and 4.3).

Columns come from the block cutter of the runtime (`pipeline.blocks.block_columns`); their order and the drawing of
points with replacement are those of the reference.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from jspnet_core.data.instance_sizes import mean_instance_points
from jspnet_core.data.rooms import Room
from jspnet_core.evaluation.evaluate import RoomResult, read_scorable_room
from jspnet_core.evaluation.metrics import score_room
from jspnet_core.pipeline.blocks import Blocks, block_columns
from jspnet_core.pipeline.inference import infer_blocks
from jspnet_core.pipeline.mean_shift import mean_shift_blocks
from jspnet_core.pipeline.merging.block_merging import finish_instances, legacy_cells, merge_blocks
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.voting import softmax
from jspnet_core.util.threads import thread_pool

BANDWIDTH = 0.6
"""Bandwidth of mean shift, in units of the embedding."""

STRIDE = 0.5
"""Metres between neighbouring blocks."""

MIN_BLOCK_POINTS = 100
"""Fewest points of a block; smaller ones are left out, with their points."""

MIN_SIZE_RATIO = 0.25
"""Instances up to this share of the mean size of training instances are dropped."""


def paper_blocks(points: np.ndarray, count: int, rng: np.random.Generator, size: float = 1.0) -> np.ndarray:
    """Cut a room as the reference does: (B, count) int32 into the points.

    points: (M, 3) float32, metres, from the room's minimum corner. Columns of edge `size`, closed on all sides, every
    `STRIDE`, row by row along x, in alternating direction along y. From a column with more than `count` points `count`
    are drawn with replacement; smaller ones contribute all their points and are padded with repetitions.
    """
    members, places = block_columns(points, size, STRIDE, MIN_BLOCK_POINTS, low=np.zeros(2))
    x, y = places.T
    order = np.lexsort((np.where(x % 2, -y, y), x))
    rows = [_draw(members[i], count, rng) for i in order]
    return np.array(rows, np.int32).reshape(-1, count)


def _draw(member: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    if len(member) > count:
        return rng.choice(member, count)
    return np.concatenate([member, rng.choice(member, count - len(member))])


def mean_block_sizes(
    rooms: Sequence[Room], classes: int, points_per_block: int, block_size: float, seed: int = 0
) -> np.ndarray:
    """Compute `mean_ins_size` of the reference: (classes,) float64, whole numbers, NaN for a class without instances.

    The mean over the instances of a class of their points in all blocks, overlaps and repetitions counted, rounded
    down. Instances of a class without training instances are not filtered.
    """
    sizes = []
    for room in rooms:
        index = paper_blocks(room.points, points_per_block, _generator(room, seed), block_size)
        sizes.append((room.label[index].ravel(), room.instance[index].ravel()))
    return np.floor(mean_instance_points(sizes, classes))


def evaluate_by_blocks(
    segmenter: Segmenter, paths: Sequence[Path], mean_sizes: np.ndarray, seed: int = 0
) -> Iterator[RoomResult]:
    """Score rooms one by one with the paper's protocol; of the settings only bandwidth and threads are used.

    mean_sizes: (C,), result of `mean_block_sizes` for the model's number of points per block. Raises `RoomFileError`.
    """
    s, engine = segmenter.settings, segmenter.engine
    c = engine.description.configuration
    for path in paths:
        room = read_scorable_room(path, segmenter)
        start = time.perf_counter()
        index = paper_blocks(room.points, c.points, _generator(room, seed), c.block_size)  # (B, N)
        full = Blocks(index, np.full(len(index), c.points, np.int32))  # repeated points count, as in the reference
        logits, embeddings = infer_blocks(engine, room.points, room.colors, full, s.threads)
        label = logits.argmax(axis=-1).astype(np.uint8)
        with thread_pool(s.threads) as executor:
            clusters = mean_shift_blocks(embeddings, full.count, s.bandwidth, executor)
        cell = legacy_cells(room.points)
        merged = merge_blocks(cell[index], clusters, label, int(cell.max()) + 1, "legacy")
        instance, classes = finish_instances(merged[cell[index]].ravel(), label.ravel(), mean_sizes, MIN_SIZE_RATIO)
        seconds = time.perf_counter() - start
        score = score_room(
            label.ravel(),
            instance,
            room.label[index].ravel(),
            room.instance[index].ravel(),
            len(segmenter.classes),
            softmax(logits).max(axis=-1).ravel(),
        )
        yield RoomResult(room.name, index.size, 0, len(index), 0, len(classes), seconds, score)


def _generator(room: Room, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(room.name.encode())])
