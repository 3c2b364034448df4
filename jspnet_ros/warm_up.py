"""The first cloud pays for compilation and memory; better one that nobody waits for."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Header

from jspnet_core.open_segmenter import AnySegmenter
from jspnet_ros.point_cloud import INSTANCE_POINT, SEMANTIC_POINT, CloudBuffer, instance_cloud, semantic_cloud

_POINTS = 150_000  # enough for a cloud to be worth cutting into parts


def warm_up(segmenter: AnySegmenter) -> None:
    """Label a square metre of floor and make clouds of it: compiles what is compiled at first use, or loads it from
    the cache."""
    rng = np.random.default_rng(0)
    points = np.zeros((_POINTS, 3), np.float32)
    points[:, :2] = rng.random((len(points), 2))
    found = segmenter.segment(points, np.full((len(points), 3), 128, np.uint8))
    semantic_cloud(CloudBuffer(SEMANTIC_POINT), Header(), (1, len(points)), points, found, segmenter.classes)
    instance_cloud(CloudBuffer(INSTANCE_POINT), Header(), (1, len(points)), points, found)
