"""Reader of ScanNet scenes exported by mmdetection3d: SCENE_vert.npy, SCENE_sem_label.npy and SCENE_ins_label.npy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from jspnet_core.classes import S3DIS, UNLABELLED, ClassTable
from jspnet_core.data.class_tables import make_table
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room

NYU40 = make_table(
    (
        "wall",
        "floor",
        "cabinet",
        "bed",
        "chair",
        "sofa",
        "table",
        "door",
        "window",
        "bookshelf",
        "picture",
        "counter",
        "blinds",
        "desk",
        "shelves",
        "curtain",
        "dresser",
        "pillow",
        "mirror",
        "floor mat",
        "clothes",
        "ceiling",
        "books",
        "refrigerator",
        "television",
        "paper",
        "towel",
        "shower curtain",
        "box",
        "whiteboard",
        "person",
        "night stand",
        "toilet",
        "sink",
        "lamp",
        "bathtub",
        "bag",
        "other structure",
        "other furniture",
        "other prop",
    )
)
"""The 40 classes of NYU Depth v2; ids in the files start at 1."""

_AS_S3DIS = {
    "wall": "wall",
    "floor": "floor",
    "ceiling": "ceiling",
    "chair": "chair",
    "sofa": "sofa",
    "table": "table",
    "desk": "table",
    "door": "door",
    "window": "window",
    "blinds": "window",
    "bookshelf": "bookcase",
    "shelves": "bookcase",
    "cabinet": "bookcase",
    "whiteboard": "board",
}
"""Classes of S3DIS; all others become clutter. S3DIS labels cabinets as bookcases."""

_SUFFIXES = ("", "_all")  # the second: without the selection of 18 classes


@dataclass(frozen=True)
class ScannetScene:
    """One scene. stem: path of its files before _vert; suffix: text after _vert."""

    stem: Path
    suffix: str
    classes: Literal["s3dis", "nyu40"]
    ignore_unknown: bool = False

    @property
    def name(self) -> str:
        return self.stem.name

    @property
    def source(self) -> str:
        return f"{self.stem.name}_vert{self.suffix}.npy"

    def read(self, notes: list[str]) -> Room:
        """Read the vertices of the mesh. Unannotated ones have instance 0 and no class. Raises `RoomFileError`."""
        vertices = self._load("vert", None)
        nyu = self._load("sem_label", len(vertices))
        instance = self._load("ins_label", len(vertices))
        outside = (nyu < 0) | (nyu > len(NYU40))
        if outside.any() and not self.ignore_unknown:
            raise RoomFileError(
                f"{self._path('sem_label')}: contains {nyu.min()} to {nyu.max()}, accepted are 0 to 40; "
                "--ignore-unknown reads all others as not annotated"
            )
        if outside.any():
            notes.append(f"{self.source}: {np.count_nonzero(outside)} points with labels outside 0 to 40")
            nyu = np.where(outside, 0, nyu)
        label = _LOOK_UP[self.classes][nyu]
        unknown = np.count_nonzero(label == UNLABELLED)
        if unknown:
            notes.append(f"{self.source}: {unknown} of {len(label)} points are not annotated")
        colors = vertices[:, 3:6].clip(0, 255).astype(np.uint8)
        return Room(self.name, vertices[:, :3].astype(np.float64), colors, label, instance.astype(np.int32))

    def _path(self, what: str) -> Path:
        return self.stem.with_name(f"{self.stem.name}_{what}{self.suffix}.npy")

    def _load(self, what: str, count: int | None) -> np.ndarray:
        """Load vert: (N, 6) or wider, x y z metres, red green blue 0 to 255, or another array: (N,) integers."""
        path = self._path(what)
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RoomFileError(f"{path}: cannot be read ({error})") from None
        if count is None:
            fits, wanted = array.ndim == 2 and array.shape[1] >= 6 and array.dtype.kind == "f", "(N, 6) float"
        else:
            if array.dtype.kind == "f" and not (array % 1 > 0).any():  # NaN is no label
                array = np.where(np.isfinite(array), array, -1.0).astype(np.int64)
            fits, wanted = array.shape == (count,) and array.dtype.kind in "ui", f"({count},) integer"
        if not fits:
            raise RoomFileError(f"{path}: is {array.shape} {array.dtype}, must be {wanted}")
        return array


def find_scenes(root: Path, classes: Literal["s3dis", "nyu40"], ignore_unknown: bool = False) -> list[ScannetScene]:
    """Find all scenes in ROOT, sorted. ignore_unknown: labels outside NYU40 become unannotated.

    Raises `RoomFileError` without any.
    """
    scenes = []
    for suffix in _SUFFIXES:
        end = f"_vert{suffix}.npy"
        stems = [path.with_name(path.name.removesuffix(end)) for path in root.glob(f"*{end}")]
        scenes += [ScannetScene(stem, suffix, classes, ignore_unknown) for stem in stems]
    if not scenes:
        raise RoomFileError(f"{root}: no *_vert.npy or *_vert_all.npy in this folder")
    return sorted(scenes, key=lambda scene: scene.name)


def class_table(classes: Literal["s3dis", "nyu40"]) -> ClassTable:
    return S3DIS if classes == "s3dis" else NYU40


def _look_up() -> dict[str, np.ndarray]:
    """Return label by id of NYU40, 0 to 40: (41,) uint8 for each class table."""
    as_s3dis = [S3DIS.names.index(_AS_S3DIS.get(name, "clutter")) for name in NYU40.names]
    return {
        "s3dis": np.array([UNLABELLED, *as_s3dis], np.uint8),
        "nyu40": np.array([UNLABELLED, *range(len(NYU40))], np.uint8),
    }


_LOOK_UP = _look_up()
