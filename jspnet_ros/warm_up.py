"""The first cloud pays for compilation and memory; better one that nobody waits for."""

from __future__ import annotations

import numpy as np

from jspnet_core.open_segmenter import AnySegmenter


def warm_up(segmenter: AnySegmenter) -> None:
    """Label a square metre of floor: compiles what is compiled at first use, or loads it from the cache."""
    rng = np.random.default_rng(0)
    points = np.zeros((20_000, 3), np.float32)
    points[:, :2] = rng.random((len(points), 2))
    segmenter.segment(points, np.full((len(points), 3), 128, np.uint8))
