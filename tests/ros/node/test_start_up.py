"""Compiled kernels are kept on disk: a second start compiles nothing, nor does the first frame after any start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone  # others would write the same cache of compiled kernels
ROOT = Path(__file__).parents[3]

START = """
import json
from numba.core import event

with event.install_recorder("numba:compile") as at_start:
    from jspnet_core.pipeline.segmenter import Segmenter
    from jspnet_core.settings import FrameSettings
    from jspnet_ros.node.warm_up import warm_up
    segmenter = Segmenter(settings=FrameSettings(max_blocks=2, stride=1.0))
    warm_up(segmenter)

import numpy as np
from jspnet_ros.messages.labelled_clouds import color_cloud, instance_cloud, semantic_cloud
from jspnet_ros.messages.point_cloud import read_points
from tests.ros import clouds

def label(cloud, T=None, instances=True, **changes):
    segmenter.settings = FrameSettings(max_blocks=2, stride=1.0, **changes)
    arrays = read_points(cloud)
    found = segmenter.segment(arrays.points, arrays.colors, T_gravity_input=T, instances=instances)
    shape = (1, len(arrays.points))
    semantic_cloud(clouds.header(), shape, arrays.points, found, segmenter.classes)
    instance_cloud(clouds.header(), shape, arrays.points, found)

with event.install_recorder("numba:compile") as at_work:
    label(clouds.room_cloud())
    label(color_cloud(clouds.header(), clouds.SHAPE, clouds.room()[0]), T=np.eye(4))
    label(clouds.room_cloud(shape=(1, 400)), instances=False)
    label(clouds.room_cloud(), merging="legacy", up_axis="z", voxel_size=0.1)

def names(recorder):
    return sorted({record.data["dispatcher"].py_func.__qualname__ for _, record in recorder.buffer if record.is_start})

print(json.dumps({"at_start": names(at_start), "at_work": names(at_work)}))
"""


def start() -> dict[str, list[str]]:
    """The kernels that a process of its own compiles when it starts, and when it labels clouds after that."""
    ended = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_second_start_compiles_nothing_and_no_frame_waits_for_a_compiler():
    first = start()
    assert first["at_work"] == [], "the warm-up leaves a kernel out"
    assert start() == {"at_start": [], "at_work": []}
