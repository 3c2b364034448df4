"""Run every step once on a made-up room, so that all kernels are compiled before the first cloud."""

from __future__ import annotations

import numpy as np

from jspnet_core.pipeline.segmenter import Segmenter

_POINTS = 150_000  # enough for the parts of a cloud to be processed in parallel


def warm_up(segmenter: Segmenter) -> None:
    """Label a made-up room: with and without instances, with and without colours, its gravity given and estimated."""
    points, colors = made_up_room()
    segmenter.segment(points, colors)
    segmenter.segment(points, None, T_gravity_input=np.eye(4), instances=False)
    optical = np.ascontiguousarray(
        points[:, [1, 2, 0]] * np.array([-1, -1, 1], np.float32)
    )  # x right, y down, z forward
    segmenter.segment(optical, colors)


def made_up_room() -> tuple[np.ndarray, np.ndarray]:
    """A floor, walls and boxes over several blocks: points (N, 3) float32, z up, and colours (N, 3) uint8.

    Clusters and merging need objects that blocks share.
    """
    rng = np.random.default_rng(0)
    part = rng.integers(0, 5, _POINTS)
    points = rng.random((_POINTS, 3)) * [4.0, 3.0, 2.5]
    points[part == 0, 2] = 0.0  # floor
    points[part == 1, 0] = 4.0  # walls
    points[part == 2, 1] = 3.0
    for number, corner in ((3, (1.0, 1.0, 0.7)), (4, (2.5, 1.5, 0.4))):  # tops of boxes
        points[part == number] = np.array(corner) + rng.random((np.count_nonzero(part == number), 3)) * [0.8, 0.5, 0.02]
    palette = np.array([[120, 90, 60], [220, 220, 210], [200, 210, 220], [150, 100, 50], [40, 40, 40]], np.uint8)
    return points.astype(np.float32), palette[part]
