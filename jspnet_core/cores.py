"""How many threads are worth starting, and the points of a cloud shared out to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

Result = TypeVar("Result")

PART_POINTS = 50_000
"""Points from which one more thread is worth its while."""


def available_cores() -> int:
    """Cores that this process may run on: fewer than the machine has, where it is confined to some of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parts(work: Callable[[slice], Result], points: int, executor: Executor | None, threads: int) -> list[Result]:
    """What `work` returns for one part after the other of a cloud of so many points, which run side by side.

    executor: for all parts but the first, which this thread does; None: one part.
    """
    parts = max(1, min(threads, points // PART_POINTS)) if executor is not None else 1
    bounds = [points * i // parts for i in range(parts + 1)]
    first, *others = (slice(begin, end) for begin, end in zip(bounds[:-1], bounds[1:], strict=True))
    if executor is None or not others:
        return [work(first)]
    running = [executor.submit(work, part) for part in others]
    return [work(first), *(part.result() for part in running)]
