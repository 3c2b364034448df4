"""Saved maps: one npz file with voxels, objects and the class table."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.io.atomic import replacing
from jspnet_core.memory.listing import list_objects
from jspnet_core.memory.map_object import MapObject
from jspnet_core.memory.settings import MemorySettings
from jspnet_core.memory.tracks import Track, Tracks
from jspnet_core.memory.voxel_map import VoxelMap

FORMAT, VERSION = "jspnet map", 1
_ARRAYS = ("cell", "votes", "color", "object", "hold", "stamp")


class MapFileError(JspnetError):
    """A map file that cannot be read or written; names the file and what is accepted."""


class SavedMap(NamedTuple):
    """voxels, tracks: as they were saved. floors: estimates of the floor's height, metres."""

    voxels: VoxelMap
    tracks: Tracks
    floors: list[float]


def save(path: Path, voxels: VoxelMap, tracks: Tracks, classes: ClassTable, floors: list[float]) -> None:
    """Write a map atomically. Raises `MapFileError`."""
    slots = voxels.occupied()
    head = {
        "format": FORMAT,
        "version": VERSION,
        "classes": classes.to_dict(),
        "voxel_size": voxels.settings.voxel_size,
        "origin": [0.0, 0.0, 0.0] if voxels.origin is None else voxels.origin.tolist(),
        "floors": floors,
        "next_id": tracks.next_id,
        "objects": {str(i): [t.weight.tolist(), t.first_seen, t.last_seen, t.views] for i, t in tracks.tracks.items()},
    }
    arrays = (
        voxels.key[slots], voxels.votes[slots], voxels.color[slots], voxels.object[slots], voxels.hold[slots],
        voxels.stamp[slots],
    )  # fmt: skip
    try:
        with replacing(path) as file:
            np.savez_compressed(file, head=np.array(json.dumps(head)), **dict(zip(_ARRAYS, arrays, strict=True)))
    except OSError as error:
        raise MapFileError(f"{path}: the map was not saved: {error.strerror or error}") from error


def load(path: Path, classes: ClassTable, settings: MemorySettings) -> SavedMap:
    """Read a map. Raises `MapFileError` for a missing, truncated or foreign file, or another class table."""
    head, arrays = _read(path)
    saved = ClassTable.from_dict(head["classes"])
    if saved.names != classes.names:
        raise MapFileError(
            f"{path}: a map of the classes {', '.join(saved.names)}; the model has {', '.join(classes.names)}"
        )
    if head["voxel_size"] != settings.voxel_size:
        raise MapFileError(
            f"{path}: voxels of {head['voxel_size']} m, set voxel_size to that (found {settings.voxel_size})"
        )
    count = len(arrays["cell"])
    if count > settings.max_voxels:
        raise MapFileError(f"{path}: {count} voxels, more than max_voxels ({settings.max_voxels})")
    return _restored(head, arrays, settings)


def load_objects(path: Path, things_only: bool = True) -> tuple[list[MapObject], ClassTable]:
    """Objects of a saved map and the class table of their labels, without a model. Raises `MapFileError`."""
    head, arrays = _read(path)
    classes = ClassTable.from_dict(head["classes"])
    settings = MemorySettings(voxel_size=head["voxel_size"], max_voxels=max(1000, len(arrays["cell"])))
    saved = _restored(head, arrays, settings)
    return list_objects(saved.voxels, saved.tracks, classes, settings, things_only), classes


def _restored(head: dict, arrays: dict[str, np.ndarray], settings: MemorySettings) -> SavedMap:
    count, classes = len(arrays["cell"]), len(head["classes"]["names"])
    voxels = VoxelMap(classes, settings)
    voxels.restore(np.array(head["origin"]) if count else None, *(arrays[name] for name in _ARRAYS))
    tracks = Tracks(classes, settings, next_id=int(head["next_id"]))
    for name, (weight, first, last, views) in head["objects"].items():
        tracks.tracks[int(name)] = Track(np.array(weight), float(first), float(last), int(views))
    return SavedMap(voxels, tracks, [float(f) for f in head["floors"]])


def _read(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            if "head" not in file.files:
                raise MapFileError(f"{path}: an npz file, but no map: maps are written by save_map")
            head = json.loads(str(file["head"]))
            if head.get("format") != FORMAT or head.get("version") != VERSION:
                found = f"{head.get('format')} {head.get('version')}"
                raise MapFileError(f"{path}: holds '{found}', accepted is '{FORMAT} {VERSION}'")
            arrays = {name: file[name] for name in _ARRAYS}
    except MapFileError:
        raise
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, EOFError) as error:
        raise MapFileError(f"{path}: not a readable map file (.npz): {error}") from error
    _check(path, head, arrays)
    return head, arrays


def _check(path: Path, head: dict, arrays: dict[str, np.ndarray]) -> None:
    count, classes = len(arrays["cell"]), len(head["classes"]["names"])
    shapes = {"cell": (count,), "votes": (count, classes), "color": (count, 3)}
    for name, array in arrays.items():
        wanted = shapes.get(name, (count,))
        if array.shape != wanted:
            raise MapFileError(f"{path}: {name} has shape {array.shape}, must be {wanted}")
    if count and (arrays["cell"].min() < 0 or len(np.unique(arrays["cell"])) != count):
        raise MapFileError(f"{path}: voxels stand in it twice or have no place")
