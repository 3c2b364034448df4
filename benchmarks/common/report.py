"""Report of benchmarks/frame: a table for the terminal, and its part of docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import numba
import numpy as np
import onnxruntime
import sklearn
import torch
from rich.table import Table

from benchmarks.common.timings import WHOLE
from benchmarks.frame.limits import BOUND_BY
from jspnet_core.report.render import markdown_table, render

HEADINGS = (
    "stage",
    "this project, median ms",
    "p95 ms",
    "reference, median ms",
    "times as fast",
    "roofline ms",
    "times roofline",
)
PREPROCESSING = ("voxels", "gravity", "blocks", "pyramid")
GROUPING = ("clusters", "merging")


def machine() -> dict[str, str | int]:
    """Processor, and versions of the libraries."""
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
    """One row per stage, with the columns of `HEADINGS`."""
    theirs, limits = result["reference_ms"], result["limit_ms"]
    made: list[tuple[str, ...]] = []
    for stage, figures in result["ours_ms"].items():
        other, limit = theirs.get(stage), limits.get(stage)
        made.append(
            (
                stage,
                f"{figures['median']:.1f}",
                f"{figures['p95']:.1f}",
                f"{other['median']:.1f}" if other else "",
                f"{other['median'] / figures['median']:.1f}" if other else "",
                f"{limit:.2f}" if limit else "",
                f"{figures['median'] / limit:.1f}" if limit else "",
            )
        )
    return made


def table(result: dict) -> Table:
    grid = Table(*HEADINGS)
    for column in grid.columns[1:]:
        column.justify = "right"
    for row in rows(result):
        grid.add_row(*row, style="bold" if row[0] == WHOLE else None)
    return grid


def sentences(result: dict) -> str:
    """Describe the measured frames."""
    s, frames, source = result["settings"], result["frames"], result["input"]
    busy = ": busy with other work too, ratios are more reliable than times"
    memory = "; ".join(f"{name} {value:.0f}" for name, value in result["memory_mib"].items())
    return (
        f"{source[0].upper()}{source[1:]}: {result['points']} points with a return, voxels of "
        f"{100 * s['voxel_size']:g} cm, {result['blocks']} blocks of {result['points_per_block']} points every "
        f"{s['stride']:g} of their width, model {result['model']}. {frames['ours']} frames by this project, "
        f"{frames['reference']} by the reference's route, 5-minute load average {result['load_average']:.1f}"
        f"{busy if result['load_average'] > result['machine']['cores'] else ''}. Both routes give "
        f"{100 * result['labels_alike']:.1f} % of the labelled points the same class, and find "
        f"{result['instances']['ours']} and {result['instances']['reference']} instances. Peak memory, MiB: "
        f"{memory or 'not known here'}. Whole frame: {result['ratio_to_reference']:.1f} times as fast as the "
        "reference's route."
    )


def frame_section(found: dict, results: list[dict], picture: Path | None) -> str:
    inputs = [
        {
            "title": f"{result['input'][0].upper()}{result['input'][1:]}",
            "sentences": sentences(result),
            "rows": rows(result),
            "engines": engine_table(result),
        }
        for result in results
    ]
    return render(
        "benchmarks",
        "frame.md.j2",
        machine=_machine_sentences(found),
        picture=picture.name if picture else None,
        headings=HEADINGS,
        inputs=inputs,
        targets=targets(results),
        bounds=bounds(results),
    )


def _machine_sentences(found: dict) -> str:
    m, c = found["machine"], found["ceilings"]
    versions = ", ".join(f"{k} {v}" for k, v in m.items() if k not in ("processor", "cores"))
    products = ", ".join(f"{name} {value:.0f}" for name, value in c["sgemm_gflop_per_s"].items())
    note = f" {found['note']}" if found.get("note") else ""
    return (
        f"{m['cores']} core{'s' * (m['cores'] > 1)} of {m['processor']} ({versions}).{note} Its ceilings, "
        "measured in the same run: a copy moves "
        f"{c['copy_gb_per_s']:.1f} GB/s; products of 1024 x 1024 matrices, GFLOP/s: {products}; one of the network's "
        f"attentions alone in ONNX Runtime {c['attention_ms']:.2f} ms, {c['attention_gflop_per_s']:.0f} GFLOP/s. A "
        f"full block takes {found['gflop_per_block']:.2f} GFLOP."
    )


def engine_table(result: dict) -> str:
    """The network alone, in every runtime."""
    head = (
        "network alone, the largest blocks",
        "ms per block",
        "GFLOP/s",
        "share of peak GEMM",
        "times as fast as PyTorch eager",
        "labels changed",
    )
    made = [
        (
            name,
            f"{e['ms_per_block']:.1f}",
            f"{e['gflop_per_s']:.0f}",
            f"{100 * e['share']:.0f} %",
            f"{e['times_as_fast_as_eager']:.1f}",
            f"{100 * e['labels_changed']:.2f} %",
        )
        for name, e in result["engines"].items()
    ]
    return markdown_table(made, head)


def targets(results: list[dict]) -> str:
    """Targets, results on each input, and whether they are met."""
    head = ("target", *(r["input"].split(",")[0] for r in results))
    cells: dict[str, list[str]] = {}
    for r in results:
        network = r["engines"].get("onnxruntime", {"share": np.nan, "times_as_fast_as_eager": np.nan})
        around = sum(r["ours_ms"][s]["median"] for s in ("read", "publish") if s in r["ours_ms"])
        prepared = _total(r, "ours_ms", tuple(s for s in ("read", *PREPROCESSING) if s in r["ours_ms"]))
        for name, value, limit, form in (
            ("pre-processing >= 10 times the reference", _ratio(r, PREPROCESSING), 10, "{:.1f}"),
            ("read and pre-processing <= 6 ms per block", prepared / r["blocks"], -6, "{:.1f}"),
            ("clusters and merging >= 50 times the reference", _ratio(r, GROUPING), 50, "{:.0f}"),
            ("network >= 60 % of peak GEMM", 100 * network["share"], 60, "{:.0f} %"),
            ("network >= 1.8 times PyTorch eager", network["times_as_fast_as_eager"], 1.8, "{:.1f}"),
            ("whole frame >= 20 times the reference", r["ratio_to_reference"], 20, "{:.1f}"),
            ("read and publish <= 8 % of a frame", 100 * around / r["ours_ms"][WHOLE]["median"], -8, "{:.1f} %"),
        ):
            enough = value >= limit if limit > 0 else value <= -limit
            cells.setdefault(name, []).append(form.format(value) + ("" if enough else ", **missed**"))
    return markdown_table([(name, *row) for name, row in cells.items()], head)


def bounds(results: list[dict]) -> str:
    """One line per stage: its roofline ratio on each input, and the reason."""
    lines = []
    for stage, why in BOUND_BY.items():
        times = [
            r["ours_ms"][stage]["median"] / r["limit_ms"][stage]
            for r in results
            if stage in r["ours_ms"] and stage in r["limit_ms"]
        ]
        if times:
            lines.append(f"- {stage}: {min(times):.1f} to {max(times):.1f} times the roofline. Bound by {why}.")
    return "\n".join(lines)


def _total(result: dict, route: str, stages: tuple[str, ...]) -> float:
    return sum(result[route][stage]["median"] for stage in stages)


def _ratio(result: dict, stages: tuple[str, ...]) -> float:
    return _total(result, "reference_ms", stages) / _total(result, "ours_ms", stages)


def write_section(path: Path, name: str, text: str) -> None:
    """Put a script's part between its two marks in a page; other scripts' parts stay. A page without them gets them."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = path.read_text() if path.exists() else "# Performance\n"
    marked = f"{begin}\n{text.strip()}\n{end}"
    if begin in page:
        page = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: marked, page, flags=re.DOTALL)
    else:
        page = f"{page.rstrip()}\n\n{marked}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page)
