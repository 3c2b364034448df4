"""`jspnet evaluate`: score a model on labelled rooms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from jspnet_core.commands import options
from jspnet_core.commands.options import DEFAULTS, OptionError
from jspnet_core.data.rooms import read_split, room_paths
from jspnet_core.evaluation import RoomResult, evaluate_rooms
from jspnet_core.metrics import Score, summarise
from jspnet_core.segmenter import Segmenter
from jspnet_core.whole_files import replacing


def evaluate(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder of room .npz files with a split.json")],
    split: Annotated[str, typer.Option(help="which split of split.json")] = "val",
    rooms: Annotated[list[str] | None, typer.Option(help="only this room of the split; may be repeated")] = None,
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    stride: options.Stride = DEFAULTS.stride,
    voxel: options.Voxel = DEFAULTS.voxel_size,
    bandwidth: options.Bandwidth = DEFAULTS.bandwidth,
    merging: options.Merging = DEFAULTS.merging,
    min_instance_ratio: options.MinInstanceRatio = DEFAULTS.min_instance_ratio,
    threads: options.Threads = DEFAULTS.threads,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the scores there as well")
    ] = None,
) -> None:
    """Score a model on labelled rooms: oAcc, mAcc, mIoU, mCov, mWCov, mPre, mRec, per class and in all."""
    paths = _chosen(rooms_dir, split, rooms or [])
    if json_file is not None and not json_file.parent.is_dir():
        raise OptionError(f"--json {json_file}: no folder {json_file.parent}")
    segmenter = options.open_segmenter(
        model, engine, gravity="none", stride=stride, voxel_size=voxel, bandwidth=bandwidth, merging=merging,
        min_instance_ratio=min_instance_ratio, threads=threads,
    )  # fmt: skip
    results = _run(segmenter, paths)
    score = summarise([result.score for result in results], segmenter.classes.names)
    console = Console()
    console.print(f"{segmenter.model_name} on {rooms_dir}, split {split}", highlight=False, soft_wrap=True)
    _print_score(console, score, results)
    if json_file is not None:
        _write_json(json_file, segmenter, split, score, results)


def _chosen(rooms_dir: Path, split: str, names: list[str]) -> list[Path]:
    paths = room_paths(rooms_dir, split)
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        known = ", ".join(read_split(rooms_dir)[split])
        raise OptionError(f"split {split!r} has no room {', '.join(sorted(unknown))}; it has {known}")
    if not paths:
        raise OptionError(f"split {split!r} of {rooms_dir} has no rooms")
    return [path for path in paths if not names or path.stem in names]


def _run(segmenter: Segmenter, paths: list[Path]) -> list[RoomResult]:
    """Evaluate with a progress bar on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    results = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rooms", total=len(paths))
        for result in evaluate_rooms(segmenter, paths):
            results.append(result)
            progress.update(task, advance=1, description=result.name)
    return results


def _print_score(console: Console, score: Score, results: list[RoomResult]) -> None:
    console.print(_table(score))
    console.print(f"oAcc {_percent(score.overall_accuracy)}; everything in per cent", highlight=False)
    if score.never_predicted:
        console.print(f"never predicted, so precision 0: {', '.join(score.never_predicted)}", highlight=False)
    if score.absent:
        console.print(f"neither in the rooms nor predicted, so in no mean: {', '.join(score.absent)}", highlight=False)
    points, unlabelled = sum(r.points for r in results), sum(r.unlabelled for r in results)
    seconds, blocks = sum(r.seconds for r in results), sum(r.blocks for r in results)
    console.print(
        f"{score.rooms} rooms, {points:,} points ({unlabelled / points:.2%} without a label, counted as wrong), "
        f"{blocks:,} blocks, {seconds:.1f} s",
        highlight=False,
    )


def _table(score: Score) -> Table:
    """Per cent, by class and in all."""
    table = Table("class", box=None, padding=(0, 1))
    for heading in ("Acc", "IoU", "Cov", "WCov", "Pre", "Rec", "true", "found"):
        table.add_column(heading, justify="right")
    for c in score.classes:
        shares = (c.accuracy, c.iou, c.coverage, c.weighted_coverage, c.precision, c.recall)
        table.add_row(c.name, *map(_percent, shares), str(c.true_instances), str(c.predicted_instances))
    table.add_section()
    means = (
        score.mean_accuracy, score.mean_iou, score.mean_coverage, score.mean_weighted_coverage, score.mean_precision,
        score.mean_recall,
    )  # fmt: skip
    table.add_row("mean", *map(_percent, means), style="bold")
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


def _write_json(path: Path, segmenter: Segmenter, split: str, score: Score, results: list[RoomResult]) -> None:
    content = {
        "model": segmenter.model_name,
        "split": split,
        "settings": segmenter.settings.model_dump(),
        **score.to_dict(),
        "per_room": [result.to_dict() for result in results],
    }
    try:
        with replacing(path) as file:
            file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise OptionError(f"--json {path}: {error.strerror or error}") from None
