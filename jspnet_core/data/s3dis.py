"""Reader of the S3DIS text files: Stanford3dDataset_v1.2_Aligned_Version/Area_A/ROOM/Annotations/CLASS_N.txt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.classes import S3DIS
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room
from jspnet_core.data.text_table import read_table

OTHER = "clutter"
"""Class of annotations with a name that is not among the 13, as `stairs`."""

_COPY = re.compile(r"(?:[ _]?\(\d+\)|[ _-]+copy(?:[ _]?\(?\d+\)?)?|^copy of )+$|^copy of ", re.IGNORECASE)
"""What file managers add to the name of a copy."""


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
        files, ignored = annotation_files(self.folder)
        notes += [f"{self.source}/Annotations/{name}" for name in ignored]
        for path in files:
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


def annotation_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Find the annotation files of a room's folder, sorted: their order numbers the instances.

    Copies of a file, as file managers name them or byte by byte, are left out. Returns the files, and a note for
    each other file of the folder.
    """
    inside = sorted(path for path in (folder / "Annotations").iterdir() if path.is_file() and path.name[0] != ".")
    files = [path for path in inside if path.suffix.lower() == ".txt"]
    ignored = [f"{path.name}: not a .txt file, left out" for path in inside if path not in files]
    names = {path.stem.lower() for path in files}
    kept: list[Path] = []
    for path in files:
        original = _COPY.sub("", path.stem.lower())
        twin = next((one for one in kept if one.stat().st_size == path.stat().st_size and _same(one, path)), None)
        if original != path.stem.lower() and original in names:
            ignored.append(f"{path.name}: a copy of {original}.txt by its name, left out")
        elif twin is not None and path.stat().st_size:
            ignored.append(f"{path.name}: the same bytes as {twin.name}, left out")
        else:
            kept.append(path)
    return kept, ignored


def _same(first: Path, second: Path) -> bool:
    return first.read_bytes() == second.read_bytes()


def _class_of(stem: str) -> tuple[int, str]:
    """Return the class id of CLASS_N, and CLASS if it is not among the 13."""
    name = stem.rpartition("_")[0] or stem
    if name in S3DIS.names:
        return S3DIS.names.index(name), ""
    return S3DIS.names.index(OTHER), name
