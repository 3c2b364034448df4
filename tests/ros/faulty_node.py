"""The real node with an engine that raises the exception named in the file $FAULT, for as long as there is one.

FAULT=/tmp/fault python tests/ros/faulty_node.py --ros-args ...
"""

from __future__ import annotations

import builtins
import os
import sys
from pathlib import Path

from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine
from jspnet_ros.segment_node import main

FAULT = Path(os.environ["FAULT"])
run = OnnxRuntimeEngine.run


def run_or_fail(self, *arguments):
    """Run the network, or raise what the file names; a trailing `once` removes the file first."""
    if FAULT.exists():
        name, *rest = FAULT.read_text().split()
        if rest == ["once"]:
            FAULT.unlink()
        raise getattr(builtins, name)("injected failure")
    return run(self, *arguments)


OnnxRuntimeEngine.run = run_or_fail
sys.exit(main())
