"""A place for one thing between two threads: what comes later replaces what nobody took."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Newest(Generic[Thing]):
    """Hands the newest thing from the thread that puts to the thread that takes."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._thing: Thing | None = None
        self._closed = False

    def put(self, thing: Thing) -> bool:
        """Leave `thing` to be taken. Returns whether it replaced one that nobody took."""
        with self._condition:
            replaced = self._thing is not None
            self._thing = thing
            self._condition.notify()
        return replaced

    def take(self) -> Thing | None:
        """The newest thing, waited for; None once closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._thing is not None)
            thing, self._thing = self._thing, None
            return None if self._closed else thing

    def close(self) -> bool:
        """End waiting, now and later. Returns whether a thing was left that nobody took."""
        with self._condition:
            left, self._thing = self._thing is not None, None
            self._closed = True
            self._condition.notify_all()
        return left
