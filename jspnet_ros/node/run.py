"""Run the node in this process, from its arguments to its exit code."""

from __future__ import annotations

import sys

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.signals import SignalHandlerOptions

from jspnet_ros.node.log_forwarding import forwarded_logs
from jspnet_ros.node.managed_node import SegmentNode
from jspnet_ros.node.parameters import SettingError
from jspnet_ros.node.shutdown import Interruption

ENDED, NOT_BUILT, REFUSED, GAVE_UP = 0, 1, 2, 3
"""Exit codes: interrupted or built; engine not built; argument or parameter refused; given up after failures."""


def run() -> int:
    """Run the node until it is interrupted or gives up. Returns one of the exit codes above."""
    interruption = Interruption()
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # RCLError: arguments that ROS cannot parse
        return _refuse(str(error).removeprefix("failed to initialize rcl: ").split(", at /")[0])
    try:
        return _run_node(interruption)
    except (SettingError, ParameterException) as error:
        return _refuse(str(error))
    except KeyboardInterrupt:  # while the node was being made, or a model was loading
        return ENDED
    finally:
        rclpy.try_shutdown()


def _run_node(interruption: Interruption) -> int:
    gave_up: list[bool] = []

    def give_up() -> None:
        gave_up.append(True)
        interruption.end()

    node = SegmentNode(give_up)
    try:
        with forwarded_logs(node.get_logger()):
            if node.get_parameter("build_only").value:
                return ENDED if node.build() else NOT_BUILT
            if node.get_parameter("autostart").value:
                node.start()
            interruption.spin(node)
    finally:
        node.close()
        node.destroy_node()
    return GAVE_UP if gave_up else ENDED


def _refuse(sentence: str) -> int:
    print(f"jspnet_segmenter: {sentence}", file=sys.stderr)
    return REFUSED
