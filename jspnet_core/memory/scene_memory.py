"""Scene memory: a voxel map that fuses the labels of frames, and objects with lasting ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.memory import storage
from jspnet_core.memory import voxel_kernels as kernels
from jspnet_core.memory.listing import list_objects
from jspnet_core.memory.map_object import MapObject
from jspnet_core.memory.settings import MemorySettings
from jspnet_core.memory.tracks import SeenInstance, Tracks
from jspnet_core.memory.voxel_map import Seen, VoxelMap
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.pipeline.labels_to_points import summarize_instances
from jspnet_core.pipeline.objects import rate_objects
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Instance, Segmentation
from jspnet_core.spatial.transforms import transform_points
from jspnet_core.util.stage_timer import StageTimer

_FLOORS = 31  # estimates of the floor's height, of which the median is taken
_RIGID = 1e-3  # deviation from a rotation that a pose may have


class PoseError(JspnetError):
    """A pose that cannot be used; the frame is refused, the memory stays as it was. reason: a slug for counting."""

    reason = "bad_pose"


class MapCloud(NamedTuple):
    """The map as a cloud.

    points: (M, 3) float64, metres, map frame, voxel centres. colors: (M, 3) uint8. label: (M,) uint8. confidence: (M,)
    float32. instance: (M,) uint32, object ids, 0 for none.
    """

    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    instance: np.ndarray


class SceneMemory:
    """A segmenter with memory. Not for several threads at once.

    segmenter: labels single frames; see `load_segmenter`. The map frame's z axis points up (`up_axis_known`); the
    floor's height is estimated from the frames.
    """

    def __init__(self, segmenter: Segmenter, settings: MemorySettings | None = None):
        self.segmenter = segmenter
        self.settings = settings or MemorySettings()
        self.classes: ClassTable = segmenter.classes
        self._map = VoxelMap(len(self.classes), self.settings)
        self.clear()

    def __len__(self) -> int:
        """Voxels in the map."""
        return len(self._map)

    @property
    def nbytes(self) -> int:
        """Bytes of the map."""
        return self._map.nbytes

    def clear(self) -> None:
        """Reset the map and all objects; ids start again at 1."""
        self._map.clear()
        self._tracks = Tracks(len(self.classes), self.settings)
        self._floors: deque[float] = deque(maxlen=_FLOORS)
        self._frame = 0
        self._last_pose: tuple[np.ndarray, float] | None = None
        self.jumps = 0
        """Jumps of the pose that were noticed."""

    def add(
        self, points: np.ndarray, colors: np.ndarray | None, T_map_sensor: np.ndarray, stamp: float
    ) -> Segmentation:
        """Label a frame by the votes of this and earlier frames.

        points: (N, 3) float32, metres, sensor frame. colors: (N, 3) uint8, or None. T_map_sensor: (4, 4), rigid.
        stamp: seconds; may go back, as in a bag that loops. Instance ids of the result are those of `objects`.
        Raises `PoseError` for a pose that is not finite or not rigid, `CloudError` as `Segmenter.segment` does.
        """
        T = check_pose(T_map_sensor)
        found = self.segmenter.segment(points, colors, T_gravity_input=self._gravity(points, T))
        timer = StageTimer()
        with timer.stage("memory"):
            self._notice_jump(T, stamp)
            settled = self._remember(points, colors, found, T, stamp)
        return replace(settled, timings_ms={**found.timings_ms, **timer.milliseconds})

    def objects(self, things_only: bool = True) -> list[MapObject]:
        """Objects of the map, by id. things_only: without structure such as walls."""
        return list_objects(self._map, self._tracks, self.classes, self.settings, things_only)

    def first_seen(self) -> dict[int, float]:
        """Stamp of the first view of each object, in seconds, by id."""
        return {object_id: track.first_seen for object_id, track in self._tracks.tracks.items()}

    def cloud(self) -> MapCloud:
        """The labelled map."""
        slots = self._map.occupied()
        label, confidence = self._map.settled(slots)
        owner = self._map.object[slots].astype(np.uint32)
        return MapCloud(self._map.centers(slots), self._map.color[slots], label, confidence, owner)

    def save(self, path: Path | str) -> None:
        """Write the map and its objects to one npz file, atomically. Raises `MapFileError`."""
        storage.save(Path(path), self._map, self._tracks, self.classes, list(self._floors))

    def load(self, path: Path | str) -> None:
        """Replace the memory by a saved one. Raises `MapFileError`; the memory then stays as it was."""
        loaded = storage.load(Path(path), self.classes, self.settings)
        self.clear()
        self._map, self._tracks = loaded.voxels, loaded.tracks
        self._floors.extend(loaded.floors)
        self._frame = int(self._map.stamp.max(initial=0.0)) + 1

    def _gravity(self, points: np.ndarray, T_map_sensor: np.ndarray) -> np.ndarray | None:
        """Transform from the sensor to the gravity frame: the map's, at the height of its floor."""
        if not self.settings.up_axis_known:
            return None
        level = T_map_sensor.copy()
        level[:3, 3] = [0.0, 0.0, T_map_sensor[2, 3]]
        if points.ndim == 2 and points.shape[1:] == (3,) and points.dtype == np.float32:
            gravity = find_gravity(transform_points(level, points), "z")
            if gravity.is_sure:
                self._floors.append(-float(gravity.T_gravity_input[2, 3]))
            elif not self._floors:
                level[2, 3] += gravity.T_gravity_input[2, 3]
                return level
        if self._floors:
            level[2, 3] -= float(np.median(self._floors))
        return level

    def _notice_jump(self, T: np.ndarray, stamp: float) -> None:
        """Reduce the weight of all votes if the pose moved faster than the sensor can."""
        if self._last_pose is not None:
            before, then = self._last_pose
            reach = 0.5 + self.settings.max_speed * max(0.0, stamp - then)
            if stamp >= then and np.linalg.norm(T[:3, 3] - before[:3, 3]) > reach:
                self.jumps += 1
                self._map.fade(self.settings.jump_keep)
        self._last_pose = T, stamp

    def _remember(
        self, points: np.ndarray, colors: np.ndarray | None, found: Segmentation, T: np.ndarray, stamp: float
    ) -> Segmentation:
        self._frame += 1
        voxels, tick = self._map, float(self._frame)
        seen = voxels.see(points, T)
        count = voxels.add(seen, points, found.label, found.confidence, colors, tick)
        number = voxels.instances(seen, found.instance)
        ids = self._name(found, number, seen, stamp)
        result = self._result(found, seen, count, number, ids, T)
        voxels.forget_rows(seen)
        voxels.sweep(T, points, tick)
        return result

    def _name(self, found: Segmentation, number: np.ndarray, seen: Seen, stamp: float) -> dict[int, int]:
        """Object id of each instance of the frame, entered into the voxels."""
        count = np.bincount(number, minlength=1)
        instances = [
            SeenInstance(i.id, i.label, i.confidence, int(count[i.id]))
            for i in found.instances
            if i.id < len(count) and count[i.id] > 0
        ]
        ids, mergers = self._tracks.match(instances, number, self._map.object[seen.slots], stamp)
        kept_of = {gone: kept for kept, gone in mergers}
        for kept, gone in mergers:
            self._map.object[self._map.object == gone] = kept
        ids = {i: kept_of.get(object_id, object_id) for i, object_id in ids.items()}
        self._map.hold_objects(seen.slots, _lookup(ids, number))
        return ids

    def _result(
        self,
        found: Segmentation,
        seen: Seen,
        count: np.ndarray,
        number: np.ndarray,
        ids: Mapping[int, int],
        T: np.ndarray,
    ) -> Segmentation:
        label_of, confidence_of = self._map.settled(seen.slots)
        held = self._map.object[seen.slots]
        id_of = np.where(held > 0, held, _lookup(ids, number))
        track_label = _lookup({i: t.label + 1 for i, t in self._tracks.tracks.items()}, id_of) - 1
        id_of = np.where(track_label == label_of, id_of, 0).astype(np.uint32)
        label, confidence, instance = found.label.copy(), found.confidence.copy(), np.zeros_like(found.instance)
        kernels.spread(seen.of_point, seen.row, label_of, confidence_of, id_of, label, confidence, instance)
        summary = self._summary(seen.slots, count, confidence_of, id_of, found.T_gravity_input @ np.linalg.inv(T))
        return replace(found, label=label, confidence=confidence, instance=instance, instances=summary)

    def _summary(
        self, slots: np.ndarray, count: np.ndarray, confidence: np.ndarray, ids: np.ndarray, T_gravity_map: np.ndarray
    ) -> list[Instance]:
        names, local = np.unique(ids[ids > 0], return_inverse=True)
        numbers = np.zeros(len(ids), np.uint32)
        numbers[ids > 0] = local + 1
        xyz = transform_points(T_gravity_map, self._map.centers(slots)).astype(np.float32)
        labels = np.array([self._tracks.tracks[int(i)].label for i in names], np.uint8)
        found = rate_objects(summarize_instances(xyz, count, confidence, numbers, labels), self.settings.voxel_size)
        return [replace(instance, id=int(names[instance.id - 1])) for instance in found]


def check_pose(T: np.ndarray) -> np.ndarray:
    """A pose as (4, 4) float64. Raises `PoseError`."""
    pose = np.asarray(T, np.float64)
    if pose.shape != (4, 4):
        raise PoseError(f"T_map_sensor has shape {pose.shape}, must be (4, 4)")
    if not np.isfinite(pose).all():
        raise PoseError("T_map_sensor holds NaN or Inf, must be a finite rigid transform")
    R = pose[:3, :3]
    if np.abs(R @ R.T - np.eye(3)).max() > _RIGID or np.linalg.det(R) < 0:
        raise PoseError("the rotation of T_map_sensor is not orthonormal and right-handed")
    return pose


def _lookup(values: Mapping[int, int], keys: np.ndarray) -> np.ndarray:
    """values[key] for each key, 0 for keys that are not in it; keys >= 0. Returns int32."""
    table = np.zeros(int(keys.max(initial=0)) + 1, np.int32)
    for key, value in values.items():
        if key < len(table):
            table[key] = value
    return table[keys]
