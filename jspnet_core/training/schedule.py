"""Schedule of validation and end of a run, by number of blocks or by time."""

from __future__ import annotations

import torch

from jspnet_core.training.run import TrainingRun

EXPORT_SECONDS = 30.0
"""Time reserved at the end of a run by time, for writing the model file."""

MAX_RESERVE = 0.3
"""Largest share of the time reserved for the last validation and the export."""

VALIDATIONS = 5
"""Validations of a run by time, including the last one; fewer if they are slow."""

VALIDATION_COST = 0.05
"""Largest share of the time spent on validations before the last one."""

ENDLESS = 2**40


class Schedule:
    """Progress of a run. All processes use the same time, so that they validate and end together."""

    def __init__(self, run: TrainingRun):
        self.run, self.recipe = run, run.recipe
        self.validation_seconds = 0.0
        self.run.progress = self._progress()
        self._next = self._after(self.run.progress or 0.0)

    @property
    def end(self) -> int:
        """Upper bound of the block numbers of the run."""
        return ENDLESS if self.recipe.minutes else self.recipe.samples

    def validation_due(self, before: int) -> bool:
        """Return whether to validate now; call it after each step. before: blocks before the step."""
        run = self.run
        run.progress = self._progress()
        if run.progress is not None:
            return run.progress >= min(self._next, 1.0)
        return crosses_multiple(before, run.samples, self.recipe.validate_every) or run.samples >= self.recipe.samples

    @property
    def finished(self) -> bool:
        return self.run.progress is not None and self.run.progress >= 1.0

    def validated(self, seconds: float) -> None:
        """Record the duration of a validation."""
        self.validation_seconds = max(self.validation_seconds, seconds)
        self.run.progress = self._progress()
        self._next = self._after(self.run.progress or 0.0)

    def _after(self, progress: float) -> float:
        """Return the progress at which the next validation is due."""
        total = 60.0 * (self.recipe.minutes or 1.0)
        return progress + max(1.0 / VALIDATIONS, self.validation_seconds / (VALIDATION_COST * total) / VALIDATIONS)

    def _progress(self) -> float | None:
        """Return the elapsed share of the training time; None for a run by blocks."""
        if not self.recipe.minutes:
            return None
        total = 60.0 * self.recipe.minutes
        reserve = min(EXPORT_SECONDS + self.validation_seconds, MAX_RESERVE * total)
        seconds = self.run.seconds
        if self.run.world.size > 1:
            seconds = float(self.run.world.mean(torch.tensor(seconds, device=self.run.world.device)))
        return min(1.0, seconds / (total - reserve))


def crosses_multiple(before: int, after: int, interval: int) -> bool:
    """Return whether a multiple of `interval` lies in (before, after]."""
    return after // interval > before // interval
