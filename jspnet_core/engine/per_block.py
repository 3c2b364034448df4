"""Block-by-block inference on the CPU, several blocks in parallel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import numpy as np

from jspnet_core.pipeline.pyramid import Pyramid, points_of
from jspnet_core.util.threads import parallel_map

RunBlock = Callable[[dict[str, np.ndarray]], tuple[np.ndarray, np.ndarray]]
"""Inputs of one block by name to its logits (1, n, classes) and embeddings (1, n, embedding)."""


def run_each(
    run_block: RunBlock,
    names: Sequence[str],
    features: np.ndarray,
    pyramids: Sequence[Pyramid],
    widths: tuple[int, int],
    executor: Executor | None = None,
    alone: RunBlock | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute logits and embeddings of B blocks, see `jspnet_core.engine.Engine.run`.

    names: of the pyramid's arrays that the network takes. widths: classes, embedding. executor: runs
    blocks in parallel; None: one after the other. alone: runs the last block after the others, with all threads.
    """
    logits, embeddings = (np.zeros((*features.shape[:2], width), np.float32) for width in widths)

    def run(b: int, by: RunBlock) -> None:
        n = points_of(pyramids[b])
        feed = {name: pyramids[b][name][None] for name in names}  # one block: local indices are flat already
        feed["features"] = features[b : b + 1, :n]
        logits[b : b + 1, :n], embeddings[b : b + 1, :n] = by(feed)

    together = len(pyramids) - (alone is not None)
    parallel_map(lambda b: run(b, run_block), range(together), executor)
    if alone is not None:
        run(together, alone)
    return logits, embeddings
