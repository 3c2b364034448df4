"""A user's own labelled clouds, of any format that `read_cloud` reads, as rooms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room
from jspnet_core.io.clouds import READABLE, read_table
from jspnet_core.io.columns import colours, is_coordinate_or_colour
from jspnet_core.io.conversion import world_coordinates
from jspnet_core.io.npz import NpzExtra

LABEL_FIELDS = ("label", "sem", "semantic", "class", "classification", "scalar_label", "scalar_Label")
INSTANCE_FIELDS = ("instance", "ins", "object", "object_id", "instance_id", "scalar_instance", "scalar_Instance")
_LARGEST = 1000.0  # metres; rooms larger than that are in millimetres


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading labelled clouds.

    labels: class id by label of the files. label_field, instance_field: names; empty: the first common name.
    drop_nan: drop points that are NaN or Inf. ignore_unknown: labels without a class become unlabelled.
    """

    classes: ClassTable
    labels: Mapping[int, int]
    label_field: str = ""
    instance_field: str = ""
    drop_nan: bool = False
    ignore_unknown: bool = False


@dataclass(frozen=True)
class Columns:
    """A file: points (N, 3) float64, colors (N, 3) uint8 or None, other columns (N,), class names by label, notes."""

    points: np.ndarray
    colors: np.ndarray | None
    others: Mapping[str, np.ndarray]
    names: Mapping[int, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class OwnRoom:
    """One labelled cloud, z up, in metres."""

    path: Path
    options: ReadOptions

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def source(self) -> str:
        return self.path.name

    def read(self, notes: list[str]) -> Room:
        """The room. Raises `RoomFileError` for content that no field of `ReadOptions` covers."""
        columns = self._columns()
        notes += [f"{self.path}: {note}" for note in columns.notes if "no colours" not in note]
        label = self._pick(columns, self.options.label_field, LABEL_FIELDS, "label", "label-field")
        instance = self._pick(columns, self.options.instance_field, INSTANCE_FIELDS, "instance", "instance-field")
        points, colors = columns.points, columns.colors
        finite = np.isfinite(points).all(axis=1)
        if not finite.all():
            lost = f"{np.count_nonzero(~finite)} of {len(points)} points are NaN or Inf"
            if not self.options.drop_nan:
                raise RoomFileError(f"{self.path}: {lost}; --drop-nan leaves them out")
            notes.append(f"{self.path}: {lost}, left out")
            points, label, instance = points[finite], label[finite], instance[finite]
            colors = None if colors is None else colors[finite]
        if len(points) and np.ptp(points, axis=0).max() > _LARGEST:
            raise RoomFileError(f"{self.path}: {np.ptp(points, axis=0).max():.0f} m wide; coordinates must be metres")
        if colors is None:
            notes.append(f"{self.path}: no colours, read as black; train with --set color_drop=1")
            colors = np.zeros((len(points), 3), np.uint8)
        known, unknown = self._to_classes(label, columns.names)
        notes += unknown
        return Room(self.name, points, colors, known, self._ids(instance))

    def _columns(self) -> Columns:
        try:
            table = read_table(self.path)
            points = world_coordinates(table).astype(np.float64)
        except ValueError as error:
            raise RoomFileError(f"{self.path}: {str(error).removeprefix(f'{self.path}: ')}") from None
        colors, notes = colours(table.columns)
        aside = table.extra.aside if isinstance(table.extra, NpzExtra) else {}
        others = {
            name: values
            for name, values in {**table.columns, **aside}.items()
            if values.ndim == 1 and values.dtype.kind in "uif" and not is_coordinate_or_colour(name)
        }
        return Columns(points, colors, others, table.class_names, (*table.notes, *notes))

    def _pick(self, columns: Columns, wanted: str, common: Sequence[str], what: str, option: str) -> np.ndarray:
        """The labels, or instances, of a file: (N,) int64."""
        names = [wanted] if wanted else [name for name in common if name in columns.others]
        if not names or names[0] not in columns.others:
            there = ", ".join(columns.others) or "nothing besides coordinates and colours"
            missing = repr(wanted) if wanted else f"{what} of any common name"
            raise RoomFileError(f"{self.path}: no {missing}; there is {there}; --{option} names the right one")
        values = columns.others[names[0]]
        if len(values) != len(columns.points):
            raise RoomFileError(f"{self.path}: {len(values)} values of {names[0]!r} for {len(columns.points)} points")
        if values.dtype.kind == "f":
            values = np.where(np.isnan(values), -1.0, values)  # of no class, of no object
        whole = values.astype(np.int64) if values.dtype.kind in "ui" else np.rint(values)
        if values.dtype.kind not in "uif" or (whole != values).any():
            raise RoomFileError(f"{self.path}: {names[0]!r} must be whole numbers")
        return whole.astype(np.int64)

    def _to_classes(self, label: np.ndarray, names: Mapping[int, str]) -> tuple[np.ndarray, list[str]]:
        """Class ids (N,) uint8 of a file's labels (N,), 255 for those without, and a note where some are unknown."""
        table = self.options.classes
        known = np.full(len(label), UNLABELLED, np.uint8)
        for value in np.unique(label):
            own = self.options.labels.get(int(value))
            if own is not None and names.get(int(value), table.names[own]) != table.names[own]:
                raise RoomFileError(
                    f"{self.path}: in the file label {value} is {names[int(value)]!r}, "
                    f"in --classes {table.names[own]!r}"
                )
            if own is not None:
                known[label == value] = own
        missing = np.setdiff1d(label, [*self.options.labels, UNLABELLED])
        if not len(missing):
            return known, []
        which = f"labels {', '.join(map(str, missing[:8].tolist()))}{' ...' if len(missing) > 8 else ''}"
        if not self.options.ignore_unknown:
            raise RoomFileError(
                f"{self.path}: {which} of no class; --classes names {len(table)}, 255 is 'unknown', "
                "--ignore-unknown reads all others so"
            )
        count = np.count_nonzero(np.isin(label, missing))
        return known, [f"{self.path}: {count} points with {which} of no class, read as unknown"]

    def _ids(self, instance: np.ndarray) -> np.ndarray:
        """(N,) int32; ids that do not fit, or are negative, are renumbered in their order."""
        if len(instance) and (instance.min() < 0 or instance.max() > np.iinfo(np.int32).max):
            instance = np.unique(instance, return_inverse=True)[1]
        return instance.astype(np.int32)


def find_own_rooms(inputs: Sequence[Path], options: ReadOptions) -> list[OwnRoom]:
    """Return the named files and those in the named folders. Raises `RoomFileError` for one that is not there."""
    rooms = []
    for path in inputs:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in READABLE)
            if not inside:
                raise RoomFileError(f"{path}: no {' or '.join(READABLE)} files in this folder")
            rooms += [OwnRoom(file, options) for file in inside]
        elif not path.is_file():
            raise RoomFileError(f"{path}: no such file")
        elif path.suffix.lower() not in READABLE:
            raise RoomFileError(f"{path}: rooms are read from {' and '.join(READABLE)} files")
        else:
            rooms.append(OwnRoom(path, options))
    return rooms
