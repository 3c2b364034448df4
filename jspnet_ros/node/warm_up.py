"""Warm-up at configuration: compile or load every kernel that a frame needs, so that no cloud waits for a compiler."""

from __future__ import annotations

import logging
import time

import numpy as np
from std_msgs.msg import Header

from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_ros.messages.labelled_clouds import color_cloud, instance_cloud, semantic_cloud
from jspnet_ros.messages.point_cloud import read_points

logger = logging.getLogger(__name__)

_POINTS = 150_000  # enough for the parts of a cloud to be processed in parallel
_SLOW_SECONDS = 3.0


def warm_up(segmenter: Segmenter) -> None:
    """Read, label and write a generated room of several blocks with furniture: clusters and merging need both."""
    begin = time.monotonic()
    logger.info("warming up: the kernels are loaded or, at the first start on a machine, compiled (up to a minute)")
    header, shape = Header(), (1, _POINTS)
    points, colors = _room()
    arrays = read_points(color_cloud(header, shape, points, colors))
    for instances in (False, True):
        found = segmenter.segment(arrays.points, arrays.colors, T_gravity_input=np.eye(4), instances=instances)
    segmenter.segment(arrays.points, arrays.colors)  # estimates gravity
    for written in (points, points.astype(np.float64)):  # float64: far from the origin of the frame
        semantic_cloud(header, shape, written, found, segmenter.classes)
        instance_cloud(header, shape, written, found)
    seconds = time.monotonic() - begin
    if seconds > _SLOW_SECONDS:
        logger.info("warmed up in %.0f s", seconds)


def _room() -> tuple[np.ndarray, np.ndarray]:
    """A floor, two walls and two boxes, (N, 3) float32, z up, with colours (N, 3) uint8."""
    rng = np.random.default_rng(0)
    part = np.array([0, 1, 2, 3, 4])[rng.integers(0, 5, _POINTS)]
    points = rng.random((_POINTS, 3)) * [3.0, 3.0, 2.5]
    points[part == 0, 2] = 0.0
    points[part == 1, 0] = 0.0
    points[part == 2, 1] = 0.0
    for number, corner in ((3, [1.0, 1.0, 0.0]), (4, [2.0, 1.5, 0.0])):  # boxes of half a metre, their tops
        points[part == number] = corner + rng.random(((part == number).sum(), 3)) * [0.5, 0.5, 0.0] + [0, 0, 0.7]
    palette = np.array([[120, 90, 60], [220, 220, 210], [200, 210, 220], [150, 100, 50], [40, 40, 40]], np.uint8)
    return points.astype(np.float32), palette[part]
