"""Log messages of `jspnet_core` in the node's log."""

from __future__ import annotations

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger


class RosLogHandler(logging.Handler):
    """Forwards records of Python's logging to a node's logger, with the severity that corresponds."""

    def __init__(self, target: RcutilsLogger):
        super().__init__()
        self._target = target

    def emit(self, record: logging.LogRecord) -> None:
        message = self.format(record)
        # rclpy remembers one severity for each line of code that logs, so every severity has a line of its own.
        if record.levelno >= logging.ERROR:
            self._target.error(message)
        elif record.levelno >= logging.WARNING:
            self._target.warning(message)
        elif record.levelno >= logging.INFO:
            self._target.info(message)
        else:
            self._target.debug(message)


def forward_log(target: RcutilsLogger) -> None:
    """Show what `jspnet_core` logs, INFO and above, in a node's log. A later call replaces an earlier one's target."""
    source = logging.getLogger("jspnet_core")
    for handler in [h for h in source.handlers if isinstance(h, RosLogHandler)]:
        source.removeHandler(handler)
    source.addHandler(RosLogHandler(target))
    source.setLevel(logging.INFO)
