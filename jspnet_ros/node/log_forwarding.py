"""Forward Python's `logging` records, those of `jspnet_core` among them, to the node's logger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rclpy.impl.rcutils_logger import RcutilsLogger

FORWARDED = ("jspnet_core", "jspnet_ros", "py.warnings")


class RosLogHandler(logging.Handler):
    """A handler that hands each record to a node's logger, with its severity and traceback."""

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno >= logging.CRITICAL:  # one line for each severity: rclpy allows one per line of code
            self._logger.fatal(text)
        elif record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


@contextmanager
def forwarded_logs(logger: RcutilsLogger) -> Iterator[None]:
    """Forward records of this package, of `jspnet_core` and Python's warnings while the block runs."""
    handler, level = RosLogHandler(logger), logging.DEBUG if logger.get_effective_level() <= 10 else logging.INFO
    loggers = [logging.getLogger(name) for name in FORWARDED]
    logging.captureWarnings(True)
    for python_logger in loggers:
        python_logger.addHandler(handler)
        python_logger.setLevel(level)
        python_logger.propagate = False
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for python_logger in loggers:
            python_logger.removeHandler(handler)
            python_logger.propagate = True
