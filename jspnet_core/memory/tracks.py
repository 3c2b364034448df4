"""Objects over frames: which object of the map each instance of a frame is, merged and split with hysteresis."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from jspnet_core.memory.settings import MemorySettings

_OVERRULED = 0.6  # share of an instance's voxels from which it is the object though their classes differ
_COVERED = 0.5  # share of an object's seen voxels that an instance must cover to speak for a merger
_FORGET = 50  # frames without a vote after which a merger or a split is no longer considered


@dataclass
class Track:
    """Life of one object. weight: (C,) float64, of each class over all views; stamps in seconds."""

    weight: np.ndarray
    first_seen: float
    last_seen: float
    views: int = 0

    @property
    def label(self) -> int:
        return int(self.weight.argmax())


@dataclass(frozen=True)
class SeenInstance:
    """One instance of a frame. voxels: how many it covers."""

    number: int
    label: int
    confidence: float
    voxels: int


@dataclass
class Tracks:
    """All objects by id. Ids count up and are never given twice."""

    classes: int
    settings: MemorySettings
    tracks: dict[int, Track] = field(default_factory=dict)
    next_id: int = 1

    def __post_init__(self) -> None:
        self._merge_votes: Counter[tuple[int, int]] = Counter()
        self._split_votes: Counter[int] = Counter()
        self._frame = 0

    def match(
        self, instances: list[SeenInstance], number: np.ndarray, known: np.ndarray, stamp: float
    ) -> tuple[dict[int, int], list[tuple[int, int]]]:
        """Find the object of each instance of a frame; others become new objects.

        number, known: (M,) int32, of each voxel that was seen: its instance in the frame and its object in the map, 0
        for none. Returns the id by instance number, 0 for instances that are too small for a new object, and the
        mergers (kept id, id that is gone).
        """
        self._frame += 1
        overlap = _count_pairs(number, known)
        seen_of_object = Counter(dict(zip(*(a.tolist() for a in np.unique(known, return_counts=True)), strict=True)))
        by_number = {instance.number: instance for instance in instances}
        ids: dict[int, int] = {}
        owners: dict[int, int] = {}
        for (n, object_id), count in sorted(overlap.items(), key=lambda pair: -pair[1]):
            instance = by_number.get(n)
            if instance is None or n in ids or not self._fits(instance, object_id, count):
                continue
            if object_id in owners and self._splits(object_id):
                continue
            owners.setdefault(object_id, n)
            ids[n] = object_id
        for instance in instances:
            if instance.number not in ids:
                large = instance.voxels >= self.settings.min_object_voxels
                ids[instance.number] = self._found(instance, stamp) if large else 0
        for instance in instances:
            self._update(ids[instance.number], instance, stamp)
        return ids, self._merge(by_number, overlap, seen_of_object)

    def drop(self, gone: set[int]) -> None:
        """Delete objects without voxels."""
        for object_id in gone:
            self.tracks.pop(object_id, None)

    def _fits(self, instance: SeenInstance, object_id: int, count: int) -> bool:
        track = self.tracks.get(object_id)
        if track is None:
            return False
        share = count / instance.voxels
        return share >= _OVERRULED or (share >= self.settings.match_share and track.label == instance.label)

    def _splits(self, object_id: int) -> bool:
        """Count a view that sees an object as two; True from the settings' number of views on."""
        self._split_votes[object_id] += 1
        if self._split_votes[object_id] < self.settings.split_views:
            return False
        del self._split_votes[object_id]
        return True

    def _found(self, instance: SeenInstance, stamp: float) -> int:
        object_id = self.next_id
        self.next_id += 1
        self.tracks[object_id] = Track(np.zeros(self.classes), stamp, stamp)
        return object_id

    def _update(self, object_id: int, instance: SeenInstance, stamp: float) -> None:
        if object_id == 0:
            return
        track = self.tracks[object_id]
        track.weight[instance.label] += instance.confidence * instance.voxels
        track.views += track.last_seen != stamp or track.views == 0
        track.last_seen = stamp

    def _merge(
        self, by_number: dict[int, SeenInstance], overlap: dict[tuple[int, int], int], seen: Counter[int]
    ) -> list[tuple[int, int]]:
        """Mergers of objects that instances have covered together often enough; the older id is kept."""
        covered: dict[int, list[int]] = {}
        for (n, object_id), count in overlap.items():
            track = self.tracks.get(object_id)
            if track is None or n not in by_number or track.label != by_number[n].label:
                continue
            if count >= _COVERED * seen[object_id]:
                covered.setdefault(n, []).append(object_id)
        mergers: list[tuple[int, int]] = []
        for objects in covered.values():
            kept = min(objects)
            for other in objects:
                if other == kept:
                    continue
                self._merge_votes[kept, other] += 1
                if self._merge_votes[kept, other] >= self.settings.merge_views:
                    mergers.append((kept, other))
        for kept, other in mergers:
            self._absorb(kept, other)
        if self._frame % _FORGET == 0:
            self._merge_votes.clear()
            self._split_votes.clear()
        return mergers

    def _absorb(self, kept: int, other: int) -> None:
        if kept not in self.tracks or other not in self.tracks:
            return
        track, gone = self.tracks[kept], self.tracks.pop(other)
        track.weight += gone.weight
        track.first_seen = min(track.first_seen, gone.first_seen)
        track.last_seen = max(track.last_seen, gone.last_seen)
        track.views = max(track.views, gone.views)
        for pair in [pair for pair in self._merge_votes if other in pair]:
            del self._merge_votes[pair]


def _count_pairs(number: np.ndarray, known: np.ndarray) -> dict[tuple[int, int], int]:
    """Voxels by (instance of the frame, object of the map), both not 0."""
    both = (number > 0) & (known > 0)
    pairs, counts = np.unique(number[both].astype(np.int64) << 32 | known[both], return_counts=True)
    return {(int(pair >> 32), int(pair & 0xFFFFFFFF)): int(count) for pair, count in zip(pairs, counts, strict=True)}
