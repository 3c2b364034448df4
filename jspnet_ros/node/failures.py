"""Containment: the failure of one frame is counted and logged, and only repeated failures stop the node."""

from __future__ import annotations

import threading
import traceback

from rclpy.impl.rcutils_logger import RcutilsLogger

from jspnet_ros.node.statistics import FrameStatistics

IN_A_ROW = 2
"""Frames that may fail one after the other in one step; the engine is reopened after the first of them."""

REMINDER_SECONDS = 5.0


class FrameFailures:
    """Judges exceptions that a step of a frame raised. Each step may run in a thread of its own."""

    def __init__(self, logger: RcutilsLogger, statistics: FrameStatistics) -> None:
        self._logger, self._statistics = logger, statistics
        self._lock = threading.Lock()
        self._in_a_row: dict[str, int] = {}
        self._logged: set[tuple[type, str]] = set()
        self.verdict = ""
        """Why no further frame should be tried; empty while the node may go on."""

    def succeeded(self, step: str) -> None:
        """Note that a frame passed a step."""
        with self._lock:
            self._in_a_row[step] = 0

    def failed(self, step: str, error: BaseException) -> int:
        """Count and log an exception of a step. Returns the number of its failures in a row."""
        sentence = f"{step} failed with {type(error).__name__}: {str(error) or 'no message'}".splitlines()[0]
        with self._lock:
            count = self._in_a_row[step] = self._in_a_row.get(step, 0) + 1
        self._statistics.failed(sentence)
        self._log(f"frame refused (failure): {sentence}", error)
        if count >= IN_A_ROW:
            self.give_up(f"{count} frames in a row: {sentence}")
        return count

    def give_up(self, reason: str, error: BaseException | None = None) -> None:
        """Decide that no further frame should be tried; the first reason stands. error: logged, if there is one."""
        self.verdict = self.verdict or reason
        if error is not None:
            self._log(reason, error)

    def _log(self, sentence: str, error: BaseException) -> None:
        """Log the traceback once for each kind of exception and place, a line for the others."""
        frames = traceback.extract_tb(error.__traceback__)
        kind = type(error), f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        if kind in self._logged:
            self._logger.error(sentence, throttle_duration_sec=REMINDER_SECONDS)
            return
        self._logged.add(kind)
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self._logger.error(f"{sentence}\n{text}")
