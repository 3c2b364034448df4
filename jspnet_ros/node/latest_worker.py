"""A thread for one step of a frame: it works on the newest item, and no step waits for the next one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")


class LatestWorker(Generic[Item]):
    """Works in a thread of its own on one item at a time, always the newest that it was given.

    A later item replaces the one that the thread has not started: so `give` never blocks, and at most one item waits.
    """

    def __init__(self, name: str, work: Callable[[Item], None]) -> None:
        self._newest: _Newest[Item] = _Newest()
        self._work = work
        self._executor = ThreadPoolExecutor(1, name)
        self._future = self._executor.submit(self._work_until_stopped)

    def give(self, item: Item) -> bool:
        """Leave `item` for the thread. Returns whether it replaced one that the thread had not started."""
        return self._newest.put(item)

    def withdraw(self) -> bool:
        """Remove the item that the thread has not started. Returns whether there was one."""
        return self._newest.withdraw()

    def check(self) -> None:
        """Raise the exception that ended the thread, if any: a defect must not look like silence."""
        if self._future.done():
            self._future.result()

    def stop(self) -> None:
        """Wait until the items given are done. Raises the exception that ended the thread, if any."""
        self._newest.close()
        self._executor.shutdown()
        self._future.result()

    def _work_until_stopped(self) -> None:
        while (item := self._newest.take()) is not None:
            self._work(item)


class _Newest(Generic[Item]):
    """A slot for one item between two threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: Item | None = None
        self._closed = False

    def put(self, item: Item) -> bool:
        with self._condition:
            replaced = self._item is not None
            self._item = item
            self._condition.notify()
        return replaced

    def take(self) -> Item | None:
        """Wait for the newest item; None once closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._item is not None)
            item, self._item = self._item, None
            return item

    def withdraw(self) -> bool:
        with self._condition:
            left, self._item = self._item is not None, None
            return left

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
