"""The first cloud pays for compilation and memory; better one that nobody waits for."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Header

from jspnet_core.pipeline.load import AnySegmenter
from jspnet_ros.messages.point_cloud import color_cloud, instance_cloud, read_points, semantic_cloud

_POINTS = 150_000  # enough for a cloud to be worth cutting into parts


def warm_up(segmenter: AnySegmenter) -> None:
    """Read a cloud of a square metre of floor, label it and make the labelled clouds: this compiles what is compiled at
    first use, or loads it from the cache."""
    rng, header, shape = np.random.default_rng(0), Header(), (1, _POINTS)
    floor = np.zeros((_POINTS, 3), np.float32)
    floor[:, :2] = rng.random((_POINTS, 2))
    arrays = read_points(color_cloud(header, shape, floor, np.full((_POINTS, 3), 128, np.uint8)))
    found = segmenter.segment(arrays.points, arrays.colors)
    semantic_cloud(header, shape, floor, found, segmenter.classes)
    instance_cloud(header, shape, floor, found)
