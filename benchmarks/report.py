"""The figures of a benchmark as a table for the terminal, and as the page docs/performance.md."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numba
import numpy as np
import onnxruntime
import sklearn
import torch
from rich.table import Table

HEADINGS = ("stage", "this project, median ms", "p95 ms", "reference, median ms", "times as fast")

PAGE = """# Performance

Written by `benchmarks/frame.py`; to measure again (set up once with `make test`):

```
. tools/environment.sh
python benchmarks/frame.py --input auto --input synthetic --json out/frame.json --markdown docs/performance.md
```

{sections}

The reference's route is what the public implementations do, with the same trained weights: numpy for voxels, blocks
and farthest point sampling, a KD-tree for every layer of both decoders, PyTorch eager, scikit-learn's
`MeanShift(bandwidth={bandwidth}, bin_seeding=True)` per block, BlockMerging and the size filter point by point in
Python. Gravity is this project's in both. Both routes label whole frames, in turns in one process. The first frame of
this project's route, which compiles, is not counted. The stages are those of `Segmenter.segment`.
"""


def machine() -> dict[str, str | int]:
    """The processor, and the versions of what does the work."""
    names = [line.split(":", 1)[1].strip() for line in _cpu_info() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        **{m.__name__: str(m.__version__) for m in (np, numba, onnxruntime, torch, sklearn)},
    }


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def rows(result: dict) -> list[tuple[str, ...]]:
    """One row per stage, as `HEADINGS` says."""
    ours, theirs = result["ours_ms"], result["reference_ms"]
    return [
        (
            stage,
            f"{figures['median']:.1f}",
            f"{figures['p95']:.1f}",
            f"{theirs[stage]['median']:.1f}",
            f"{theirs[stage]['median'] / figures['median']:.1f}",
        )
        for stage, figures in ours.items()
    ]


def table(result: dict) -> Table:
    grid = Table(*HEADINGS)
    for column in grid.columns[1:]:
        column.justify = "right"
    for row in rows(result):
        grid.add_row(*row, style="bold" if row[0] == "whole frame" else None)
    return grid


def sentences(result: dict) -> str:
    """What was measured, on what, in words."""
    m, s, frames, source = result["machine"], result["settings"], result["frames"], result["input"]
    versions = ", ".join(f"{k} {v}" for k, v in m.items() if k not in ("processor", "cores"))
    busy = ": busy with other work too, ratios say more than times" if result["load_average"] > m["cores"] else ""
    return (
        f"{source[0].upper()}{source[1:]}: {result['points']} points with a return, voxels of "
        f"{100 * s['voxel_size']:g} cm, {result['blocks']} blocks of {result['points_per_block']} points every "
        f"{s['stride']:g} m, model {result['model']}. {frames['ours']} frames by this project, {frames['reference']} "
        f"by the reference's route, on {m['cores']} cores of {m['processor']} ({versions}), 5-minute load average "
        f"{result['load_average']:.1f}{busy}. Both routes give {100 * result['labels_alike']:.1f} % of the labelled "
        f"points the same class, and find {result['instances']['ours']} and {result['instances']['reference']} "
        f"instances. Whole frame: {result['ratio_to_reference']:.1f} times as fast as the reference's route."
    )


def page(results: list[dict]) -> str:
    bandwidth = results[0]["settings"]["bandwidth"]
    return PAGE.format(sections="\n\n".join(map(section, results)), bandwidth=bandwidth)


def section(result: dict) -> str:
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|" + "---:|" * (len(HEADINGS) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows(result)]
    return sentences(result) + "\n\n" + "\n".join(lines)
