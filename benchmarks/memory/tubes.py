"""Objects over a whole sequence as tubes: all points of one id in all frames."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from jspnet_core.classes import ClassTable


@dataclass
class TubeScore:
    """Counts of one sequence. things: (256,) bool, whether a label is countable."""

    things: np.ndarray
    overlap: Counter[tuple[int, int]] = field(default_factory=Counter)
    true_points: Counter[int] = field(default_factory=Counter)
    found_points: Counter[int] = field(default_factory=Counter)
    true_label: dict[int, int] = field(default_factory=dict)
    found_labels: dict[int, Counter[int]] = field(default_factory=dict)
    last_name: dict[int, int] = field(default_factory=dict)
    switches: int = 0
    seen: int = 0

    @classmethod
    def of(cls, classes: ClassTable) -> TubeScore:
        things = np.zeros(256, bool)
        things[: len(classes)] = [classes.is_thing(i) for i in range(len(classes))]
        return cls(things)

    def add(self, true_label: np.ndarray, true: np.ndarray, label: np.ndarray, found: np.ndarray) -> None:
        """Add a frame. true_label, label: (N,) uint8; true, found: (N,) ids, 0 for none."""
        true = np.where(self.things[true_label], true, 0).astype(np.int64)
        found = np.where(self.things[label], found, 0).astype(np.int64)
        self._count(self.true_points, true)
        self._count(self.found_points, found)
        for i, one in zip(*np.unique(true, return_index=True), strict=True):
            self.true_label[int(i)] = int(true_label[one])
        for i, one in zip(*np.unique(found, return_index=True), strict=True):
            self.found_labels.setdefault(int(i), Counter())[int(label[one])] += 1
        pairs, counts = np.unique(true << 32 | found, return_counts=True)
        of_true: dict[int, tuple[int, int]] = {}
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            a, b = pair >> 32, pair & 0xFFFFFFFF
            self.overlap[a, b] += count
            if a and b and count > of_true.get(a, (0, 0))[0]:
                of_true[a] = count, b
        for a, (_, b) in of_true.items():
            self.seen += 1
            self.switches += self.last_name.get(a, b) != b
            self.last_name[a] = b

    @staticmethod
    def _count(points: Counter[int], ids: np.ndarray) -> None:
        for i, count in zip(*np.unique(ids, return_counts=True), strict=True):
            points[int(i)] += int(count)

    def matches(self) -> int:
        """Tubes found at an IoU above 0.5 with the right class in most frames."""
        found = 0
        for (a, b), count in self.overlap.items():
            if not a or not b:
                continue
            union = self.true_points[a] + self.found_points[b] - count
            right = self.found_labels[b].most_common(1)[0][0] == self.true_label[a]
            found += right and count > 0.5 * union
        return found

    def totals(self, least: int = 500) -> tuple[int, int, int]:
        """Matches, true tubes and found tubes of at least `least` points."""
        true = sum(1 for i, count in self.true_points.items() if i and count >= least)
        found = sum(1 for i, count in self.found_points.items() if i and count >= least)
        return self.matches(), true, found
