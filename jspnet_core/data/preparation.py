"""Many sources to one folder of rooms: in parallel, whole or not at all, the same bytes however many processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from jspnet_core.classes import ClassTable
from jspnet_core.data.room_index import INDEX_NAME, RoomEntry, RoomFileError, RoomIndex, read_index, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import Room
from jspnet_core.data.splits import SplitRule
from jspnet_core.io.atomic import replacing_folder


class RoomSource(Protocol):
    """Something that a room can be read from. It travels to another process, so it holds paths, not points."""

    @property
    def name(self) -> str:
        """Of the room; unique in the folder."""

    @property
    def source(self) -> str:
        """Which file or folder, for people."""

    def read(self, notes: list[str]) -> Room:
        """The room. To `notes` goes one line for everything about the source that a user should know.

        Raises `RoomFileError`.
        """


@dataclass(frozen=True)
class Outcome:
    """What became of one source: an entry of the index, or the reason why there is none."""

    name: str
    source: str
    entry: RoomEntry | None = None
    notes: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class Data:
    """What an index says about all rooms together.

    kind: of data. settings: what the rooms depend on besides their sources.
    color: whether the colours mean anything. block_size: metres, of the blocks that suit the rooms; None: any.
    single_views: each room is one frame of a camera, with z above the floor.
    """

    kind: str
    classes: ClassTable
    settings: Mapping[str, str | bool | int | float] = field(default_factory=dict)
    color: bool = True
    block_size: float | None = None
    single_views: bool = False


def prepare_rooms(
    sources: Sequence[RoomSource],
    out: Path,
    data: Data,
    rule: SplitRule,
    workers: int,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Write the rooms of all sources and their index to the folder OUT; one that was prepared before is replaced.

    Sources that cannot be read are left out. `report` is called as soon as something became of a source. Returns the
    outcomes in the order of the sources. Raises `RoomFileError` where nothing could be written at all.
    """
    check_out(out, data.kind)
    check_names(sources)
    rule.check([source.name for source in sources])
    with replacing_folder(out) as folder:
        outcomes = fill_folder(sources, folder, data, rule, workers, report)
    return outcomes


def fill_folder(
    sources: Sequence[RoomSource],
    folder: Path,
    data: Data,
    rule: SplitRule,
    workers: int,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """`prepare_rooms` into a folder that is there and empty."""
    found: dict[str, Outcome] = {}
    for outcome in in_parallel(_prepare_room, [(source, folder, data) for source in sources], workers):
        found[outcome.name] = outcome
        report(outcome)
    outcomes = [found[source.name] for source in sources]
    index_outcomes(outcomes, folder, data, rule)
    return outcomes


def index_outcomes(outcomes: Sequence[Outcome], folder: Path, data: Data, rule: SplitRule) -> None:
    """Write the index of the rooms that were written to a folder. Raises `RoomFileError` where there are none."""
    entries = {outcome.name: outcome.entry for outcome in outcomes if outcome.entry is not None}
    if not entries:
        first = f"; the first: {outcomes[0].error}" if outcomes else ""
        raise RoomFileError(f"none of {len(outcomes)} rooms could be prepared{first}")
    write_index(
        folder,
        RoomIndex(
            data=data.kind,
            settings=dict(data.settings),
            color=data.color,
            single_views=data.single_views,
            block_size=data.block_size,
            classes=data.classes.to_dict(),
            splits=rule.apply(list(entries)),
            rooms=dict(sorted(entries.items())),
        ),
    )


def check_out(out: Path, kind: str, marker: Path = Path(INDEX_NAME)) -> None:
    """Raise `RoomFileError` unless OUT can be made, or is empty, or holds what the same command made and may go.

    kind: of data. marker: the file in OUT that says so where there is no index of rooms.
    """
    if out.exists() and not out.is_dir():
        raise RoomFileError(f"{out}: is a file; OUT is a folder")
    if not out.absolute().parent.is_dir():
        raise RoomFileError(f"{out}: no folder {out.absolute().parent}")
    if (out / INDEX_NAME).is_file():
        found = read_index(out).data
        if found != kind:
            raise RoomFileError(f"{out}: holds rooms made from {found!r}, not {kind!r}; name another folder")
    elif out.is_dir() and any(out.iterdir()) and not (out / marker).is_file():
        raise RoomFileError(f"{out}: holds other files and no {INDEX_NAME}; name a new folder, or an empty one")


def check_names(sources: Sequence[RoomSource]) -> None:
    """Raise `RoomFileError` for two sources that give rooms of one name."""
    first: dict[str, str] = {}
    for source in sources:
        if source.name in first:
            raise RoomFileError(f"{first[source.name]} and {source.source} both give a room named {source.name!r}")
        first[source.name] = source.source


Job = TypeVar("Job")
Result = TypeVar("Result")


def in_parallel(function: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Results as they are ready, from `workers` processes; in this process, and in order, for one worker or one job.

    Raises `RoomFileError` where a process was killed.
    """
    if min(workers, len(jobs)) <= 1:
        yield from map(function, jobs)
        return
    spawned = multiprocessing.get_context("spawn")  # threads of the progress bar and numba do not survive a fork
    ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; this one ends the others
    pool = ProcessPoolExecutor(min(workers, len(jobs)), spawned, initializer=signal.signal, initargs=ignore)
    try:
        for future in as_completed([pool.submit(function, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool:
        raise RoomFileError("a worker process was killed, mostly for want of memory; try fewer --workers") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_room(job: tuple[RoomSource, Path, Data]) -> Outcome:
    source, folder, data = job
    notes: list[str] = []
    try:
        entry = write_room(folder, source.read(notes), data.classes, source.source, data.single_views)
    except RoomFileError as error:
        return Outcome(source.name, source.source, None, notes, str(error))
    return Outcome(source.name, source.source, entry, notes)
