"""A cloud in memory: points and colours for the network, and the table of its file for writing it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from jspnet_core.errors import JspnetError


class CloudFileError(JspnetError):
    """A cloud file that cannot be read or written: one sentence naming the file, what was found, what is accepted."""


@dataclass(frozen=True)
class Table:
    """Points of a file with all its columns, in its order and units.

    columns: arrays with N rows by name, of the file's dtypes; (N,), or (N, K) for K values per point.
    format: name of the file's format: ply, pcd, las, e57, npz, npy or text.
    notes: sentences about what was converted, assumed or left out.
    shape: (H, W) of an organised cloud, else (N,).
    T_world_input: (4, 4) float64, pose of the sensor as the file states it; None where it states none.
    extra: what the format's own writer needs besides the columns, such as a header.
    class_names: names of the labels 0, 1, ... where the file states them.
    """

    columns: Mapping[str, np.ndarray]
    format: str = ""
    notes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    T_world_input: np.ndarray | None = None
    extra: object = None
    class_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cloud:
    """A cloud, in the order of its file.

    points: (N, 3) float32, metres, less `offset`, any frame; NaN or Inf where there was no return.
    colors: (N, 3) uint8, red green blue; None where the file has none.
    offset: (3,) float64, metres: subtracted from the file's coordinates, which float32 cannot hold.
    notes: sentences about what was converted, assumed or left out on reading.
    table: the file's columns, None for a cloud that comes from no file.
    """

    points: np.ndarray
    colors: np.ndarray | None
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))
    notes: tuple[str, ...] = ()
    table: Table | None = None

    def __len__(self) -> int:
        return len(self.points)
