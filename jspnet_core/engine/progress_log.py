"""Progress for a log: now and then a line, not a bar."""

from __future__ import annotations

import time
from collections.abc import Callable


class ProgressLog:
    """Called with a phase and its share done, 0 to 1; writes a line at most every `seconds`, the first at once."""

    def __init__(self, log: Callable[[str], None], seconds: float = 2.0):
        self._log, self._seconds = log, seconds
        self._next = 0.0

    def __call__(self, phase: str, share: float) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + self._seconds
            self._log(f"building the engine: {phase}, {share:.0%}")
