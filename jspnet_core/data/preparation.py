"""Preparation of a folder of rooms from many sources: parallel, atomic, and with the same bytes for any workers."""

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
from jspnet_core.data.provenance import DataSource
from jspnet_core.data.room_index import INDEX_NAME, RoomEntry, RoomFileError, RoomIndex, read_index, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import Room
from jspnet_core.data.splits import SplitRule
from jspnet_core.io.atomic import replacing_folder


class RoomSource(Protocol):
    """Source of a room. It is sent to worker processes, so it stores paths, not points."""

    @property
    def name(self) -> str:
        """Name of the room; unique in the folder."""

    @property
    def source(self) -> str:
        """File or folder, for messages."""

    def read(self, notes: list[str]) -> Room:
        """Read the room; append to `notes` one message for everything about the source that a user should know.

        Raises `RoomFileError`.
        """


@dataclass(frozen=True)
class PreparationResult:
    """Result for one source: its entry in the index, or the error."""

    name: str
    source: str
    entry: RoomEntry | None = None
    notes: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True)
class DatasetInfo:
    """Properties of all rooms of a folder.

    kind: of data; only a folder of the same kind is replaced. settings: options of the preparation.
    color: whether the rooms have colours. block_size: metres, edge of the blocks for these rooms; None: any.
    single_views: each room is one frame of a camera, with z above the floor.
    source: name and licence of the data, which models trained on it inherit.
    """

    kind: str
    classes: ClassTable
    settings: Mapping[str, str | bool | int | float] = field(default_factory=dict)
    color: bool = True
    block_size: float | None = None
    single_views: bool = False
    source: DataSource = DataSource("")


def prepare_rooms(
    sources: Sequence[RoomSource],
    out: Path,
    data: DatasetInfo,
    rule: SplitRule,
    workers: int,
    report: Callable[[PreparationResult], None] = lambda outcome: None,
) -> list[PreparationResult]:
    """Write the rooms of all sources and their index to the folder OUT; a folder of the same kind is replaced.

    Sources that cannot be read are left out. report: called with each result as soon as it is known. Returns the
    results in the order of the sources. Raises `RoomFileError` if no room could be written.
    """
    check_output_folder(out, data.kind)
    check_names(sources)
    rule.check([source.name for source in sources])
    with replacing_folder(out) as folder:
        outcomes = fill_folder(sources, folder, data, rule, workers, report)
    return outcomes


def fill_folder(
    sources: Sequence[RoomSource],
    folder: Path,
    data: DatasetInfo,
    rule: SplitRule,
    workers: int,
    report: Callable[[PreparationResult], None] = lambda result: None,
) -> list[PreparationResult]:
    """Write rooms and index as `prepare_rooms` does, to an existing empty folder."""
    found: dict[str, PreparationResult] = {}
    for outcome in parallel_map(_prepare_room, [(source, folder, data) for source in sources], workers):
        found[outcome.name] = outcome
        report(outcome)
    outcomes = [found[source.name] for source in sources]
    write_room_index(outcomes, folder, data, rule)
    return outcomes


def write_room_index(outcomes: Sequence[PreparationResult], folder: Path, data: DatasetInfo, rule: SplitRule) -> None:
    """Write the index of the rooms that were written to a folder. Raises `RoomFileError` where there are none."""
    entries = {outcome.name: outcome.entry for outcome in outcomes if outcome.entry is not None}
    if not entries:
        first = f"; first error: {outcomes[0].error}" if outcomes else ""
        raise RoomFileError(f"none of {len(outcomes)} rooms could be prepared{first}")
    write_index(
        folder,
        RoomIndex(
            data=data.kind,
            title=data.source.name,
            licence=data.source.licence,
            settings=dict(data.settings),
            color=data.color,
            single_views=data.single_views,
            block_size=data.block_size,
            classes=data.classes.to_dict(),
            splits=rule.apply(list(entries)),
            rooms=dict(sorted(entries.items())),
        ),
    )


def check_output_folder(out: Path, kind: str, marker: Path = Path(INDEX_NAME)) -> None:
    """Raise `RoomFileError` unless OUT is new, empty, or contains results of the same command, which may be replaced.

    kind: of data. marker: file in OUT that identifies such results if there is no index of rooms.
    """
    if out.exists() and not out.is_dir():
        raise RoomFileError(f"{out}: is a file, must be a folder")
    if not out.absolute().parent.is_dir():
        raise RoomFileError(f"{out}: folder {out.absolute().parent} does not exist")
    if (out / INDEX_NAME).is_file():
        found = read_index(out).data
        if found != kind:
            raise RoomFileError(f"{out}: contains rooms made from {found!r}, not {kind!r}; choose another folder")
    elif out.is_dir() and any(out.iterdir()) and not (out / marker).is_file():
        raise RoomFileError(f"{out}: contains other files and no {INDEX_NAME}; choose a new or empty folder")


def check_names(sources: Sequence[RoomSource]) -> None:
    """Raise `RoomFileError` if two sources have the same room name."""
    first: dict[str, str] = {}
    for source in sources:
        if source.name in first:
            raise RoomFileError(f"{first[source.name]} and {source.source} have the same room name {source.name!r}")
        first[source.name] = source.source


Job = TypeVar("Job")
Result = TypeVar("Result")


def parallel_map(function: Callable[[Job], Result], jobs: Sequence[Job], workers: int) -> Iterator[Result]:
    """Yield results as they are ready from `workers` processes; in this process and in order for one worker or job.

    Raises `RoomFileError` if a process was killed.
    """
    if min(workers, len(jobs)) <= 1:
        yield from map(function, jobs)
        return
    spawned = multiprocessing.get_context("spawn")  # threads of progress bar and numba do not survive a fork
    ignore = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the workers
    pool = ProcessPoolExecutor(min(workers, len(jobs)), spawned, initializer=signal.signal, initargs=ignore)
    try:
        for future in as_completed([pool.submit(function, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool:
        raise RoomFileError("a worker process was killed, probably out of memory; try fewer --workers") from None
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare_room(job: tuple[RoomSource, Path, DatasetInfo]) -> PreparationResult:
    source, folder, data = job
    notes: list[str] = []
    try:
        entry = write_room(folder, source.read(notes), data.classes, source.source, data.single_views)
    except RoomFileError as error:
        return PreparationResult(source.name, source.source, None, notes, str(error))
    return PreparationResult(source.name, source.source, entry, notes)
