"""A bounded hash of voxels with class votes, colour, object and the time of the last view."""

from __future__ import annotations

import numpy as np

from jspnet_core.memory import voxel_kernels as kernels
from jspnet_core.memory.settings import MemorySettings

VOTE = 256.0
"""A sure view from near, in units of the votes' integers."""

_SWEPT = 1 << 17
"""Slots looked at per frame: a full round of a million voxels takes eight frames."""

_CELLS = 64  # per half side of the range image: 0.7 degrees each
_FULL = 0.95  # share of the voxels from which the least recently seen are freed
_STALE = 0.1  # share that is freed then


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
        """Forget everything."""
        self.origin = None
        self.capacity, self.free_count, self._next = 0, 0, 0
        self.key = np.empty(0, np.int64)
        self.votes = np.empty((0, self.classes), np.uint16)
        self.color = np.empty((0, 3), np.uint8)
        self.object = np.empty(0, np.int32)
        self.hold = np.empty(0, np.uint8)
        self.stamp = np.empty(0)
        self.through = np.empty(0, np.uint8)
        self._touched = np.empty(0, np.int32)
        self._free = np.empty(0, np.int32)
        self._table_key, self._table_slot = np.empty(0, np.int64), np.empty(0, np.int32)
        self._grow()

    def __len__(self) -> int:
        return self.capacity - self.free_count

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.key, self.votes, self.color, self.object, self.hold, self.stamp, self.through, self._touched)
        return sum(a.nbytes for a in (*arrays, self._free, self._table_key, self._table_slot))

    def slots(self, points: np.ndarray, insert: bool) -> np.ndarray:
        """Slot of each point's voxel, (N,) int32, -1 for none. points: (N, 3) float64 or float32, metres, map frame.

        insert: whether missing voxels are added, as long as there is room.
        """
        if self.origin is None:
            if not insert or not len(points):
                return np.full(len(points), -1, np.int32)
            finite = points[np.isfinite(points).all(axis=1)]
            if not len(finite):
                return np.full(len(points), -1, np.int32)
            edge = self.settings.voxel_size
            self.origin = np.floor(finite[0].astype(np.float64) / edge) * edge
        keys = kernels.keys_of((points - self.origin).astype(np.float32), self.settings.voxel_size)
        if not insert:
            return kernels.find_keys(keys, self._table_key, self._table_slot)
        slots = self._insert(keys)
        while self.free_count == 0 and self.capacity < self.settings.max_voxels:
            self._grow()
            slots = self._insert(keys)
        return slots

    def centers(self, slots: np.ndarray) -> np.ndarray:
        """Centres of voxels, (M, 3) float64, metres, map frame."""
        origin = np.zeros(3) if self.origin is None else self.origin
        return kernels.centers(self.key, slots, self.settings.voxel_size) + origin

    def occupied(self) -> np.ndarray:
        """Slots in use, ascending."""
        return np.flatnonzero(self.key != kernels.EMPTY).astype(np.int32)

    def add(
        self, slots: np.ndarray, label: np.ndarray, weight: np.ndarray, colors: np.ndarray | None, stamp: float
    ) -> np.ndarray:
        """Add a frame's votes. slots, label, weight (1: a sure view from near), colors: per point.

        Returns the slots that were seen.
        """
        tint = np.empty((0, 3), np.uint8) if colors is None else colors
        scaled = (weight * VOTE).astype(np.float32)
        most = int(self.settings.max_weight * VOTE)
        state = self.votes, self.color, self._touched, self.stamp
        return kernels.add_votes(slots, label, scaled, tint, *state, stamp, most)

    def settled(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Label and its share of the votes: see `voxel_kernels.settled`."""
        return kernels.settled(slots, self.votes)

    def instances(self, slots: np.ndarray, instance: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Instance of a frame at each voxel that it saw, (M,) int32, 0 for none. slots, instance: per point."""
        return kernels.instance_of_voxels(slots, instance.astype(np.int32), self._touched, seen)

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
        image = kernels.range_image(points, _CELLS)
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

    def _insert(self, keys: np.ndarray) -> np.ndarray:
        table = self._table_key, self._table_slot, self.key, self._free
        slots, self.free_count = kernels.insert_keys(keys, *table, self.free_count)
        return slots

    def _oldest(self) -> float:
        """Stamp before which voxels are freed: none are while there is room."""
        if len(self) < _FULL * self.settings.max_voxels:
            return -1.0
        sample = self.stamp[:: max(1, self.capacity // 4096)]
        sample = sample[sample >= 0]
        return float(np.quantile(sample, _STALE)) if len(sample) else -1.0

    def _grow(self) -> None:
        """Double the room, and rebuild the table at twice as many entries as voxels."""
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
        self._touched = np.concatenate([self._touched, np.full(added, -1, np.int32)])
        free = np.empty(self.capacity, np.int32)
        free[:added] = np.arange(self.capacity - 1, before - 1, -1)
        self._free, self.free_count = free, added
        entries = 1 << int(np.ceil(np.log2(2 * self.capacity)))
        self._table_key, self._table_slot = np.full(entries, kernels.EMPTY), np.full(entries, -1, np.int32)
        used = self.occupied()
        kernels.fill_table(self.key, used, self._table_key, self._table_slot)
