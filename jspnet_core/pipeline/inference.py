"""Cut a cloud into the network's blocks and send them through it, as many at a time as memory is meant to hold."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor

import numpy as np

from jspnet_core.engine import Engine
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import Blocks, batches, block_features, cut_blocks, extent, network_sizes
from jspnet_core.pipeline.pyramid import build_pyramids
from jspnet_core.settings import SegmenterSettings
from jspnet_core.util.stage_timer import StageTimer
from jspnet_core.util.threads import thread_pool

AT_ONCE = 32
"""Blocks whose features, pyramids, logits and embeddings are in memory at the same time: the bound for large clouds."""


def cut_for_network(
    xyz: np.ndarray, c: NetworkConfiguration, s: SegmenterSettings, sensor: np.ndarray | None = None
) -> Blocks:
    """Blocks of the network's width every `s.stride` of it. xyz: (V, 3) float32, metres; sensor: (2,), metres."""
    return cut_blocks(
        xyz,
        points_per_block=c.points,
        block_size=c.block_size,
        stride=s.stride * c.block_size,
        max_blocks=s.max_blocks,
        min_points=s.min_block_points,
        rng=np.random.default_rng(s.seed),
        sensor=sensor,
    )


def infer_batches(
    engine: Engine,
    points: np.ndarray,
    colors: np.ndarray | None,
    blocks: Blocks,
    executor: Executor | None,
    clock: StageTimer | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Send blocks through the network, `AT_ONCE` at a time, without their padding where the engine can.

    points: (M, 3) float32, metres, z up, floor at 0. colors: (M, 3) uint8 or None. executor: for the pyramids.
    clock: told of the stages blocks, pyramid and network.
    Yields rows (b,) of the blocks, their logits (b, n, classes) and embeddings (b, n, embedding) float32, where n is
    at least the largest `count` among them; what stands at the padding has no meaning.
    """
    c, clock, bounds = engine.description.configuration, clock or StageTimer(), extent(points)
    smallest = c.levels[0] if getattr(engine, "takes_fewer_points", False) else c.points
    sizes = network_sizes(blocks.count, smallest, c.points)
    for rows in batches(sizes, AT_ONCE):
        index = blocks.index[rows, : sizes[rows[0]]]
        with clock.stage("blocks"):
            features = block_features(points, colors, index, color=c.color, block_size=c.block_size, bounds=bounds)
        with clock.stage("pyramid"):
            pyramids = build_pyramids(features, c, executor, sizes[rows])
        with clock.stage("network"):
            logits, embeddings = engine.run(features, pyramids)
        yield rows, logits, embeddings


def infer_blocks(
    engine: Engine, points: np.ndarray, colors: np.ndarray | None, blocks: Blocks, threads: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Everything that the network says of B blocks of N points: see `infer_batches`.

    threads: that make the pyramids; 0: one per core.
    Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32, zeros at the padding.
    """
    c = engine.description.configuration
    logits = np.zeros((*blocks.index.shape, c.classes), np.float32)
    embeddings = np.zeros((*blocks.index.shape, c.embedding), np.float32)
    with thread_pool(threads) as executor:
        for rows, said, embedded in infer_batches(engine, points, colors, blocks, executor):
            logits[rows, : said.shape[1]], embeddings[rows, : said.shape[1]] = said, embedded
    return logits, embeddings
