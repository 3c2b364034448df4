"""The figures of benchmarks/scaling/growth.py as tables, and as its part of docs/performance.md."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from benchmarks.common.report import machine, write_section
from jspnet_core.report.render import markdown_table, render

COLUMNS = {
    "rooms": "rooms",
    "square_metres": "m^2",
    "points": "points",
    "blocks": "blocks",
    "seconds": "s",
    "cpu_seconds": "CPU s",
    "cpu_ms_per_block": "CPU ms per block",
    "mib_peak": "peak memory, MiB",
    "mib_for_it": "of it for labelling, MiB",
    "file_mib": "file, MiB",
}


def growth_section(results: dict) -> str:
    from jspnet_core.pipeline.inference import BLOCKS_IN_MEMORY

    return render(
        "benchmarks",
        "growth.md.j2",
        cores=results["cores"],
        processor=machine()["processor"],
        load=results["load_average"],
        points=_markdown(results["points"]),
        points_growth=_growth(results["points"], "points"),
        area=_markdown(results["area"]),
        area_growth=_growth(results["area"], "square_metres"),
        commands=results["command"],
        at_once=BLOCKS_IN_MEMORY,
    )


def table_of(results: list[dict]) -> Table:
    keys = [key for key in COLUMNS if key in results[0]]
    grid = Table(*(COLUMNS[key] for key in keys))
    for result in results:
        grid.add_row(*(_number(result[key]) for key in keys))
    return grid


def markdown_of(path: Path, section: str) -> None:
    write_section(path, "growth", section)


def _growth(results: list[dict], size: str) -> str:
    """Growth of the time by growth of `size`."""
    if len(results) < 2:
        return ""
    first, last = results[0], results[-1]
    return (
        f"{last[size] / first[size]:.0f} times the {COLUMNS[size]} take "
        f"{last['cpu_seconds'] / first['cpu_seconds']:.1f} times the CPU time."
    )


def _markdown(results: list[dict]) -> str:
    if not results:
        return ""
    keys = [key for key in COLUMNS if key in results[0]]
    body = [tuple(_number(r[key]) for key in keys) for r in results]
    return markdown_table(body, [COLUMNS[key] for key in keys])


def _number(value: float) -> str:
    return f"{value:.2g}" if 0 < value < 1.0 else f"{value:,.1f}".removesuffix(".0")
