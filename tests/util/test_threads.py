"""Thread pools and parallel maps; BLAS threads stay asleep."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jspnet_core.util.threads import create_pool, parallel_map, thread_pool


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("items", [0, 1, 2, 50])
def test_shared_work_is_done_once_and_comes_back_in_order(threads, items):
    done = []

    def work(item: int) -> int:
        done.append(item)
        time.sleep(0.001 * (item % 3))
        return item * item

    with ThreadPoolExecutor(max(threads, 1)) as executor:
        assert parallel_map(work, range(items), executor if threads else None) == [i * i for i in range(items)]
    assert sorted(done) == list(range(items))


def test_this_thread_takes_part_and_the_helpers_as_well():
    meet = threading.Barrier(3, timeout=10.0)  # passed only by three threads at a time
    with thread_pool(3) as executor:
        workers = parallel_map(lambda _: (meet.wait(), threading.get_ident())[1], range(3), executor)
    assert threading.get_ident() in workers
    assert len(set(workers)) == 3


def test_one_thread_needs_no_helper():
    assert create_pool(1) is None
    with thread_pool(1) as executor:
        assert executor is None


@pytest.mark.parametrize("bad", [0, 1, 7])
@pytest.mark.parametrize("error", [ValueError, IndexError])
def test_an_error_comes_out_and_nothing_runs_on(bad, error):
    running = []

    def work(item: int) -> None:
        running.append(item)
        if item == bad:
            raise error(f"item {item}")
        time.sleep(0.002)
        running.remove(item)

    with thread_pool(2) as executor:
        with pytest.raises(error, match=f"item {bad}"):
            parallel_map(work, range(8), executor)
        assert running == [bad]


BLAS_TIMES = """
import os, time
import numpy as np

blas = set(os.listdir("/proc/self/task")) - {str(os.getpid())}  # started by NumPy

def ticks():
    stats = (open(f"/proc/self/task/{thread}/stat").read().rpartition(")")[2].split() for thread in blas)
    return sum(int(stat[11]) + int(stat[12]) for stat in stats)

def taken_by(work):
    before = ticks()
    work()
    time.sleep(0.2)
    return ticks() - before

from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings

rng = np.random.default_rng(0)
points = rng.random((120_000, 3)) * [8.0, 8.0, 3.0]  # on the faces of a room
axis = rng.integers(3, size=len(points))
points[np.arange(len(points)), axis] = np.where(rng.random(len(points)) < 0.5, 0.0, np.array([8.0, 8.0, 3.0])[axis])
points = points.astype(np.float32)
segmenter = Segmenter(settings=SegmenterSettings(max_blocks=2, threads=1))
print(taken_by(lambda: points @ np.eye(3, dtype=np.float32)), taken_by(lambda: segmenter.segment(points)))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed in /proc on Linux alone")
def test_labelling_wakes_no_thread_of_the_blas():
    """They spin after a product, on cores that the next stages want."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("on one core the BLAS has no threads")
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    words = [sys.executable, "-c", BLAS_TIMES]
    told = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=300)
    product, labelling = map(int, told.stdout.split()[-2:])
    if product == 0:
        pytest.skip("this BLAS does not share out a product with so narrow a matrix")
    assert labelling == 0
