"""Progress and summary of `jspnet prepare` and `jspnet synth`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.table import Table

from jspnet_core.cli.terminal import messages, output, progress_bar
from jspnet_core.data.preparation import DatasetInfo, PreparationResult, RoomSource, prepare_rooms
from jspnet_core.data.room_index import RoomIndex, read_index
from jspnet_core.data.splits import SplitRule


def run(sources: Sequence[RoomSource], out: Path, data: DatasetInfo, rule: SplitRule, workers: int) -> None:
    """Prepare rooms with a progress bar, then print tables; exit code 2 if some of them failed."""
    with progress_bar() as progress:
        task = progress.add_task("rooms", total=len(sources))

        def report(outcome: PreparationResult) -> None:
            progress.update(task, advance=1, description=outcome.name)
            for line in [*outcome.notes, *filter(None, [outcome.error])]:
                progress.console.print(f"jspnet: {line}", markup=False)

        outcomes = prepare_rooms(sources, out, data, rule, workers, report)
    index = read_index(out)
    output().print(rooms_table(index), class_table(index))
    failed = [outcome for outcome in outcomes if outcome.error]
    output().print(f"{out}: {len(index.rooms)} rooms", markup=False, soft_wrap=True)
    if failed:
        print_failures(failed, len(outcomes))
        raise typer.Exit(2)


def rooms_table(index: RoomIndex) -> Table:
    """Tabulate rooms, points and instances of each split."""
    table = Table("split", box=None, padding=(0, 2))
    for heading in ("rooms", "points", "instances", "m2"):
        table.add_column(heading, justify="right")
    for split, names in index.splits.items():
        rooms = [index.rooms[name] for name in names]
        ground = sum(room.extent[0] * room.extent[1] for room in rooms)
        points, instances = sum(room.points for room in rooms), sum(room.instances for room in rooms)
        table.add_row(split, f"{len(rooms):,}", f"{points:,}", f"{instances:,}", f"{ground:,.0f}")
    return table


def class_table(index: RoomIndex) -> Table:
    """Tabulate points and instances of each class, by split."""
    table = Table("class", box=None, padding=(0, 2))
    for split in index.splits:
        table.add_column(f"{split} points", justify="right")
        table.add_column("instances", justify="right")
    for i, name in enumerate(index.class_table().names):
        cells: list[str] = []
        for names in index.splits.values():
            rooms = [index.rooms[room] for room in names]
            share = sum(room.class_points[i] for room in rooms) / max(sum(room.points for room in rooms), 1)
            cells += [f"{share:.1%}", str(sum(room.class_instances[i] for room in rooms))]
        if any(room.class_points[i] for room in index.rooms.values()):
            table.add_row(name, *cells)
    return table


def print_failures(failed: Sequence[PreparationResult], total: int) -> None:
    """Print on stderr which sources were left out, and the error."""
    console = messages()
    for outcome in failed:
        console.print(f"left out: {outcome.error}", markup=False)
    console.print(f"jspnet: {len(failed)} of {total} rooms not prepared", markup=False)
