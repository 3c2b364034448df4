"""Evaluation protocols of `jspnet evaluate`, one function each, with progress on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.classes import UNLABELLED, ClassTable
from jspnet_core.cli import options
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import progress_bar
from jspnet_core.data.class_tables import read_class_table
from jspnet_core.data.depth_view import DepthCamera
from jspnet_core.data.instance_sizes import mean_instance_sizes
from jspnet_core.data.rooms import are_single_views, is_prepared, open_rooms, read_split, room_classes
from jspnet_core.engine import Engine, RedescribedEngine
from jspnet_core.engine.merged_classes import MergedClassesEngine
from jspnet_core.evaluation.evaluate import RoomResult, evaluate_rooms, evaluate_views
from jspnet_core.evaluation.paper_protocol import (
    BANDWIDTH,
    MIN_SIZE_RATIO,
    STRIDE,
    evaluate_by_blocks,
    mean_block_sizes,
)
from jspnet_core.evaluation.results import Evaluation
from jspnet_core.settings import FrameSettings, SegmenterSettings

DEFAULTS, FRAME_DEFAULTS = SegmenterSettings(), FrameSettings()


def _defaults_help(name: str) -> str:
    room, frame = getattr(DEFAULTS, name), getattr(FRAME_DEFAULTS, name)
    if name == "bandwidth":
        return f" [default: {room}, or {BANDWIDTH} with --protocol paper]"
    return f" [default: {room}]" if room == frame else f" [default: {room} for rooms, {frame} for single views]"


DEFAULTS_HELP = {name: _defaults_help(name) for name in SegmenterSettings.model_fields}
"""What holds where an option is not given."""


def by_points(
    engine: Engine,
    paths: Sequence[Path],
    split: str,
    settings: dict[str, Any],
    *,
    views: int,
    votes: int,
    seed: int,
    relabel: np.ndarray | None = None,
) -> Evaluation:
    """Every point of a room once, and of simulated views where `views` is not 0.

    settings: of `SegmenterSettings`; None: the default, of rooms or of frames. relabel: see `evaluate_rooms`.
    """
    single_views = are_single_views(paths[0].parent)
    if single_views and views:
        raise OptionError(f"--views: the rooms of {paths[0].parent} are single views already")
    defaults = FRAME_DEFAULTS if single_views else DEFAULTS
    segmenter = options.create_segmenter(None, engine, up_axis="z", **_filled(settings, defaults))
    of_rooms = evaluate_rooms(segmenter, paths, votes, relabel, single_views=single_views)
    rooms = _run("views" if single_views else "rooms", of_rooms, len(paths))
    frames, view_settings = [], {}
    if views:
        on_frames = options.create_segmenter(None, engine, up_axis="z", **_filled(settings, FRAME_DEFAULTS))
        evaluation = evaluate_views(on_frames, paths, views, seed, DepthCamera(), votes, relabel)
        frames = _run("views", evaluation, views * len(paths))
        view_settings = {
            "of_each_room": views,
            "seed": seed,
            "camera": DepthCamera().model_dump(),
            "settings": on_frames.settings.model_dump(),
        }
    return Evaluation(
        engine.description.name,
        split,
        "points",
        *_classes(engine),
        segmenter.settings.model_dump() | {"votes": votes, "mean_instance_sizes": engine.description.mean_sizes},
        rooms,
        frames,
        view_settings,
    )


def by_blocks(
    engine: Engine, paths: Sequence[Path], split: str, training: Path, *, bandwidth: float, threads: int, seed: int
) -> Evaluation:
    """Score by the paper's protocol. training: folder of rooms whose split `train` gives the mean instance sizes."""
    c = engine.description.configuration
    rooms = _training_rooms(training)
    sizes = mean_block_sizes(rooms, c.classes, c.points, c.block_size, seed)
    segmenter = options.create_segmenter(None, engine, up_axis="z", bandwidth=bandwidth, threads=threads)
    results = _run("rooms", evaluate_by_blocks(segmenter, paths, sizes, seed), len(paths))
    settings = {
        "stride": STRIDE,
        "points_per_block": c.points,
        "merging": "legacy",
        "min_instance_ratio": MIN_SIZE_RATIO,
        "bandwidth": bandwidth,
        "seed": seed,
        "mean_instance_sizes": _listed(sizes),
    }
    return Evaluation(engine.description.name, split, "paper", *_classes(engine), settings, results)


