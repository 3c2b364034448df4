"""The figures of benchmarks/scaling/growth.py as tables, and as its part of docs/performance.md."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from benchmarks.common.report import machine, markdown_table, write_section

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

SECTION = """## Growth

Written by `benchmarks/scaling/growth.py`; to measure again:

```
python -m benchmarks.scaling.growth --json out/growth.json --markdown docs/performance.md
```

{cores} core{plural} of {processor}, 5-minute load average at the start {load:.1f}{busy}. Generated rooms, default
settings, every size in a process of its own.

The same room with more points: {points_growth}

{points}

More floor at the same density: {area_growth}

{area}

{command}
"""

COMMAND = """A floor of {points:,} points in one file, labelled by `jspnet label` from PLY to PLY: {seconds:.0f} s
({cpu_seconds:.0f} s of CPU time), {mib_peak:.0f} MiB at most for a file of {file_mib:.0f} MiB; {share:.1f} % of the
points got a label. Blocks stream through the network, {at_once} at a time: what remains of each is a label and a
cluster per point, and what grows with the cloud are its own arrays."""


def growth_section(results: dict) -> str:
    from jspnet_core.pipeline.inference import BLOCKS_IN_MEMORY

    commands = [COMMAND.format(share=100 * r["labelled"], at_once=BLOCKS_IN_MEMORY, **r) for r in results["command"]]
    return SECTION.format(
        cores=results["cores"],
        plural="s" * (results["cores"] > 1),
        busy=", busy with other work: CPU times say more than times"
        if results["load_average"] > results["cores"]
        else "",
        processor=machine()["processor"],
        load=results["load_average"],
        points=_markdown(results["points"]),
        points_growth=_growth(results["points"], "points"),
        area=_markdown(results["area"]),
        area_growth=_growth(results["area"], "square_metres"),
        command="\n\n".join(commands),
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
    """How much the time grew for how much more of `size`."""
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
    return markdown_table(tuple(COLUMNS[key] for key in keys), body)


def _number(value: float) -> str:
    return f"{value:.2g}" if 0 < value < 1.0 else f"{value:,.1f}".removesuffix(".0")
