"""Profiling of training steps, by phase or by operator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import torch
from rich.table import Table

Mode = Literal["off", "phases", "operators"]
WARM_UP = 3
OPERATOR_STEPS = 5


class PhaseTimer:
    """Time the phases of each step. With mode `off` it does nothing and never synchronises with the device."""

    def __init__(self, mode: Mode, device: torch.device):
        self.on = mode != "off"
        self.device = device
        self.steps: list[dict[str, float]] = []
        self.current: dict[str, float] = {}
        self.profiler: Any = operator_profiler(device) if mode == "operators" else None

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        if not self.on:
            yield
            return
        begin = time.perf_counter()
        with torch.profiler.record_function(name) if self.profiler else nullcontext():
            yield
        if self.device.type == "cuda":  # kernels are queued: without waiting, the next phase would be charged
            torch.cuda.synchronize(self.device)
        self.current[name] = self.current.get(name, 0.0) + time.perf_counter() - begin

    def end_step(self) -> None:
        if self.on:
            self.steps.append(self.current)
            self.current = {}
        if self.profiler is not None:
            self.profiler.step()

    def table(self, batch: int) -> Table:
        """Tabulate the mean milliseconds of each phase, without the warm-up steps. batch: blocks per step."""
        steps = self.steps[WARM_UP:] or self.steps
        table = Table("phase", "ms per step", "ms per block", "share", title=f"{len(steps)} steps of {batch} blocks")
        means = {name: 1e3 * sum(s.get(name, 0.0) for s in steps) / len(steps) for name in steps[0]}
        for name, ms in means.items():
            table.add_row(name, f"{ms:.1f}", f"{ms / batch:.1f}", f"{100 * ms / sum(means.values()):.0f} %")
        return table

    def operators(self) -> str | None:
        """Return the table of torch.profiler; None unless mode is `operators`."""
        if self.profiler is None:
            return None
        self.profiler.stop()
        key = "self_cuda_time_total" if self.device.type == "cuda" else "self_cpu_time_total"
        return self.profiler.key_averages().table(sort_by=key, row_limit=25, max_name_column_width=50)


def operator_profiler(device: torch.device) -> Any:
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    schedule = torch.profiler.schedule(wait=WARM_UP - 1, warmup=1, active=OPERATOR_STEPS, repeat=1)
    profiler = torch.profiler.profile(activities=activities, schedule=schedule)
    profiler.start()
    return profiler
