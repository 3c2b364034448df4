"""Records of `jspnet_core` reach the node's log, by severity."""

from __future__ import annotations

import logging
import warnings

from jspnet_ros.node.log_forwarding import forwarded_logs


class Target:
    """A logger that keeps what it is given."""

    def __init__(self, level: int = 20) -> None:
        self.lines: list[tuple[str, str]] = []
        self._level = level

    def get_effective_level(self) -> int:
        return self._level

    def __getattr__(self, severity):
        return lambda message: self.lines.append((severity, message))


def test_records_are_forwarded_with_their_severity():
    target, core = Target(), logging.getLogger("jspnet_core")
    with forwarded_logs(target):
        logging.getLogger("jspnet_core.engine.engine_cache").info("engine kept in %s", "somewhere")
        core.warning("a warning")
        core.error("an error")
        core.critical("the end")
        core.debug("a detail")
    core.info("after the node")
    assert target.lines == [
        ("info", "engine kept in somewhere"),
        ("warning", "a warning"),
        ("error", "an error"),
        ("fatal", "the end"),
    ]


def test_details_are_forwarded_where_the_node_logs_them():
    target = Target(level=10)
    with forwarded_logs(target):
        logging.getLogger("jspnet_core").debug("a detail")
    assert target.lines == [("debug", "a detail")]


def test_warnings_of_libraries_are_forwarded():
    target = Target()
    with forwarded_logs(target), warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old format", UserWarning, stacklevel=1)
    (severity, text), *_ = target.lines
    assert severity == "warning"
    assert "old format" in text
