"""Steps of a frame in threads of their own: the newest item wins, and callers never wait."""

from __future__ import annotations

import threading
import time

import pytest

from jspnet_ros.node.latest_worker import LatestWorker

PATIENCE = 30.0


class Slow:
    """Work that waits to be let through, once per thing."""

    def __init__(self) -> None:
        self.begun, self.done = threading.Semaphore(0), []
        self.gate = threading.Semaphore(0)

    def __call__(self, thing: int) -> None:
        self.begun.release()
        assert self.gate.acquire(timeout=PATIENCE)
        self.done.append(thing)


def test_giving_does_not_wait_for_the_work_and_the_newest_wins():
    slow = Slow()
    worker = LatestWorker("slow", slow)
    assert not worker.give(1)
    assert slow.begun.acquire(timeout=PATIENCE)
    assert [worker.give(n) for n in (2, 3, 4)] == [False, True, True]  # while 1 is being worked on
    slow.gate.release(2)
    worker.stop()
    assert slow.done == [1, 4]


def test_a_step_that_is_stuck_does_not_hold_up_the_one_before_it():
    stuck, counted = Slow(), []
    last: LatestWorker[int] = LatestWorker("last", stuck)
    first: LatestWorker[int] = LatestWorker("first", lambda n: counted.append(last.give(n)))
    last.give(0)
    assert stuck.begun.acquire(timeout=PATIENCE)
    for n in range(1, 50):
        first.give(n)
        end = time.monotonic() + PATIENCE
        while len(counted) < n and time.monotonic() < end:
            time.sleep(0.001)
    assert len(counted) == 49
    assert not stuck.done
    stuck.gate.release(2)
    first.stop()
    last.stop()
    assert stuck.done == [0, 49]
    assert sum(counted) == 48, "replaced on the way: all but the first and the newest"


def test_what_was_withdrawn_is_not_done():
    slow = Slow()
    worker = LatestWorker("slow", slow)
    worker.give(1)
    assert slow.begun.acquire(timeout=PATIENCE)
    worker.give(2)
    assert worker.withdraw()
    assert not worker.withdraw()
    slow.gate.release(2)
    worker.stop()
    assert slow.done == [1]


def test_a_defect_in_the_thread_is_raised_by_whoever_checks():
    worker = LatestWorker("broken", lambda n: 1 // n)
    worker.check()
    worker.give(0)
    with pytest.raises(ZeroDivisionError):
        worker.stop()
    with pytest.raises(ZeroDivisionError):
        worker.check()
