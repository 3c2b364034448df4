"""Milliseconds and peak memory, frame after frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

WHOLE = "whole frame"


@dataclass
class Timings:
    """Milliseconds of every stage, and of the whole frame, by frame."""

    frames: list[dict[str, float]] = field(default_factory=list)

    @contextmanager
    def frame(self) -> Iterator[dict[str, float]]:
        """Time a frame; yields the dict that takes its stages."""
        stages: dict[str, float] = {}
        begin = time.perf_counter()
        yield stages
        self.frames.append({**stages, WHOLE: 1e3 * (time.perf_counter() - begin)})

    def percentile(self, stage: str, percent: float) -> float:
        return float(np.percentile([frame[stage] for frame in self.frames], percent))

    def summary(self) -> dict[str, dict[str, float]]:
        return {s: {"median": self.percentile(s, 50), "p95": self.percentile(s, 95)} for s in self.frames[0]}


class PeakMemory:
    """Measure the peak resident memory of this process, MiB; Linux only, left out elsewhere."""

    _RESET, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")

    def __init__(self) -> None:
        self.mebibytes: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        if not self._RESET.exists():
            yield
            return
        self._RESET.write_text("5")
        before = self._read("VmRSS")
        yield
        self.mebibytes[name] = max(self.mebibytes.get(name, 0.0), self._read("VmHWM"))
        growth = f"{name}, above what it began with"
        self.mebibytes[growth] = max(self.mebibytes.get(growth, 0.0), self._read("VmHWM") - before)

    def _read(self, entry: str) -> float:
        line = next(line for line in self._STATUS.read_text().splitlines() if line.startswith(entry))
        return int(line.split()[1]) / 1024
