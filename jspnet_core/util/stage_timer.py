"""Milliseconds by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Times stages; `milliseconds` holds them in the order in which they first ended, repeated ones added up."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        spent = 1e3 * (time.perf_counter() - begin)
        self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent
