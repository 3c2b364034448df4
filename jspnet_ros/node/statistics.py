"""What became of the frames: counts for diagnostics, and the last frames' times."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

SUSTAINED = 5
"""So many slow frames in a row are a state, not an incident."""


@dataclass(frozen=True)
class FrameReport:
    """One labelled frame.

    stages_ms: milliseconds by stage, reading and publishing included; total_ms: their sum.
    age_ms: from the cloud's arrival at the node to the last message out, waiting included.
    latency_ms: the same from the header's stamp.
    """

    stages_ms: dict[str, float]
    age_ms: float
    latency_ms: float
    blocks: int
    blocks_left_out: int
    instances: int
    gravity_source: str
    gravity_is_sure: bool

    @property
    def total_ms(self) -> float:
        return sum(self.stages_ms.values())


@dataclass(frozen=True)
class Snapshot:
    """The counts at one moment. received = labelled + refused + skipped + unwanted + overtaken + those under way.

    lost: clouds that were replaced before they reached the node. skipped: replaced by a newer one while the
    network was busy. unwanted: nobody subscribed to an output. refused: by reason. labelled: and published.
    overtaken: labelled, but a newer one was labelled before this one could be published.
    """

    received: int = 0
    lost: int = 0
    skipped: int = 0
    unwanted: int = 0
    overtaken: int = 0
    labelled: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    last: FrameReport | None = None
    totals_ms: tuple[float, ...] = ()


class FrameStatistics:
    """Counts frames from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: FrameReport | None = None
        self._totals_ms: deque[float] = deque(maxlen=SUSTAINED)

    def count(self, what: str, number: int = 1) -> None:
        """what: received, lost, skipped, unwanted or overtaken."""
        with self._lock:
            self._counts[what] += number

    def refuse(self, reason: str) -> None:
        with self._lock:
            self._refused[reason] += 1

    def labelled(self, report: FrameReport) -> None:
        with self._lock:
            self._counts["labelled"] += 1
            self._last = report
            self._totals_ms.append(report.total_ms)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(
                **self._counts, refused=dict(self._refused), last=self._last, totals_ms=tuple(self._totals_ms)
            )
