"""A bounded hash of voxels with class votes, colour, object and the time of the last view."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jspnet_core.memory import voxel_kernels as kernels
from jspnet_core.memory.settings import MemorySettings

VOTE = 256.0
"""A sure view from near, in units of the votes' integers."""

_SWEPT = 1 << 17
"""Slots looked at per frame: a full round of a million voxels takes eight frames."""

_CELLS = 64  # per half side of the range image: 0.7 degrees each
_RAYS = 80_000  # points that the range image is made of
_FULL = 0.95  # share of the voxels from which the least recently seen are freed
_STALE = 0.1  # share that is freed then


class Seen(NamedTuple):
    """Voxels that a frame sees.

    of_point: (N,) int32, slot of each point's voxel, -1 for none. slots: (M,) int32, each once. row: (V,) int32, place
    of a slot in `slots`; the map's own, valid until `VoxelMap.forget_rows`.
    """

    of_point: np.ndarray
    slots: np.ndarray
    row: np.ndarray


class VoxelMap:
    """Voxels of the map frame around `origin`. Not for several threads at once.

    votes: (V, C) uint16, in units of 1 / VOTE. color: (V, 3) uint8. object: (V,) int32, 0 for none. stamp: (V,)
    float64, seconds, negative for an empty slot. Arrays grow in steps up to `settings.max_voxels` rows.
    """

    def __init__(self, classes: int, settings: MemorySettings):
        self.settings, self.classes = settings, classes
        self.origin: np.ndarray | None = None
        self.clear()

    def clear(self) -> None:
        """Empty the map."""
        self.origin = None
        self.capacity, self.free_count, self._next = 0, 0, 0
        self.key = np.empty(0, np.int64)
        self.votes = np.empty((0, self.classes), np.uint16)
        self.color = np.empty((0, 3), np.uint8)
        self.object = np.empty(0, np.int32)
        self.hold = np.empty(0, np.uint8)
        self.stamp = np.empty(0)
        self.through = np.empty(0, np.uint8)
        self._row = np.empty(0, np.int32)
        self._free = np.empty(0, np.int32)
        self._table_key, self._table_slot = np.empty(0, np.int64), np.empty(0, np.int32)
        self._grow()

    def __len__(self) -> int:
        return self.capacity - self.free_count

    @property
    def nbytes(self) -> int:
        """Size of all arrays in bytes."""
        arrays = (self.key, self.votes, self.color, self.object, self.hold, self.stamp, self.through, self._row)
        return sum(a.nbytes for a in (*arrays, self._free, self._table_key, self._table_slot))

    def see(self, points: np.ndarray, T_map_sensor: np.ndarray) -> Seen:
        """Find or add the voxels of a frame. points: (N, 3) float32, metres, sensor frame."""
        edge = self.settings.voxel_size
        if self.origin is None:
            self.origin = np.floor(T_map_sensor[:3, 3] / edge) * edge
        T = T_map_sensor.copy()
        T[:3, 3] -= self.origin
        slots = self._locate(points, T)
        while self.free_count == 0 and self.capacity < self.settings.max_voxels:
            self._grow()
            slots = self._locate(points, T)
        seen = kernels.list_seen(slots, self._row)
        return Seen(slots, seen, self._row)

    def forget_rows(self, seen: Seen) -> None:
        """End the use of a frame's rows."""
        self._row[seen.slots] = -1

    def centers(self, slots: np.ndarray) -> np.ndarray:
        """Centres of voxels, (M, 3) float64, metres, map frame."""
        origin = np.zeros(3) if self.origin is None else self.origin
        return kernels.centers(self.key, slots, self.settings.voxel_size) + origin

    def occupied(self) -> np.ndarray:
        """Slots in use, ascending."""
        return np.flatnonzero(self.key != kernels.EMPTY).astype(np.int32)

    def add(
        self,
        seen: Seen,
        points: np.ndarray,
        label: np.ndarray,
        confidence: np.ndarray,
        colors: np.ndarray | None,
        stamp: float,
    ) -> np.ndarray:
        """Add a frame's votes; arrays are of its points. Returns the points of each voxel, (M,) int32."""
        s, of_frame = self.settings, (seen.of_point, seen.slots, seen.row)
        most = int(s.max_weight * VOTE)
        count = kernels.add_votes(
            *of_frame, points, label, confidence, np.float32(VOTE), s.range_scale, self.votes, most
        )
        if colors is not None:
            kernels.blend_colors(*of_frame, colors, self.color, self.stamp)
        self.stamp[seen.slots] = stamp
        return count

    def settled(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Label and its share of the votes: see `voxel_kernels.settled`."""
        return kernels.settled(slots, self.votes)

    def instances(self, seen: Seen, instance: np.ndarray) -> np.ndarray:
        """Instance of a frame at each voxel that it saw, (M,) int32, 0 for none. instance: (N,), of the points."""
        return kernels.instance_of_voxels(seen.of_point, instance.astype(np.int32), seen.row, len(seen.slots))

    def hold_objects(self, seen: np.ndarray, ids: np.ndarray) -> None:
        """Vote for the object of each voxel that was seen. ids: (M,) int32, 0 for none."""
        kernels.hold_objects(seen, ids, self.object, self.hold)

    def sweep(self, T_map_sensor: np.ndarray, points: np.ndarray, stamp: float) -> int:
        """Free voxels that the sensor sees through, that are out of reach or, in a full map, least recently seen.

        points: (N, 3) float32, sensor frame. A bounded number of voxels is looked at. Returns how many were freed.
        """
        if self.origin is None:
            return 0
        s, T = self.settings, np.linalg.inv(T_map_sensor)
        T[:3, 3] += T[:3, :3] @ self.origin
        image = kernels.range_image(points, _CELLS, max(1, len(points) // _RAYS))
        freed = kernels.sweep(
            self._next, _SWEPT, self.key, self.stamp, self.through, s.voxel_size, T, image, s.free_margin, s.free_views,
            s.radius, self._oldest(), stamp,
        )  # fmt: skip
        self._next = 0 if self._next + _SWEPT >= self.capacity else self._next + _SWEPT
        self.remove(freed)
        return len(freed)

    def remove(self, slots: np.ndarray) -> None:
        """Free voxels."""
        table = self._table_key, self._table_slot, self.key, self._free
        self.free_count = kernels.remove_slots(slots, *table, self.free_count)
        self.votes[slots], self.object[slots], self.hold[slots] = 0, 0, 0
        self.through[slots], self.stamp[slots] = 0, -1.0

    def fade(self, keep: float) -> None:
        """Keep a share of all votes."""
        self.votes[:] = (self.votes * np.float32(keep)).astype(np.uint16)

    def restore(
        self,
        origin: np.ndarray | None,
        key: np.ndarray,
        votes: np.ndarray,
        color: np.ndarray,
        owner: np.ndarray,
        hold: np.ndarray,
        stamp: np.ndarray,
    ) -> None:
        """Fill an empty map with saved voxels."""
        self.origin = origin
        while self.capacity < len(key):
            self.free_count = 0
            self._grow()
        n = len(key)
        self.key[:n], self.votes[:n], self.color[:n] = key, votes, color
        self.object[:n], self.hold[:n], self.stamp[:n] = owner, hold, stamp
        self.free_count = self.capacity - n
        self._free[: self.free_count] = np.arange(self.capacity - 1, n - 1, -1)
        self._table_key[:], self._table_slot[:] = kernels.EMPTY, -1
        kernels.fill_table(self.key, self.occupied(), self._table_key, self._table_slot)

    def _locate(self, points: np.ndarray, T_origin_sensor: np.ndarray) -> np.ndarray:
        table = self._table_key, self._table_slot, self.key, self._free, self.free_count
        slots, self.free_count = kernels.locate(points, T_origin_sensor, self.settings.voxel_size, *table, True)
        return slots

    def _oldest(self) -> float:
        """Stamp before which voxels are freed; no voxel is while there is capacity."""
        if len(self) < _FULL * self.settings.max_voxels:
            return -1.0
        sample = self.stamp[:: max(1, self.capacity // 4096)]
        sample = sample[sample >= 0]
        return float(np.quantile(sample, _STALE)) if len(sample) else -1.0

    def _grow(self) -> None:
        """Double the capacity, and rebuild the table with twice as many entries as voxels."""
        before = self.capacity
        self.capacity = min(max(2 * before, 1 << 16), self.settings.max_voxels)
        added = self.capacity - before
        self.key = np.concatenate([self.key, np.full(added, kernels.EMPTY)])
        self.votes = np.concatenate([self.votes, np.zeros((added, self.classes), np.uint16)])
        self.color = np.concatenate([self.color, np.zeros((added, 3), np.uint8)])
        self.object = np.concatenate([self.object, np.zeros(added, np.int32)])
        self.hold = np.concatenate([self.hold, np.zeros(added, np.uint8)])
        self.stamp = np.concatenate([self.stamp, np.full(added, -1.0)])
        self.through = np.concatenate([self.through, np.zeros(added, np.uint8)])
        self._row = np.concatenate([self._row, np.full(added, -1, np.int32)])
        free = np.empty(self.capacity, np.int32)
        free[:added] = np.arange(self.capacity - 1, before - 1, -1)
        self._free, self.free_count = free, added
        entries = 1 << int(np.ceil(np.log2(2 * self.capacity)))
        self._table_key, self._table_slot = np.full(entries, kernels.EMPTY), np.full(entries, -1, np.int32)
        used = self.occupied()
        kernels.fill_table(self.key, used, self._table_key, self._table_slot)
