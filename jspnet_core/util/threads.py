"""Thread pools in which the calling thread takes part, and parallel maps over blocks or the points of a cloud."""

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
"""Fewest points of a part of a cloud: starting a thread for fewer takes longer than it saves."""


def available_cores() -> int:
    """Number of cores that this process may run on, which a container or `taskset` may restrict."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def create_pool(threads: int) -> ThreadPoolExecutor | None:
    """Create a pool of `threads` - 1 threads beside the calling one, 0: one per core; None where that leaves none."""
    threads = threads or available_cores()
    return ThreadPoolExecutor(threads - 1) if threads > 1 else None


@contextmanager
def thread_pool(threads: int) -> Iterator[ThreadPoolExecutor | None]:
    """`create_pool`, shut down at the end."""
    executor = create_pool(threads)
    try:
        yield executor
    finally:
        if executor is not None:
            executor.shutdown()


def parallel_map(work: Callable[[Item], Result], items: Iterable[Item], executor: Executor | None) -> list[Result]:
    """Compute `[work(item) for item in items]` in the calling thread and the executor's; idle ones take the next item.

    The calling thread takes part: one that waits would leave its core idle. executor: None: the calling thread alone.
    Raises what `work` raises, once the items begun are done.
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


def parallel_parts(
    work: Callable[[slice], Result], points: int, executor: Executor | None, threads: int
) -> list[Result]:
    """Map `work` over consecutive slices of a cloud of `points` points, in parallel.

    executor: None: one slice. threads: most slices. Returns the results in the order of the slices.
    """
    parts = max(1, min(threads, points // PART_POINTS)) if executor is not None else 1
    bounds = [points * i // parts for i in range(parts + 1)]
    return parallel_map(work, map(slice, bounds[:-1], bounds[1:]), executor)
