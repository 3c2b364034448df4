"""Milliseconds by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StageTimer:
    """Times stages; `milliseconds` holds them in the order in which they first ended, repeated ones added up.

    at_end: called inside each stage at its end, to wait for work that runs on a device.
    """

    def __init__(self, at_end: Callable[[], None] | None = None) -> None:
        self.milliseconds: dict[str, float] = {}
        self._at_end = at_end

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        if self._at_end is not None:
            self._at_end()
        spent = 1e3 * (time.perf_counter() - begin)
        self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent
