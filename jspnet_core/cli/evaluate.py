"""`jspnet evaluate`: score a model on labelled rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from jspnet_core.cli import options, scoring
from jspnet_core.cli.options import DEFAULTS, OptionError
from jspnet_core.cli.score_tables import print_evaluation, say
from jspnet_core.data.rooms import read_split, room_paths
from jspnet_core.evaluation.paper_protocol import BANDWIDTH
from jspnet_core.evaluation.results import Evaluation, pool


def evaluate(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="ROOMS_DIR", help="folder of labelled rooms; with --pool: JSON files")
    ],
    split: Annotated[str, typer.Option(help="which split of the rooms")] = "val",
    rooms: Annotated[list[str] | None, typer.Option(help="only this room of the split; may be repeated")] = None,
    protocol: Annotated[
        Literal["points", "paper"],
        typer.Option(help="points: every point of a room once; paper: as the paper counts, in the blocks of its code"),
    ] = "points",
    views: Annotated[int, typer.Option(help="depth-camera frames of each room to score as well", min=0)] = 0,
    votes: Annotated[int, typer.Option(help="rotations about z whose labels are averaged", min=1, max=64)] = 1,
    seed: Annotated[int, typer.Option(help="of the views, and of the points that blocks draw", min=0)] = 0,
    train_sizes: Annotated[
        Path | None,
        typer.Option(
            metavar="ROOMS_DIR",
            help="mean instance sizes of this folder's split 'train'; without it the model's, or, with --protocol "
            "paper, those of the evaluated folder's split 'train'",
        ),
    ] = None,
    thing: Annotated[
        list[str] | None, typer.Option(help="a class that is an object, instead of the model's list; may be repeated")
    ] = None,
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    stride: options.RoomOrFrameStride = None,
    turn: options.RoomOrFrameTurn = None,
    voxel: options.Voxel = DEFAULTS.voxel_size,
    bandwidth: options.ProtocolBandwidth = None,
    merging: options.Merging = DEFAULTS.merging,
    min_instance_ratio: options.MinInstanceRatio = DEFAULTS.min_instance_ratio,
    always_kept: options.RoomOrFrameAlwaysKept = None,
    split_gap: options.RoomOrFrameSplitGap = None,
    min_class_area: options.RoomOrFrameMinClassArea = None,
    max_blocks: options.RoomOrFrameMaxBlocks = None,
    threads: options.Threads = DEFAULTS.threads,
    pool_files: Annotated[bool, typer.Option("--pool", help="add up the scores of several --json files")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write the scores there, with the counts to pool")
    ] = None,
) -> None:
    """Score a model on labelled rooms: oAcc, mAcc, mIoU, mCov, mWCov, mPre, mRec, AP, per class and in all."""
    if json_file is not None and not json_file.parent.is_dir():
        raise OptionError(f"--json {json_file}: no folder {json_file.parent}")
    if pool_files:
        _report(pool(inputs), f"pooled from {len(inputs)} files", json_file)
        return
    rooms_dir = _single(inputs)
    paths = _chosen(rooms_dir, split, rooms or [])
    of_runtime = {
        "stride": stride,
        "voxel_size": voxel,
        "merging": merging,
        "min_instance_ratio": min_instance_ratio,
        "always_kept": always_kept,
        "max_blocks": max_blocks,
        "split_gap": split_gap,
        "turn": turn,
        "min_class_area": min_class_area,
    }
    if protocol == "paper":
        _refuse_with_paper({**of_runtime, "views": views, "votes": votes})
    loaded = options.load_engine(model, engine, threads)
    for folder in (rooms_dir, *([train_sizes] if train_sizes else [])):
        scoring.check_classes(loaded, folder)
    if protocol == "paper":
        loaded = scoring.adjust(loaded, thing, None)
        evaluation = scoring.by_blocks(
            loaded,
            paths,
            split,
            train_sizes or rooms_dir,
            bandwidth=bandwidth or BANDWIDTH,
            threads=threads,
            seed=seed,
        )
    else:
        loaded = scoring.adjust(loaded, thing, train_sizes)
        settings = {**of_runtime, "bandwidth": bandwidth, "threads": threads, "seed": seed}
        evaluation = scoring.by_points(loaded, paths, split, settings, views=views, votes=votes, seed=seed)
    _report(evaluation, f"{rooms_dir}, split {split}", json_file)


def _refuse_with_paper(chosen: dict[str, object]) -> None:
    """The paper's protocol has values of its own for these."""
    defaults = {
        "stride": None,
        "voxel_size": DEFAULTS.voxel_size,
        "merging": DEFAULTS.merging,
        "min_instance_ratio": DEFAULTS.min_instance_ratio,
        "always_kept": None,
        "max_blocks": None,
        "split_gap": None,
        "turn": None,
        "min_class_area": None,
        "views": 0,
        "votes": 1,
    }
    names = {"voxel_size": "voxel"}
    changed = [f"--{names.get(key, key).replace('_', '-')}" for key, value in chosen.items() if value != defaults[key]]
    if changed:
        raise OptionError(f"--protocol paper leaves no choice of {', '.join(changed)}; drop it, or take points")


def _single(inputs: list[Path]) -> Path:
    if len(inputs) > 1:
        raise OptionError(f"{len(inputs)} folders given: evaluate each with --json, then --pool the files")
    return inputs[0]


def _chosen(rooms_dir: Path, split: str, names: list[str]) -> list[Path]:
    paths = room_paths(rooms_dir, split)
    unknown = set(names) - {path.stem for path in paths}
    if unknown:
        known = ", ".join(read_split(rooms_dir)[split])
        raise OptionError(f"split {split!r} has no room {', '.join(sorted(unknown))}; it has {known}")
    if not paths:
        raise OptionError(f"split {split!r} of {rooms_dir} has no rooms")
    return [path for path in paths if not names or path.stem in names]


def _report(evaluation: Evaluation, where: str, json_file: Path | None) -> None:
    """Print, and write where a file was asked for."""
    console = Console()
    say(console, f"{evaluation.model} on {where}, protocol {evaluation.protocol}")
    print_evaluation(console, evaluation)
    if json_file is not None:
        try:
            evaluation.write(json_file)
        except OSError as error:
            raise OptionError(f"--json {json_file}: {error.strerror or error}") from None
