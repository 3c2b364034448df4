"""Time and memory of labelling whole floors, against their size: generated rooms glued side by side.

    . tools/environment.sh
    python benchmarks/growth.py --rooms 1 --rooms 4 --rooms 16 --density 4000 --json out/growth.json

Every size is labelled in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from jspnet_core.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.synthetic import make_scene

GAP = 0.3
"""Metres between rooms, as of a wall."""


def floor_of(rooms: int, density: float) -> tuple[np.ndarray, np.ndarray]:
    """`rooms` generated rooms in a square: points (N, 3) float32, metres, z up, and colours (N, 3) uint8.

    density: points per square metre of surface.
    """
    side = int(np.ceil(np.sqrt(rooms)))
    points, colors, corner = [], [], np.zeros(3, np.float32)
    for number in range(rooms):
        cloud = make_scene(number, "office").room_cloud(np.random.default_rng(number), density)
        points.append((cloud.points - cloud.points.min(axis=0) + corner).astype(np.float32))
        colors.append(cloud.colors)
        corner[0] = points[-1][:, 0].max() + GAP
        if (number + 1) % side == 0:
            corner[:] = 0.0, max(p[:, 1].max() for p in points) + GAP, 0.0
    return np.concatenate(points), np.concatenate(colors)


def measure(rooms: int, density: float) -> dict[str, float]:
    """Label one floor in this process, after a small cloud that loads and compiles everything."""
    segmenter = Segmenter(settings=SegmenterSettings(gravity="none"))
    points, colors = floor_of(rooms, density)
    near = (points[:, :2] < 1.5).all(axis=1)
    segmenter.segment(points[near], colors[near])
    before = peak_mebibytes()
    begin = time.perf_counter()
    found = segmenter.segment(points, colors)
    seconds = time.perf_counter() - begin
    size = np.ptp(points[:, :2], axis=0)
    return {
        "rooms": rooms, "square_metres": float(size.prod()), "points": len(points), "blocks": found.blocks,
        "seconds": seconds, "ms_per_block": 1e3 * seconds / found.blocks, "mib_before": before,
        "mib_peak": peak_mebibytes(), "bytes_per_point": (peak_mebibytes() - before) * 2**20 / len(points),
        "stages_ms": found.timings_ms,
    }  # fmt: skip


def peak_mebibytes() -> float:
    """Largest resident memory of this process so far (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(
    rooms: Annotated[list[int] | None, typer.Option(help="rooms of a floor; may be repeated")] = None,
    density: Annotated[float, typer.Option(min=1.0, help="points per square metre of surface")] = 4000.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
) -> None:
    """Label floors of growing size, one process each."""
    console, results = Console(), []
    for count in rooms or [1, 4, 16]:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results.append(pool.apply(measure, (count, density)))
    columns = [key for key in results[0] if key != "stages_ms"]
    table = Table(*columns)
    for result in results:
        table.add_row(*(f"{result[key]:,.1f}".removesuffix(".0") for key in columns))
    console.print(table)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
