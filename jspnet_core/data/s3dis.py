"""Reader of the S3DIS text files: Stanford3dDataset_v1.2_Aligned_Version/Area_A/ROOM/Annotations/CLASS_N.txt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import S3DIS
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room
from jspnet_core.data.text_table import read_table

OTHER = "clutter"
"""Class of annotations with a name that is not among the 13, as `stairs`."""


@dataclass(frozen=True)
class S3disRoom:
    """One room: a folder that contains Annotations/."""

    root: Path
    folder: Path

    @property
    def name(self) -> str:
        return f"{self.folder.parent.name}_{self.folder.name}"

    @property
    def source(self) -> str:
        return self.folder.relative_to(self.root).as_posix()

    def read(self, notes: list[str]) -> Room:
        """Read the annotation files, one instance each, numbered from 1 in the order of names (paper, section 4.1).

        The room's text file beside Annotations contains the same points without labels and is not read.
        Raises `RoomFileError` if no annotation contains a point.
        """
        tables, labels = [], []
        for path in annotation_files(self.folder):
            table, problems = read_table(path, columns=6, shown=f"{self.source}/Annotations/{path.name}")
            label, unknown = _class_of(path.stem)
            notes += problems
            if unknown:
                notes.append(f"{self.source}/Annotations/{path.name}: {unknown!r} is not a class, read as {OTHER}")
            if not len(table):
                notes.append(f"{self.source}/Annotations/{path.name}: no points, left out")
                continue
            tables.append(table)
            labels.append(label)
        if not tables:
            raise RoomFileError(f"{self.source}: no points in any of its annotations")
        sizes = [len(table) for table in tables]
        table = np.concatenate(tables)
        colors, odd = table[:, 3:], np.count_nonzero((table[:, 3:] < 0) | (table[:, 3:] > 255))
        if odd:
            notes.append(f"{self.source}: {odd} colour values outside 0 to 255, clipped")
        return Room(
            name=self.name,
            points=table[:, :3],
            colors=np.clip(colors, 0, 255).astype(np.uint8),
            label=np.repeat(np.array(labels, np.uint8), sizes),
            instance=np.repeat(np.arange(1, len(sizes) + 1, dtype=np.int32), sizes),
        )


def find_rooms(root: Path) -> list[S3disRoom]:
    """Find all rooms under ROOT, the folder that contains Area_1 to Area_6 or some of them, sorted.

    Raises `RoomFileError` without any.
    """
    folders = sorted(path.parent for path in root.glob("Area_*/*/Annotations") if path.is_dir())
    if not folders:
        raise RoomFileError(
            f"{root}: no Area_*/ROOM/Annotations in this folder; ROOT must contain Area_1 or another area"
        )
    return [S3disRoom(root, folder) for folder in folders]


def annotation_files(folder: Path) -> Iterator[Path]:
    """Yield the annotation files of a room's folder, sorted: their order numbers the instances."""
    yield from sorted(path for path in (folder / "Annotations").glob("*.txt") if not path.name.startswith("."))


def _class_of(stem: str) -> tuple[int, str]:
    """Return the class id of CLASS_N, and CLASS if it is not among the 13."""
    name = stem.rpartition("_")[0] or stem
    if name in S3DIS.names:
        return S3DIS.names.index(name), ""
    return S3DIS.names.index(OTHER), name
