"""Entry point of the node: run it until it is interrupted, or build the engine where `build_only` is true.

    python -m jspnet_ros.segment_node --ros-args -r '~/input/points:=/camera/points'

Nothing large is imported before signals are handled: a process that is interrupted while it loads ends without a
traceback.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the node. Returns its exit code, see `jspnet_ros.node.run`."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    from jspnet_ros.node.run import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
