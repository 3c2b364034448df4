"""Send blocks through the network, however they were cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from jspnet_core.blocks import block_features
from jspnet_core.cores import available_cores
from jspnet_core.engine import Engine
from jspnet_core.pyramid import build_pyramids

AT_ONCE = 32
"""Blocks whose pyramids are in memory at the same time."""


def run_blocks(
    engine: Engine, points: np.ndarray, colors: np.ndarray, index: np.ndarray, threads: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Label B blocks of N points.

    points: (M, 3) float32, metres, z up, floor at 0. colors: (M, 3) uint8. index: (B, N) into the points.
    threads: for the pyramids; 0: one per core.
    Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32.
    """
    c = engine.description.configuration
    logits = np.empty((*index.shape, c.classes), np.float32)
    embeddings = np.empty((*index.shape, c.embedding), np.float32)
    with ThreadPoolExecutor(threads or available_cores()) as executor:
        for begin in range(0, len(index), AT_ONCE):
            part = slice(begin, begin + AT_ONCE)
            features = block_features(points, colors, index[part], color=c.color, block_size=c.block_size)
            logits[part], embeddings[part] = engine.run(features, build_pyramids(features, c, executor))
    return logits, embeddings


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis, the logits' shape and type."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)
