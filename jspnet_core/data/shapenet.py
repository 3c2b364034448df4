"""Reader of ShapeNet part: one text file per shape with x y z, normal and part; no instances."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree
from sklearn.cluster import DBSCAN

from jspnet_core.data.class_tables import make_table
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room
from jspnet_core.data.text_table import read_table

PART_COUNTS = {
    "airplane": 4,
    "bag": 2,
    "cap": 2,
    "car": 4,
    "chair": 4,
    "earphone": 3,
    "guitar": 3,
    "knife": 2,
    "lamp": 4,
    "laptop": 2,
    "motorbike": 6,
    "mug": 2,
    "pistol": 3,
    "rocket": 3,
    "skateboard": 3,
    "table": 3,
}
"""Parts of each category, in the order of the label: airplane 0 to 3, bag 4 and 5, ..., table 47 to 49."""

PARTS = make_table([f"{category}_{i}" for category, parts in PART_COUNTS.items() for i in range(parts)])
"""The 50 parts. The data set numbers them without names."""

BLOCK_SIZE = 4.0
"""Metres. A block around any point of a shape in the unit sphere contains the whole shape."""


@dataclass(frozen=True)
class Shape:
    """One shape.

    points: drawn at random, 2048 in the paper; 0 for all.
    eps, min_samples: of DBSCAN, for a shape scaled to the unit sphere.
    """

    root: Path
    path: Path
    points: int
    eps: float
    min_samples: int

    @property
    def name(self) -> str:
        """Path without suffix: files of different categories may have the same name."""
        return "_".join(self.path.relative_to(self.root).with_suffix("").parts)

    @property
    def source(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    def read(self, notes: list[str]) -> Room:
        """Read a shape, scaled to the unit sphere, z up (y up in the files), without colour. Raises `RoomFileError`."""
        table, problems = read_table(self.path, columns=7, shown=self.source)
        notes += problems
        if not len(table):
            raise RoomFileError(f"{self.source}: no line of 7 numbers, x y z nx ny nz part")
        part = table[:, 6]
        if (part != np.floor(part)).any() or part.min() < 0 or part.max() >= len(PARTS):
            raise RoomFileError(f"{self.source}: parts are {part.min():g} to {part.max():g}; accepted are 0 to 49")
        points = to_unit_sphere(table[:, [0, 2, 1]] * [1.0, -1.0, 1.0])
        label = part.astype(np.uint8)
        instance = part_instances(points, label, self.eps, self.min_samples)
        seed = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:8], "big")
        keep = np.random.default_rng(seed).permutation(len(points))[: self.points or None]
        colors = np.zeros((len(keep), 3), np.uint8)
        return Room(self.name, points[keep], colors, label[keep], instance[keep])


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Centre points (N, 3) at their mean and scale them to a largest norm of 1, as in PointNet."""
    centered = points - points.mean(axis=0)
    return centered / max(float(np.linalg.norm(centered, axis=1).max()), 1e-9)


def part_instances(points: np.ndarray, label: np.ndarray, eps: float, min_samples: int) -> np.ndarray:
    """Compute instances as DBSCAN clusters of each part's points, numbered from 1 (paper, section 4.1).

    Noise points join the nearest cluster of their part; a part without clusters is one instance.
    points: (N, 3), label: (N,) uint8. Returns (N,) int32. The paper does not give eps and min_samples; the defaults are
    those of this project.
    """
    instance = np.zeros(len(points), np.int32)
    for part in np.unique(label):
        own = np.flatnonzero(label == part)
        cluster = DBSCAN(eps=eps, min_samples=min_samples).fit_predict(points[own])
        noise = cluster < 0
        if noise.all():
            cluster[:] = 0
        elif noise.any():
            nearest = cKDTree(points[own[~noise]]).query(points[own[noise]])[1]
            cluster[noise] = cluster[~noise][nearest]
        instance[own] = instance.max() + 1 + cluster
    return instance


def find_shapes(root: Path, points: int, eps: float, min_samples: int) -> list[Shape]:
    """Find all shape files under ROOT, sorted. Raises `RoomFileError` without any."""
    paths = sorted(path for path in root.rglob("*.txt") if path.name != "synsetoffset2category.txt")
    if not paths:
        raise RoomFileError(f"{root}: no .txt files in this folder")
    return [Shape(root, path, points, eps, min_samples) for path in paths]
