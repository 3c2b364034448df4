"""Frame counters for diagnostics, and the processing times of the last frames."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field

SUSTAINED = 5
"""Slow frames in a row from which the state is an error, not a warning."""

LITTLE = 0.1
"""Share of a frame's points below which labels are so few that it is a warning."""


@dataclass(frozen=True)
class FrameReport:
    """Figures of one labelled frame.

    stages_ms: milliseconds by stage, reading and publishing included; total_ms: their sum.
    age_ms: from the cloud's arrival at the node to the last message out, waiting included.
    latency_ms: the same from the header's stamp; None where the stamp or the clock is not set.
    units: why the coordinates seem not to be metres; empty where they do.
    instances: None where no output asked for them. returns: points with a return; labelled: those with a label.
    """

    stages_ms: dict[str, float]
    age_ms: float
    latency_ms: float | None
    blocks: int
    blocks_left_out: int
    instances: int | None
    returns: int
    labelled: int
    gravity_source: str
    gravity_is_sure: bool
    units: str = ""

    @property
    def total_ms(self) -> float:
        return sum(self.stages_ms.values())


@dataclass(frozen=True)
class Snapshot:
    """The counters at one moment. received = labelled + refused + skipped + unwanted + those in progress.

    lost: clouds that were replaced before they reached the node. skipped: replaced by a newer one before they were
    labelled, or published. unwanted: no output had a subscriber. refused: by reason. labelled: and published.
    silence_s: seconds since the last cloud, or since activation. failures: refused because an exception was raised.
    """

    received: int = 0
    lost: int = 0
    skipped: int = 0
    unwanted: int = 0
    labelled: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    silence_s: float = 0.0
    last_failure: str = ""
    last: FrameReport | None = None
    totals_ms: tuple[float, ...] = ()

    @property
    def failures(self) -> int:
        return self.refused.get(FAILURE, 0)


FAILURE = "failure"
"""Reason of a frame that was refused because something raised an unforeseen exception."""


class FrameStatistics:
    """Counts frames from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: FrameReport | None = None
        self._last_failure = ""
        self._heard = time.monotonic()
        self._totals_ms: deque[float] = deque(maxlen=SUSTAINED)

    def start_listening(self) -> None:
        """Count the silence from now on."""
        with self._lock:
            self._heard = time.monotonic()

    def received(self, lost: int) -> None:
        """Count a cloud that arrived, and those lost since the one before."""
        with self._lock:
            self._counts["received"] += 1
            self._counts["lost"] += lost
            self._heard = time.monotonic()

    def skipped(self) -> None:
        with self._lock:
            self._counts["skipped"] += 1

    def unwanted(self) -> None:
        with self._lock:
            self._counts["unwanted"] += 1

    def refused(self, reason: str) -> None:
        with self._lock:
            self._refused[reason] += 1

    def failed(self, sentence: str) -> None:
        """Count a frame that was refused because of an exception, described by `sentence`."""
        with self._lock:
            self._refused[FAILURE] += 1
            self._last_failure = sentence

    def labelled(self, report: FrameReport) -> None:
        with self._lock:
            self._counts["labelled"] += 1
            self._last = report
            self._totals_ms.append(report.total_ms)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(
                **self._counts,
                refused=dict(self._refused),
                silence_s=time.monotonic() - self._heard,
                last_failure=self._last_failure,
                last=self._last,
                totals_ms=tuple(self._totals_ms),
            )
