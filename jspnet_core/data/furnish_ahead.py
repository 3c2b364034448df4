"""Generate furnished rooms and frames for training until a deadline: one prepared folder each."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from jspnet_core.classes import INDOOR
from jspnet_core.data.furnished import UNSEEN, SceneJob, SceneSource, Taken, take
from jspnet_core.data.generated import FRAMES, KIND
from jspnet_core.data.preparation import DatasetInfo, write_room_index
from jspnet_core.data.provenance import FURNISHED_DATA
from jspnet_core.data.splits import SplitRule
from jspnet_core.synthetic.sensors.devices import KINDS

AHEAD = 2
"""Jobs that wait for each worker process."""


@dataclass(frozen=True)
class Furnishing:
    """Settings of a series of furnished scenes.

    assets: folder of the furniture library, or `world.OWN`. frames: of each scene, beside its scan.
    unseen: share of the scenes whose furniture never trains; they are the split `val`. scenes: most; None: as many as
    the time allows. first: number of the first scene. nice: added to the priority of the worker processes.
    """

    assets: str
    seed: int = 0
    first: int = 0
    scenes: int | None = None
    frames: int = 10
    unseen: float = 0.05
    sensors: tuple[str, ...] = KINDS
    nice: int = 0

    def job(self, i: int, folder: Path) -> SceneJob:
        unseen = int((i + 1) * self.unseen + 0.5) > int(i * self.unseen + 0.5)
        source = SceneSource(self.first + i, self.seed, self.assets, unseen)
        return SceneJob(source, True, self.frames, self.sensors, folder, folder / FRAMES)


def furnish_ahead(out: Path, what: Furnishing, seconds: float, workers: int) -> int:
    """Write OUT, a prepared folder of scans, and OUT/frames, one of frames, from scenes that are begun in `seconds`.

    OUT must not exist; it appears when it is whole. At least one scene is taken. Returns the number of scenes.
    """
    partial = out.with_name(f".{out.name}.part")
    (partial / FRAMES).mkdir(parents=True)
    taken = sorted(_taken(partial, what, time.monotonic() + seconds, workers), key=lambda t: t.name)
    settings: dict[str, str | bool | int | float] = {"scenes": "furnished", "seed": what.seed, "first": what.first}
    rule = SplitRule(val=(f"{UNSEEN}_*",))
    scans = DatasetInfo(KIND, INDOOR, settings, source=FURNISHED_DATA)
    write_room_index([room for t in taken for room in t.rooms], partial, scans, rule)
    write_room_index(
        [frame for t in taken for frame in t.frames], partial / FRAMES, replace(scans, single_views=True), rule
    )
    partial.rename(out)
    return len(taken)


def _taken(folder: Path, what: Furnishing, deadline: float, workers: int) -> Iterator[Taken]:
    """Scenes as they are ready. Few jobs wait, so that little is left to do at the deadline."""
    numbers = iter(count() if what.scenes is None else range(what.scenes))
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawned, initializer=_begin, initargs=(what.nice,)) as pool:
        waiting: set[Future[Taken]] = set()
        while True:
            while len(waiting) < AHEAD * workers and (not waiting or time.monotonic() < deadline):
                number = next(numbers, None)
                if number is None:
                    break
                waiting.add(pool.submit(take, what.job(number, folder)))
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
            if time.monotonic() >= deadline:
                waiting = {future for future in waiting if not future.cancel()}
                if not waiting:
                    return


def _begin(nice: int) -> None:
    """A worker process: Ctrl-C ends it through its parent; its priority."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(nice)
