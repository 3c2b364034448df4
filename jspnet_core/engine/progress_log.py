"""Progress of a long build as log lines at intervals."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)


class ProgressLog:
    """Called with a phase and its share done, 0 to 1; logs a line at most every `seconds`, the first one at once."""

    def __init__(self, seconds: float = 2.0):
        self._seconds, self._next = seconds, 0.0

    def __call__(self, phase: str, share: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._seconds
            logger.info("building the engine: %s, %.0f %%", phase, 100 * share)
