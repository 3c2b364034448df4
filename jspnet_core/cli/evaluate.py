"""`jspnet evaluate`: score a model on labelled rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jspnet_core.cli import options, scoring
from jspnet_core.cli.score_tables import print_evaluation, say
from jspnet_core.cli.scoring import DEFAULTS
from jspnet_core.cli.settings_options import OptionError, options_from
from jspnet_core.cli.terminal import output
from jspnet_core.data.rooms import read_split, room_paths
from jspnet_core.evaluation.paper_protocol import BANDWIDTH
from jspnet_core.evaluation.results import Evaluation, pool


@options_from(
    "settings",
    {name: info for name, info in options.SETTINGS.items() if name != "up_axis"},
    names=options.OPTION_NAMES,
    unset=True,
    more_help=scoring.DEFAULTS_HELP,
)
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
    classes: Annotated[
        str | None,
        typer.Option(
            help="class table to score by, as s3dis: predictions and truth are read as its classes [default: the "
            "model's, or the rooms' where that is the smaller table]"
        ),
    ] = None,
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    settings: dict[str, Any] = {},  # noqa: B006  the options of the decorator
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
    if protocol == "paper":
        _refuse_with_paper(settings, views, votes)
    threads = settings.setdefault("threads", DEFAULTS.threads)
    loaded = options.load_engine(model, engine, threads)
    loaded, relabel = scoring.in_common_classes(loaded, rooms_dir, classes)
    if protocol == "paper" and relabel is not None:
        raise OptionError("--protocol paper scores by the classes of the rooms alone: drop --classes")
    if train_sizes and scoring.in_common_classes(loaded, train_sizes, None)[1] is not None:
        raise OptionError(f"--train-sizes {train_sizes}: its rooms have other classes than are scored")
    if protocol == "paper":
        loaded = scoring.adjust(loaded, thing, None)
        evaluation = scoring.by_blocks(
            loaded,
            paths,
            split,
            train_sizes or rooms_dir,
            bandwidth=settings.get("bandwidth", BANDWIDTH),
            threads=threads,
            seed=seed,
        )
    else:
        loaded = scoring.adjust(loaded, thing, train_sizes)
        evaluation = scoring.by_points(
            loaded, paths, split, {**settings, "seed": seed}, views=views, votes=votes, seed=seed, relabel=relabel
        )
    _report(evaluation, f"{rooms_dir}, split {split}", json_file)


def _refuse_with_paper(settings: dict[str, Any], views: int, votes: int) -> None:
    """Raise `OptionError` for options of which the paper's protocol has values of its own."""
    changed = [options.OPTION_NAMES.get(name, name) for name in settings if name not in ("bandwidth", "threads")]
    changed += [name for name, is_set in (("views", views > 0), ("votes", votes > 1)) if is_set]
    if changed:
        listed = ", ".join(f"--{name.replace('_', '-')}" for name in changed)
        raise OptionError(f"--protocol paper leaves no choice of {listed}; drop it, or take points")


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
    """Print the scores, and write the file of --json if given."""
    console = output()
    say(console, f"{evaluation.model} on {where}, protocol {evaluation.protocol}")
    print_evaluation(console, evaluation)
    if json_file is not None:
        try:
            evaluation.write(json_file)
        except OSError as error:
            raise OptionError(f"--json {json_file}: {error.strerror or error}") from None
