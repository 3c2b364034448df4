"""Warm-up at configuration: compile or load every kernel that a frame needs, so that no cloud waits for a compiler."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Header

from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.warm_up import made_up_room
from jspnet_core.pipeline.warm_up import warm_up as run_every_step
from jspnet_core.util.compilation import log_compilation
from jspnet_ros.messages.labelled_clouds import color_cloud, instance_cloud, semantic_cloud
from jspnet_ros.messages.point_cloud import read_points


def warm_up(segmenter: Segmenter) -> None:
    """Run every step of the segmenter, and read and write clouds of each layout. Compilation is logged."""
    with log_compilation():
        run_every_step(segmenter)
        points, colors = made_up_room()
        header, shape = Header(), (1, len(points))
        arrays = read_points(color_cloud(header, shape, points, colors))
        found = segmenter.segment(arrays.points, arrays.colors)
        for written in (points, points.astype(np.float64)):  # float64: far from the origin of the frame
            semantic_cloud(header, shape, written, found, segmenter.classes)
            instance_cloud(header, shape, written, found)
