"""Reader of the public S3DIS block files of ASIS, JSNet and JSPNet: ROOM.h5 with data, seglabel and pid.

Blocks overlap and contain 4096 points each, drawn with replacement: only points that were drawn at least once can be
read, about half of them in small rooms. Coordinates are recovered to the millimetre of the data set: x and y of a block
are relative to a corner that is not stored, but also stored as a share of the room's extent; the ratio is the extent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.rooms import Room

_KEYS = {"data": 9, "seglabel": None, "pid": None}
_MAX_RESIDUAL = 0.002  # metres; blocks that do not fit one room extent are of another format
_WRAPPED = 255  # the public files store ids as uint8


@dataclass(frozen=True)
class S3disH5Room:
    """One block file."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def source(self) -> str:
        return self.path.name

    def read(self, notes: list[str]) -> Room:
        """Read the points of the room, each once. Raises `RoomFileError`."""
        arrays = self._arrays()
        data = arrays["data"].astype(np.float64)  # (B, N, 9)
        extent = np.array([self._extent(data[..., axis], data[..., 6 + axis]) for axis in range(3)])
        millimetres = np.rint(1000.0 * data[..., 6:] * extent).astype(np.int64).reshape(-1, 3)
        _, first = np.unique(millimetres, axis=0, return_index=True)
        drawn = len(millimetres)
        room = Room(
            name=self.name,
            points=millimetres[first] / 1000.0,
            colors=np.rint(255.0 * data[..., 3:6]).clip(0, 255).astype(np.uint8).reshape(-1, 3)[first],
            label=arrays["seglabel"].reshape(-1)[first].clip(0, 255).astype(np.uint8),
            instance=arrays["pid"].reshape(-1)[first].astype(np.int32),
        )
        notes.append(f"{self.source}: {len(room)} different points among the {drawn} of {len(data)} blocks")
        if room.instance.max() == _WRAPPED:
            notes.append(f"{self.source}: instance ids reach 255; higher ids are not stored in the file")
        return room

    def _arrays(self) -> dict[str, np.ndarray]:
        try:
            with h5py.File(self.path, "r") as file:
                arrays = {key: file[key][()] for key in _KEYS if isinstance(file.get(key), h5py.Dataset)}
        except OSError as error:
            raise RoomFileError(f"{self.path}: not an h5 file, or damaged ({error})") from None
        missing = _KEYS.keys() - arrays.keys()
        if missing:
            raise RoomFileError(
                f"{self.path}: no {', '.join(sorted(missing))}; a block file has data, seglabel and pid"
            )
        shape = arrays["data"].shape
        for key, width in _KEYS.items():
            expected = (*shape[:2], width) if width else shape[:2]
            if arrays[key].shape != expected or 0 in shape:
                raise RoomFileError(f"{self.path}: {key!r} is {arrays[key].shape}, must be (B, N, 9) and twice (B, N)")
        if not np.isfinite(arrays["data"]).all():
            raise RoomFileError(f"{self.path}: 'data' holds NaN or Inf")
        return arrays

    def _extent(self, local: np.ndarray, share: np.ndarray) -> float:
        """Fit the room's extent along an axis, metres: (B, N) coordinates in blocks over (B, N) shares of the room."""
        local = local - local.mean(axis=1, keepdims=True)
        share = share - share.mean(axis=1, keepdims=True)
        extent = float((local * share).sum() / max((share * share).sum(), 1e-12))
        if np.abs(local - extent * share).max() > _MAX_RESIDUAL:
            raise RoomFileError(
                f"{self.path}: its blocks do not fit together; channels 6 to 8 must be shares of a room"
            )
        return extent


def find_h5_rooms(root: Path) -> list[S3disH5Room]:
    """Find all block files in ROOT, sorted. Raises `RoomFileError` without any."""
    paths = sorted(root.glob("*.h5"))
    if not paths:
        raise RoomFileError(f"{root}: no .h5 files in this folder")
    return [S3disH5Room(path) for path in paths]
