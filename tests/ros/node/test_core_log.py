"""What `jspnet_core` logs reaches the node's log, by severity."""

from __future__ import annotations

import logging

import pytest

pytest.importorskip("rclpy")

from jspnet_ros.node.core_log import forward_log


class Target:
    """A logger that keeps what it is given."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, severity):
        return lambda message: self.lines.append((severity, message))


@pytest.fixture
def core():
    logger = logging.getLogger("jspnet_core")
    before, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


def test_messages_are_forwarded_with_their_severity(core):
    target = Target()
    forward_log(target)
    logging.getLogger("jspnet_core.engine.engine_cache").info("engine kept in %s", "somewhere")
    core.warning("a warning")
    core.error("an error")
    core.debug("a detail")
    assert target.lines == [("info", "engine kept in somewhere"), ("warning", "a warning"), ("error", "an error")]


def test_a_second_node_of_a_process_takes_the_messages_over(core):
    first, second = Target(), Target()
    forward_log(first)
    forward_log(second)
    core.info("once")
    assert (first.lines, second.lines) == ([], [("info", "once")])
