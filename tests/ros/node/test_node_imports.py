"""Modules that the node's import path loads."""

from __future__ import annotations

import subprocess
import sys


def test_the_node_does_not_load_torch():
    code = "import sys, jspnet_ros.segment_node; print(sorted(m for m in sys.modules if m.split('.')[0] == 'torch'))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout.strip() == "[]"


def test_segmenting_does_not_load_torch():
    code = (
        "import sys; from jspnet_core.pipeline.segmenter import Segmenter; from jspnet_ros.node.warm_up import warm_up;"
        "warm_up(Segmenter()); print(sorted(m for m in sys.modules if m.split('.')[0] == 'torch'))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert ended.stdout.strip() == "[]"
