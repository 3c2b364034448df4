"""Time and memory against the size of a cloud: more points on the same surfaces, and more floor.

    . tools/environment.sh
    python -m benchmarks.scaling.growth --json out/growth.json --markdown docs/performance.md

Generated rooms are glued side by side. Every size is labelled in a process of its own, so that its peak memory is its
own; the last one, a whole floor of ten million points, by the command `jspnet label`, from file to file.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from benchmarks.common.timings import PeakMemory
from benchmarks.scaling.growth_page import growth_section, markdown_of, table_of
from jspnet_core.classes import UNLABELLED
from jspnet_core.io.ply import read_vertices, write_vertices
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.synthetic import make_scene

GAP = 0.3
"""Metres between rooms, as of a wall."""

STEP = 0.005
"""Metres by which copied points are moved at random, where more are wanted than a room was drawn with."""


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


def resized(points: np.ndarray, colors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Resample a cloud's surfaces to `count` points: some of them, or all and moved copies."""
    rng = np.random.default_rng(0)
    if count <= len(points):
        chosen = rng.permutation(len(points))[:count]
        return points[chosen], colors[chosen]
    chosen = np.arange(count) % len(points)
    noise = rng.normal(scale=STEP, size=(count - len(points), 3)).astype(np.float32)
    return np.concatenate([points, points[chosen[len(points) :]] + noise]), colors[chosen]


def measure(points: np.ndarray, colors: np.ndarray) -> dict[str, Any]:
    """Label one cloud in this process, after a small one that loads and compiles everything."""
    segmenter = Segmenter(settings=SegmenterSettings(up_axis="z"))
    near = (points[:, :2] < 1.5).all(axis=1)
    segmenter.segment(points[near], colors[near])
    memory = PeakMemory()
    begin, cpu = time.perf_counter(), time.process_time()
    with memory.of("labelling"):
        found = segmenter.segment(points, colors)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    size = np.ptp(points[:, :2], axis=0)
    return {
        "square_metres": float(size.prod()),
        "points": len(points),
        "blocks": found.blocks,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "cpu_ms_per_block": 1e3 * cpu / found.blocks,
        "mib_peak": memory.mebibytes["labelling"],
        "mib_for_it": memory.mebibytes["labelling, above what it began with"],
        "stages_ms": found.timings_ms,
    }


def measure_room(count: int) -> dict[str, float]:
    return measure(*resized(*floor_of(1, 4000.0), count))


def measure_floor(rooms: int, density: float) -> dict[str, float]:
    return {"rooms": rooms, **measure(*floor_of(rooms, density))}


def measure_square(side: float, density: float) -> dict[str, float]:
    """A corner of a room, `side` metres wide."""
    points, colors = floor_of(1, density)
    inside = (points[:, :2] <= side).all(axis=1)
    return {"rooms": 1, **measure(points[inside], colors[inside])}


def measure_command(rooms: int, count: int) -> dict[str, float]:
    """`jspnet label` on a floor of `count` points, from PLY to PLY."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "floor.ply", Path(folder) / "labelled.ply"
        points, colors = resized(*floor_of(rooms, 600.0), count)
        size = np.ptp(points[:, :2], axis=0)
        columns = dict(zip("xyz", points.T, strict=True)) | dict(zip(("red", "green", "blue"), colors.T, strict=True))
        with source.open("wb") as file:
            write_vertices(file, columns)
        del points, colors, columns
        words = [sys.executable, "-m", "jspnet_core.cli.main", "label", str(source), str(target), "--up", "z"]
        begin = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, words)
        labelled = read_vertices(target)["label"] != UNLABELLED
        return {
            "rooms": rooms,
            "square_metres": float(size.prod()),
            "points": len(labelled),
            "seconds": seconds,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "mib_peak": used.ru_maxrss / 1024,
            "file_mib": source.stat().st_size / 2**20,
            "labelled": float(labelled.mean()),
        }


def main(
    points: Annotated[list[int] | None, typer.Option(help="points of one room; may be repeated")] = None,
    rooms: Annotated[list[int] | None, typer.Option(help="rooms of a floor; may be repeated")] = None,
    density: Annotated[float, typer.Option(min=1.0, help="points per square metre of surface")] = 1500.0,
    floor_points: Annotated[int, typer.Option(min=0, help="points for `jspnet label`; 0: not run")] = 10_000_000,
    floor_rooms: Annotated[int, typer.Option(min=1, help="rooms of its floor")] = 16,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write this script's part of docs/performance.md here")] = None,
) -> None:
    """Label clouds of growing size, one process each."""
    console = Console()
    whole = rooms or [1, 4, 16]
    jobs: dict[str, list[tuple[Callable, tuple]]] = {
        "points": [(measure_room, (count,)) for count in points or (30_000, 100_000, 300_000, 1_000_000, 3_000_000)],
        "area": [(measure_square, (side, density)) for side in (() if rooms else (1.0, 2.0))]
        + [(measure_floor, (count, density)) for count in whole],
        "command": [(measure_command, (floor_rooms, floor_points))] if floor_points else [],
    }
    results: dict = {"cores": len(os.sched_getaffinity(0)), "load_average": os.getloadavg()[1]}
    for name, work in jobs.items():
        results[name] = []
        for function, arguments in work:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                results[name].append(pool.apply(function, arguments))
            console.print(table_of(results[name]))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(results, indent=1) + "\n")
    if markdown is not None:
        markdown_of(markdown, growth_section(results))


if __name__ == "__main__":
    typer.run(main)
