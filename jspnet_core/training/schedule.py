"""When a run validates and when it ends: by its number of blocks, or by its time."""

from __future__ import annotations

import time

import torch

from jspnet_core.training.run import TrainingRun

EXPORT_SECONDS = 20.0
"""Kept at the end of a run that has a time, for writing the model file."""

MOST_RESERVE = 0.3
"""Largest share of the time that is kept for the last validation and the export."""

VALIDATIONS = 5
"""Validations of a run that has a time, the last one included; fewer where each takes long."""

VALIDATION_COST = 0.05
"""Largest share of the time that validations before the last one take."""

ENDLESS = 2**40


class Schedule:
    """Follows a run. With several processes all see the same time, so that they validate and end together."""

    def __init__(self, run: TrainingRun):
        self.run, self.recipe = run, run.recipe
        self.validation_seconds = 0.0
        self.run.progress = self._progress()
        self._next = self._after(self.run.progress or 0.0)

    @property
    def end(self) -> int:
        """BlockDataset after which there is no other."""
        return ENDLESS if self.recipe.minutes else self.recipe.samples

    def validation_due(self, before: int) -> bool:
        """Whether to validate now. To be called after each step; before: blocks before it."""
        run = self.run
        run.progress = self._progress()
        if run.progress is not None:
            return run.progress >= min(self._next, 1.0)
        return crosses_multiple(before, run.samples, self.recipe.validate_every) or run.samples >= self.recipe.samples

    @property
    def finished(self) -> bool:
        return self.run.progress is not None and self.run.progress >= 1.0

    def validated(self, seconds: float) -> None:
        """Take note of how long a validation took."""
        self.validation_seconds = max(self.validation_seconds, seconds)
        self.run.progress = self._progress()
        self._next = self._after(self.run.progress or 0.0)

    def _after(self, progress: float) -> float:
        """Progress at which the next validation is due."""
        total = 60.0 * (self.recipe.minutes or 1.0)
        return progress + max(1.0 / VALIDATIONS, self.validation_seconds / (VALIDATION_COST * total) / VALIDATIONS)

    def _progress(self) -> float | None:
        """Share of the time to train in that is over, None for a run without one."""
        if not self.recipe.minutes:
            return None
        total = 60.0 * self.recipe.minutes
        reserve = min(EXPORT_SECONDS + self.validation_seconds, MOST_RESERVE * total)
        seconds = self.run.seconds
        if self.run.world.size > 1:
            seconds = float(self.run.world.mean(torch.tensor(seconds, device=self.run.world.device)))
        return min(1.0, seconds / (total - reserve))


def crosses_multiple(before: int, after: int, interval: int) -> bool:
    """Whether a multiple of `interval` was reached."""
    return after // interval > before // interval


class Timer:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._begin = time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() - self._begin
