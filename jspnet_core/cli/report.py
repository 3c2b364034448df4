"""`jspnet report`: one page about training runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from jspnet_core.cli import options, scoring
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import output
from jspnet_core.data.rooms import room_paths, rooms_hash
from jspnet_core.engine import Engine
from jspnet_core.engine.module_engine import NetworkEngine
from jspnet_core.evaluation.results import Evaluation
from jspnet_core.report.page import RunResult, write_report
from jspnet_core.report.room_pictures import draw_rooms
from jspnet_core.report.runs import RunError, RunRecord, read_run


def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="folders that `jspnet train` wrote")],
    rooms_dir: Annotated[
        Path | None,
        typer.Option("--rooms", metavar="ROOMS_DIR", help="rooms to evaluate on; without it those of the first run"),
    ] = None,
    split: Annotated[str, typer.Option(help="which split of the rooms")] = "val",
    out: Annotated[Path, typer.Option(help="folder for report.html, report.md and their pictures")] = Path("report"),
    pictures: Annotated[int, typer.Option(help="best rooms, and worst rooms, to show of each run", min=0)] = 2,
    views: Annotated[int, typer.Option(help="depth-camera frames of each room to score as well", min=0)] = 0,
    threads: options.Threads = 0,
) -> None:
    """Write one page about training runs: curves, scores by class, confusion, best and worst rooms, configuration.

    Evaluates best.pt of each run; what was evaluated before, on the same rooms, is taken from OUT.
    """
    records = _read(runs)
    rooms_dir = rooms_dir or _trained_on(records[0])
    paths = room_paths(rooms_dir, split)
    if not paths:
        raise OptionError(f"split {split!r} of {rooms_dir} has no rooms")
    sha256 = rooms_hash(rooms_dir)
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for record in records:
        loaded = NetworkEngine.from_checkpoint(record.checkpoint)
        engine, relabel = scoring.in_common_classes(loaded, rooms_dir, None)
        evaluation = _evaluated(out, record, engine, paths, split, sha256, views, threads, relabel)
        segmenter = options.create_segmenter(None, engine, up_axis="z", threads=threads)
        results.append(
            RunResult(record, evaluation, draw_rooms(out, record.name, segmenter, paths, evaluation, pictures, relabel))
        )
    for page in write_report(out, results, str(rooms_dir), sha256, split):
        output().print(str(page), soft_wrap=True)


def _read(folders: Sequence[Path]) -> list[RunRecord]:
    records = [read_run(folder) for folder in folders]
    names = [record.name for record in records]
    if len(set(names)) < len(names):
        raise RunError(f"runs need different names, found {', '.join(names)}; rename a folder")
    first = records[0]
    for record in records:
        if record.classes.names != first.classes.names:
            raise RunError(f"{record.folder}: its classes are not those of {first.folder}; report on them apart")
    return records


def _trained_on(record: RunRecord) -> Path:
    if "data" not in record.record:
        raise RunError(f"{record.folder}: run.json does not name its training rooms; name rooms with --rooms")
    return Path(record.record["data"])


def _evaluated(
    out: Path,
    record: RunRecord,
    engine: Engine,
    paths: Sequence[Path],
    split: str,
    rooms_sha256: str,
    views: int,
    threads: int,
    relabel: np.ndarray | None,
) -> Evaluation:
    """The evaluation of a run's best checkpoint: a former one of the same files, or a new one, which is kept."""
    file = out / f"{record.name}.json"
    of = {"checkpoint_sha256": record.sha256, "rooms_sha256": rooms_sha256, "views": views}
    if file.is_file():
        former = Evaluation.read(file)
        if former.split == split and of.items() <= former.settings.items():
            return former
    settings = {"threads": threads}
    evaluation = scoring.by_points(engine, paths, split, settings, views=views, votes=1, seed=0, relabel=relabel)
    evaluation = replace(evaluation, settings=evaluation.settings | of)
    evaluation.write(file)
    return evaluation