def adjust(engine: Engine, things: Sequence[str] | None, train_sizes: Path | None) -> Engine:
    """Return the engine with the thing classes and mean instance sizes of the command line, where they are given.

    Raises `OptionError`, `RoomFileError`.
    """
    d = engine.description
    changes: dict[str, Any] = {}
    if things:
        unknown = set(things) - set(d.class_table().names)
        if unknown:
            names = ", ".join(d.class_table().names)
            raise OptionError(f"--thing {', '.join(sorted(unknown))}: no such class; the model has {names}")
        changes["classes"] = {**d.classes, "things": list(things)}
    if train_sizes is not None:
        rooms = _training_rooms(train_sizes)
        changes["mean_sizes"] = _listed(mean_instance_sizes(rooms, d.configuration.classes, d.voxel_size))
    return RedescribedEngine(engine, d.model_copy(update=changes)) if changes else engine


def in_common_classes(engine: Engine, rooms_dir: Path, given: str | None) -> tuple[Engine, np.ndarray | None]:
    """The engine answering in the classes to score by, and the label there of each label of the rooms, (256,) uint8.

    given: value of `--classes`; without it the model's classes, or the rooms' where the one table is the smaller one
    of the other. Npz files do not name their classes: they are the model's, unless these are not of their number.
    Raises `OptionError`, `RoomFileError`, `ClassTableError`.
    """
    model, rooms = engine.description.class_table(), room_classes(rooms_dir)
    if not is_prepared(rooms_dir) and model.base().names != rooms.names:
        rooms = model
    if given is not None:
        table = read_class_table(given)[0]
    elif model.names == rooms.names or rooms.base().names == model.names:
        table = model
    elif model.base().names == rooms.names:
        table = rooms
    else:
        raise OptionError(
            f"{engine.description.name} knows the classes {', '.join(model.names)}; the rooms of {rooms_dir} have "
            f"{', '.join(rooms.names)}: there is nothing to compare"
        )
    merged = engine if model.names == table.names else MergedClassesEngine(engine, table)
    if rooms.names == table.names:
        return merged, None
    relabel = np.full(UNLABELLED + 1, UNLABELLED, np.uint8)
    relabel[: len(rooms)] = rooms.labels_in(table)
    return merged, relabel


def _training_rooms(folder: Path) -> list:
    rooms = open_rooms(folder, "train") if read_split(folder).get("train") else []
    if not rooms:
        raise OptionError(
            f"{folder} has no rooms in a split 'train' to take mean instance sizes from; name a folder that has, "
            "with --train-sizes"
        )
    return rooms


def _classes(engine: Engine) -> tuple[tuple[str, ...], tuple[str, ...]]:
    table: ClassTable = engine.description.class_table()
    return table.names, table.things


def _listed(sizes: np.ndarray) -> list[float | None]:
    return [None if np.isnan(size) else float(size) for size in sizes]


def _filled(given: dict[str, Any], defaults: SegmenterSettings) -> dict[str, Any]:
    chosen = {key: value for key, value in given.items() if value is not None}
    return {**defaults.model_dump(exclude={"up_axis"}), **chosen}


def _run(what: str, evaluation: Iterable[RoomResult], total: int) -> list[RoomResult]:
    results = []
    with progress_bar() as progress:
        task = progress.add_task(what, total=total)
        for result in evaluation:
            results.append(result)
            progress.update(task, advance=1, description=result.name)
    return results
