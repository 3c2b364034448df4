"""Objects of a map: the voxels of each id, described."""

from __future__ import annotations

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.memory.map_object import MapObject, oriented_box
from jspnet_core.memory.settings import MemorySettings
from jspnet_core.memory.tracks import Track, Tracks
from jspnet_core.memory.voxel_map import VoxelMap


def list_objects(
    voxels: VoxelMap, tracks: Tracks, classes: ClassTable, settings: MemorySettings, things_only: bool = True
) -> list[MapObject]:
    """Objects of a map that are large enough and were seen often enough, by id. things_only: without structure."""
    slots = voxels.occupied()
    owner = voxels.object[slots]
    slots, owner = slots[owner > 0], owner[owner > 0]
    if not len(slots):
        return []
    order = np.argsort(owner, kind="stable")
    ids, first = np.unique(owner[order], return_index=True)
    found = []
    for object_id, own in zip(ids.tolist(), np.split(slots[order], first[1:]), strict=True):
        track = tracks.tracks.get(object_id)
        if track is None or track.views < settings.min_object_views or len(own) < settings.min_object_voxels:
            continue
        item = _describe(voxels, object_id, track, own)
        if not things_only or classes.is_thing(item.label):
            found.append(item)
    return found


def _describe(voxels: VoxelMap, object_id: int, track: Track, slots: np.ndarray) -> MapObject:
    votes = voxels.votes[slots].sum(axis=0, dtype=np.float64) + 1e-9
    probabilities = (votes / votes.sum()).astype(np.float32)
    label = int(probabilities.argmax())
    own, _ = voxels.settled(slots)
    agreeing = own == label
    points = voxels.centers(slots[agreeing] if agreeing.mean() >= 0.5 else slots)
    edge = voxels.settings.voxel_size
    center, size, yaw = oriented_box(points, edge)
    return MapObject(
        object_id, label, probabilities, float(probabilities[label]), len(points), points.mean(axis=0),
        points.min(axis=0) - 0.5 * edge, points.max(axis=0) + 0.5 * edge, center, size, yaw, track.first_seen,
        track.last_seen, track.views,
    )  # fmt: skip
