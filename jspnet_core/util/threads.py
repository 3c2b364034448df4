"""How many threads are worth starting, and blocks or the points of a cloud shared out to them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PART_POINTS = 50_000
"""Points from which one more thread is worth its while."""


def available_cores() -> int:
    """Cores that this process may run on: fewer than the machine has, where it is confined to some of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def helpers(threads: int) -> ThreadPoolExecutor | None:
    """Threads that help the calling one, so that `threads` work, 0: one per core; None where it is to work alone."""
    threads = threads or available_cores()
    return ThreadPoolExecutor(threads - 1) if threads > 1 else None


@contextmanager
def helped_by(threads: int) -> Iterator[ThreadPoolExecutor | None]:
    """`helpers` that are gone afterwards."""
    executor = helpers(threads)
    try:
        yield executor
    finally:
        if executor is not None:
            executor.shutdown()


def shared_out(work: Callable[[Item], Result], items: Iterable[Item], executor: Executor | None) -> list[Result]:
    """`[work(item) for item in items]`, by this thread and those of the executor: whoever is done takes the next item.

    This thread takes part, for one that waits leaves a core idle that the others, woken from it, may not be moved to
    before they are done. None: this thread alone. Raises what `work` raises, when the items begun are done.
    """
    todo = deque(enumerate(items))
    results: dict[int, Result] = {}

    def take() -> None:
        while True:
            try:
                number, item = todo.popleft()
            except IndexError:
                return
            try:
                results[number] = work(item)
            except Exception:
                todo.clear()
                raise

    others = [executor.submit(take) for _ in range(len(todo) - 1)] if executor is not None else []
    try:
        take()
    finally:
        todo.clear()
        begun = [other for other in others if not other.cancel()]  # the rest would find nothing to do
        wait(begun)
    for other in begun:
        other.result()
    return [results[number] for number in range(len(results))]


def in_parts(work: Callable[[slice], Result], points: int, executor: Executor | None, threads: int) -> list[Result]:
    """What `work` returns for one part after the other of a cloud of so many points, which run side by side.

    executor: its threads take parts too; None: one part.
    """
    parts = max(1, min(threads, points // PART_POINTS)) if executor is not None else 1
    bounds = [points * i // parts for i in range(parts + 1)]
    return shared_out(work, map(slice, bounds[:-1], bounds[1:]), executor)
