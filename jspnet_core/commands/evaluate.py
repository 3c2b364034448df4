"""`jspnet evaluate`: score a model on labelled rooms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from jspnet_core.commands import options
from jspnet_core.commands.options import DEFAULTS, FRAME_DEFAULTS, OptionError
from jspnet_core.commands.score_tables import print_ratios, print_score, ratios, say
from jspnet_core.data.rooms import read_split, room_paths
from jspnet_core.depth_view import View
from jspnet_core.evaluation import RoomResult, evaluate_rooms, evaluate_views
from jspnet_core.metrics import Score, summarise
from jspnet_core.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.whole_files import replacing


def evaluate(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder of labelled rooms")],
    split: Annotated[str, typer.Option(help="which split of the rooms")] = "val",
    rooms: Annotated[list[str] | None, typer.Option(help="only this room of the split; may be repeated")] = None,
    views: Annotated[int, typer.Option(help="depth-camera frames of each room to score as well", min=0)] = 0,
    seed: Annotated[int, typer.Option(help="which views", min=0)] = 0,
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    stride: options.Stride = DEFAULTS.stride,
    voxel: options.Voxel = DEFAULTS.voxel_size,
    bandwidth: options.Bandwidth = DEFAULTS.bandwidth,
    merging: options.Merging = DEFAULTS.merging,
    min_instance_ratio: options.RoomOrFrameMinInstanceRatio = None,
    max_blocks: options.RoomOrFrameMaxBlocks = None,
    threads: options.Threads = DEFAULTS.threads,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the scores there as well")
    ] = None,
) -> None:
    """Score a model on labelled rooms: oAcc, mAcc, mIoU, mCov, mWCov, mPre, mRec, per class and in all."""
    paths = _chosen(rooms_dir, split, rooms or [])
    if json_file is not None and not json_file.parent.is_dir():
        raise OptionError(f"--json {json_file}: no folder {json_file.parent}")
    settings = {
        "gravity": "none", "stride": stride, "voxel_size": voxel, "bandwidth": bandwidth, "merging": merging,
        "threads": threads,
    }  # fmt: skip
    bounds = {"max_blocks": max_blocks, "min_instance_ratio": min_instance_ratio}
    loaded = options.load_engine(model, engine, threads)
    segmenter = options.open_segmenter(None, loaded, **settings, **_filled(bounds, DEFAULTS))
    console = Console()
    say(console, f"{segmenter.model_name} on {rooms_dir}, split {split}")
    results = _run("rooms", evaluate_rooms(segmenter, paths), len(paths))
    score = summarise([result.score for result in results], segmenter.classes.names)
    print_score(console, score, results)
    content = {"model": segmenter.model_name, "split": split, **_content(segmenter, score, results)}
    if views:
        on_frames = options.open_segmenter(None, loaded, **settings, **_filled(bounds, FRAME_DEFAULTS))
        content["views"] = _views(console, on_frames, paths, views, seed, score)
    if json_file is not None:
        _write_json(json_file, content)


def _views(
    console: Console, segmenter: Segmenter, paths: list[Path], count: int, seed: int, of_rooms: Score
) -> dict[str, Any]:
    """Evaluate single views, print them beside the whole rooms, and return what the JSON file says of them."""
    results = _run("views", evaluate_views(segmenter, paths, count, seed), count * len(paths))
    score = summarise([result.score for result in results], segmenter.classes.names)
    s = segmenter.settings
    say(
        console,
        f"\nsingle views, {count} of each room, seed {seed}; with the settings of a sensor's frames: "
        f"max_blocks {s.max_blocks}, min_instance_ratio {s.min_instance_ratio}",
    )
    print_score(console, score, results, "views")
    print_ratios(console, of_rooms, score)
    return {
        "of_each_room": count, "seed": seed, "camera": View().model_dump(), "ratio": ratios(of_rooms, score),
        **_content(segmenter, score, results),
    }  # fmt: skip


def _filled(given: dict[str, Any], defaults: SegmenterSettings) -> dict[str, Any]:
    return {key: getattr(defaults, key) if value is None else value for key, value in given.items()}


def _chosen(rooms_dir: Path, split: str, names: list[str]) -> list[Path]:
    paths = room_paths(rooms_dir, split)
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        known = ", ".join(read_split(rooms_dir)[split])
        raise OptionError(f"split {split!r} has no room {', '.join(sorted(unknown))}; it has {known}")
    if not paths:
        raise OptionError(f"split {split!r} of {rooms_dir} has no rooms")
    return [path for path in paths if not names or path.stem in names]


def _run(what: str, evaluation: Iterable[RoomResult], total: int) -> list[RoomResult]:
    """Evaluate with a progress bar on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    results = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for result in evaluation:
            results.append(result)
            progress.update(task, advance=1, description=result.name)
    return results


def _content(segmenter: Segmenter, score: Score, results: list[RoomResult]) -> dict[str, Any]:
    return {
        "settings": segmenter.settings.model_dump(), **score.to_dict(),
        "per_room": [result.to_dict() for result in results],
    }  # fmt: skip


def _write_json(path: Path, content: dict[str, Any]) -> None:
    try:
        with replacing(path) as file:
            file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise OptionError(f"--json {path}: {error.strerror or error}") from None
