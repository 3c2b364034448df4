"""`jspnet train --mix`: what a network learns from, as names or folders with their shares."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jspnet_core.classes import S3DIS, ClassTable
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.data.furnish_ahead import Furnishing, furnish_ahead
from jspnet_core.data.furnished import OWN
from jspnet_core.data.generated import FRAMES, generated_rooms
from jspnet_core.data.provenance import FURNISHED_DATA, GENERATED_DATA, DataSource
from jspnet_core.data.rooms import (
    Room,
    are_single_views,
    open_rooms,
    read_split,
    room_classes,
    room_geometry,
    rooms_source,
)
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.training.dataset.room_bounds import check_rooms
from jspnet_core.training.sources import Source
from jspnet_core.util.threads import available_cores

logger = logging.getLogger(__name__)

REAL, GENERATED, FURNISHED = "real", "generated", "furnished"
FRAMES_SHARE = 0.65
"""Of the blocks of furnished rooms, those from frames; the others are from scans."""

GENERATING_SHARE = 0.15
"""Of the time of a run, what generating furnished rooms takes."""

GENERATING_SECONDS = 120.0
"""What it takes where a run has no time."""

UNSEEN_SHARE, GENERATED_ROOMS, VALIDATION_ROOMS = 0.1, 40, 6


@dataclass(frozen=True)
class MixSettings:
    """What the sources of a mix depend on. rooms: the folder `real`. minutes: of the run, or None."""

    rooms: Path | None
    assets: str | None
    minutes: float | None
    generated: int
    seed: int


@dataclass(frozen=True)
class Mixed:
    """Sources to train on, what their data is called in the model file, and what networks they suit."""

    sources: list[Source]
    data: list[DataSource]
    geometry: dict[str, bool | float]

    def rooms_of(self, classes: ClassTable) -> list[Room]:
        """Whole rooms with all the classes of a table: those from which sizes of instances are taken."""
        known = [s.rooms for s in self.sources if s.classes.names == classes.names and not s.single_views]
        return [room for rooms in known for room in rooms]


def parse_mix(text: str) -> dict[str, float]:
    """Shares by source, from `real=0.4,furnished=0.6`; the names are real, generated, furnished, or folders.

    Raises `OptionError`.
    """
    mix: dict[str, float] = {}
    for part in text.split(","):
        name, equals, share = part.strip().rpartition("=")
        try:
            value = float(share) if equals else -1.0
        except ValueError:
            value = -1.0
        if not name or value <= 0.0 or name in mix:
            raise OptionError(
                f"--mix {text}: {part.strip()!r} must be NAME=SHARE, as real=0.4, with a share above 0, each "
                f"name once; names are {REAL}, {GENERATED}, {FURNISHED}, or folders of rooms"
            )
        mix[name] = value
    return mix


@contextmanager
def open_mix(mix: Mapping[str, float], settings: MixSettings) -> Iterator[Mixed]:
    """Open the sources of a mix; rooms that are generated for it are in memory, and gone afterwards.

    Raises `OptionError` for a source that is not there, `RoomFileError` for rooms that cannot train.
    """
    with tempfile.TemporaryDirectory(prefix="jspnet_rooms_", dir=_memory()) as folder:
        mixed = Mixed([], [], {})
        for name, share in mix.items():
            found, data = _open(name, share, settings, Path(folder))
            mixed.sources.extend(found)
            mixed.data.append(data)
        for name in mix:
            if place := _folder(name, settings):
                mixed.geometry.update(_agreed(mixed.geometry, room_geometry(place), place))
        for source in mixed.sources:
            check_rooms(source.rooms, source.classes, source.name, "train")
        if not any(len(source.validation) for source in mixed.sources):
            raise OptionError("--mix: none of the sources has rooms to validate on")
        yield mixed


def open_folder(folder: Path, generated: int) -> Mixed:
    """Open the rooms of one folder, and rooms of the scene generator beside them, as one source."""
    classes = room_classes(folder)
    rooms, validation = (open_rooms(folder, split) for split in ("train", "val"))
    check_rooms(rooms, classes, folder, "train")
    check_rooms(validation, classes, folder, "val")
    data = [rooms_source(folder)]
    if generated:
        if classes.names != S3DIS.names:
            raise OptionError(
                f"--generated: the rooms must have the classes of S3DIS, {folder} has {', '.join(classes.names)}"
            )
        rooms, data = rooms + generated_rooms(generated), [*data, GENERATED_DATA]
    source = Source("rooms", rooms, classes, single_views=are_single_views(folder), validation=validation)
    return Mixed([source], data, room_geometry(folder))


def _folder(name: str, settings: MixSettings) -> Path | None:
    """The folder that a name of a mix stands for, if any."""
    if name == REAL:
        return settings.rooms
    return None if name in (GENERATED, FURNISHED) else Path(name)


def _agreed(before: Mapping[str, bool | float], now: Mapping[str, bool | float], place: Path) -> dict:
    different = [key for key, value in now.items() if before.get(key, value) != value]
    if different:
        raise OptionError(f"--mix: the rooms of {place} suit networks of another {different[0]} than those before")
    return dict(now)


def _open(name: str, share: float, settings: MixSettings, folder: Path) -> tuple[list[Source], DataSource]:
    if name == FURNISHED:
        return _furnished(share, settings, folder / FURNISHED), FURNISHED_DATA
    if name == GENERATED:
        rooms = generated_rooms((settings.generated or GENERATED_ROOMS) + VALIDATION_ROOMS)
        train, held_out = rooms[:-VALIDATION_ROOMS], rooms[-VALIDATION_ROOMS:]
        return [Source(name, train, S3DIS, share, validation=held_out)], GENERATED_DATA
    place = _folder(name, settings)
    if place is None:
        raise OptionError(f"--mix {REAL}=...: name the folder of rooms, as jspnet train ROOMS_DIR --mix ...")
    if not place.is_dir():
        raise OptionError(f"--mix {name}=...: no folder of this name; names are {REAL}, {GENERATED}, {FURNISHED}")
    return [_from_folder(name, place, share)], rooms_source(place)


def _from_folder(name: str, place: Path, share: float) -> Source:
    held_out = open_rooms(place, "val") if "val" in read_split(place) else []
    rooms = open_rooms(place, "train")
    return Source(name, rooms, room_classes(place), share, are_single_views(place), held_out)


def _furnished(share: float, settings: MixSettings, folder: Path) -> list[Source]:
    """Generate rooms for a part of the time, and open them: scans and frames."""
    seconds = GENERATING_SECONDS if settings.minutes is None else 60.0 * settings.minutes * GENERATING_SHARE
    assets = OWN if settings.assets == OWN else str(assets_folder(settings.assets))
    if assets != OWN and not Path(assets).is_dir():
        if settings.assets:
            raise OptionError(f"--assets {settings.assets}: no such folder")
        logger.info("no furniture library in %s: rooms of own shapes alone", assets)
        assets = OWN
    what = Furnishing(assets, seed=settings.seed, unseen=UNSEEN_SHARE)
    scenes = furnish_ahead(folder, what, seconds, available_cores())
    logger.info("generated %d furnished rooms, %d frames of each", scenes, what.frames)
    scans = _from_folder(f"{FURNISHED} rooms", folder, share * (1.0 - FRAMES_SHARE))
    return [scans, _from_folder(f"{FURNISHED} frames", folder / FRAMES, share * FRAMES_SHARE)]


def _memory() -> str | None:
    """A folder in memory where there is one; None: the usual place for temporary files."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
