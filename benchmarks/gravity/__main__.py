"""How often the up direction and the floor are found, over random frames of reference, and how often doubt is told.

. tools/environment.sh
python -m benchmarks.gravity --frames 2000 [--rooms ROOMS_DIR] [--json out/gravity.json]

Frames of reference: optical, body and OpenGL axes of a camera, and maps with z or y up at any place; cameras 0.15 to
2.5 m high, pitched 60 degrees down to 45 up, rolled up to 20.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.gravity.scenes import GravityCase, frames
from jspnet_core.pipeline.gravity.estimate import find_gravity

FLOOR_IN_VIEW = 0.3
"""Square metres of floor from which its height can be expected to be found."""

MAX_TILT, MAX_LIFT = 3.0, 0.05
"""Degrees and metres of error that count as right."""

FEWEST = 500
"""Points of the smallest cloud that counts."""


@dataclass(frozen=True)
class Outcome:
    """Result of one cloud. tilt: degrees, lift: metres of error."""

    case: GravityCase
    tilt: float
    lift: float
    is_sure: bool
    milliseconds: float

    @property
    def is_right(self) -> bool:
        return self.tilt < MAX_TILT and self.lift < MAX_LIFT


def main(
    count: Annotated[int, typer.Option("--frames", min=10)] = 2000,
    rooms: Annotated[Path | None, typer.Option(help="folder of real rooms; half of the clouds come from it")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Print a table by frame of reference."""
    usable = (case for case in frames(count, seed, rooms) if len(case.points) >= FEWEST and np.isfinite(case.floor))
    outcomes = [measure(case) for case in usable]
    in_view = [outcome for outcome in outcomes if outcome.case.floor_area >= FLOOR_IN_VIEW]
    rows = {"floor in view": in_view}
    for name in sorted({outcome.case.frame for outcome in in_view}):
        rows[f"  {name}"] = [outcome for outcome in in_view if outcome.case.frame == name]
    rows["little or no floor in view"] = [o for o in outcomes if o.case.floor_area < FLOOR_IN_VIEW]
    figures = {name: summary(row) for name, row in rows.items()}
    show(figures)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(figures, indent=1))


def measure(case: GravityCase) -> Outcome:
    """Estimate the gravity frame of one cloud, and compare it with the truth at the middle of the cloud."""
    begin = time.perf_counter()
    found = find_gravity(case.points)
    milliseconds = 1e3 * (time.perf_counter() - begin)
    T = found.T_gravity_input
    tilt = np.degrees(np.arccos(np.clip(T[2, :3] @ case.up, -1.0, 1.0)))
    middle = np.median(case.points, axis=0)
    foot = middle - (middle @ case.up - case.floor) * case.up
    return Outcome(case, float(tilt), float(abs(T[2, :3] @ foot + T[2, 3])), found.is_sure, milliseconds)


def summary(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """Shares in percent, and the median time."""
    right = np.array([o.is_right for o in outcomes], bool)
    sure = np.array([o.is_sure for o in outcomes], bool)
    wrong = ~right
    return {
        "clouds": len(outcomes),
        "right": 100.0 * float(right.mean()),
        "direction right": 100.0 * float(np.mean([o.tilt < MAX_TILT for o in outcomes])),
        "wrong and told": 100.0 * float((wrong & ~sure).sum() / max(wrong.sum(), 1)),
        "right but doubted": 100.0 * float((right & ~sure).sum() / max(right.sum(), 1)),
        "ms": float(np.median([o.milliseconds for o in outcomes])),
    }


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table."""
    columns = next(iter(figures.values()))
    table = Table("", *columns)
    for name, row in figures.items():
        table.add_row(name, *(f"{value:.0f}" if key == "clouds" else f"{value:.1f}" for key, value in row.items()))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
