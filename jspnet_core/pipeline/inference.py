"""Batched inference with bounded memory over the blocks of a cloud."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from jspnet_core.engine.base import Engine
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.blocks import Blocks, batches, block_features, cut_blocks, extent, network_sizes
from jspnet_core.pipeline.pyramid import Pyramid, build_pyramids
from jspnet_core.settings import SegmenterSettings
from jspnet_core.util.threads import thread_pool

BLOCKS_IN_MEMORY = 32
"""Blocks whose features, pyramids, logits and embeddings are in memory at the same time."""


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


@dataclass(frozen=True)
class Batch:
    """rows: (b,) of the blocks that go through together; sizes: (b,) points that are sent of each, descending."""

    rows: np.ndarray
    sizes: np.ndarray


class BatchedInference:
    """Features and pyramids of blocks, batch by batch, without their padding where the engine takes fewer points.

    executor: its threads build pyramids, too; None: the calling thread alone.
    """

    def __init__(self, engine: Engine, executor: Executor | None = None):
        self._executor, self._configuration = executor, engine.description.configuration
        c = self._configuration
        self._fewest = c.levels[0] if engine.takes_fewer_points else c.points

    def batches(self, blocks: Blocks) -> Iterator[Batch]:
        """At most `BLOCKS_IN_MEMORY` blocks at a time, large ones first."""
        sizes = network_sizes(blocks.count, self._fewest, self._configuration.points)
        return (Batch(rows, sizes[rows]) for rows in batches(sizes, BLOCKS_IN_MEMORY))

    def features(
        self,
        xyz: np.ndarray,
        colors: np.ndarray | None,
        bounds: tuple[np.ndarray, np.ndarray],
        blocks: Blocks,
        batch: Batch,
    ) -> np.ndarray:
        """(b, n, channels) float32, n the largest of the batch's sizes.

        xyz: (V, 3) float32; colors: (V, 3) uint8 or None; bounds: `extent(xyz)`.
        """
        c, index = self._configuration, blocks.index[batch.rows, : batch.sizes[0]]
        return block_features(xyz, colors, index, color=c.color, block_size=c.block_size, bounds=bounds)

    def pyramids(self, features: np.ndarray, batch: Batch) -> list[Pyramid]:
        """Pyramids of the first `batch.sizes` points of each block. features: (b, n, channels)."""
        return build_pyramids(features, self._configuration, self._executor, batch.sizes)


def infer_blocks(
    engine: Engine, points: np.ndarray, colors: np.ndarray | None, blocks: Blocks, threads: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Run the network on all B blocks of N points.

    points: (M, 3) float32, metres, z up, floor at 0. colors: (M, 3) uint8 or None. threads: of the pyramids; 0: one per
    core. Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32, zeros at the padding.
    """
    c = engine.description.configuration
    logits = np.zeros((*blocks.index.shape, c.classes), np.float32)
    embeddings = np.zeros((*blocks.index.shape, c.embedding), np.float32)
    with thread_pool(threads) as executor:
        inference, bounds = BatchedInference(engine, executor), extent(points)
        for batch in inference.batches(blocks):
            features = inference.features(points, colors, bounds, blocks, batch)
            n = features.shape[1]
            found = engine.run(features, inference.pyramids(features, batch))
            logits[batch.rows, :n], embeddings[batch.rows, :n] = found
    return logits, embeddings
