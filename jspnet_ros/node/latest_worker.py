"""A thread for one step of a frame. Steps hand on the newest thing they have, and none waits for the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Worker(Generic[Thing]):
    """Works in a thread of its own on one thing at a time, always the newest that it was given.

    What comes later replaces what the thread has not taken up: so giving never waits, and at most one thing does.
    """

    def __init__(self, name: str, work: Callable[[Thing], None]) -> None:
        self._newest: _Newest[Thing] = _Newest()
        self._work = work
        self._executor = ThreadPoolExecutor(1, name)
        self._future = self._executor.submit(self._work_until_stopped)

    def give(self, thing: Thing) -> bool:
        """Leave `thing` for the thread. Returns whether it replaced one that the thread has not taken up."""
        return self._newest.put(thing)

    def withdraw(self) -> bool:
        """Take back what the thread has not taken up. Returns whether there was such a thing."""
        return self._newest.withdraw()

    def check(self) -> None:
        """Raises what ended the thread, if anything did: a defect must not look like silence."""
        if self._future.done():
            self._future.result()

    def stop(self) -> None:
        """Wait until all that was given is done. Raises what ended the thread, if anything did."""
        self._newest.close()
        self._executor.shutdown()
        self._future.result()

    def _work_until_stopped(self) -> None:
        while (thing := self._newest.take()) is not None:
            self._work(thing)


class _Newest(Generic[Thing]):
    """A place for one thing between two threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._thing: Thing | None = None
        self._closed = False

    def put(self, thing: Thing) -> bool:
        with self._condition:
            replaced = self._thing is not None
            self._thing = thing
            self._condition.notify()
        return replaced

    def take(self) -> Thing | None:
        """The newest thing, waited for; None once closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._thing is not None)
            thing, self._thing = self._thing, None
            return thing

    def withdraw(self) -> bool:
        with self._condition:
            left, self._thing = self._thing is not None, None
            return left

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()
