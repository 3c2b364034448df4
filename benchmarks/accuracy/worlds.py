"""Score models where they have not been: real rooms, views of them, and frames of generated scenes of unseen furniture.

    . tools/environment.sh
    python -m benchmarks.accuracy.worlds free.pt both.pt default --real ROOMS --split all --frames DEV/frames \\
        --seeds 3 --views 4 --markdown docs/worlds.md

Each draw has another seed of the views and of the points that blocks take. A cell is the mean over the draws, with half
of the range behind it. Models of the table `indoor` are read as the classes of the rooms where these are fewer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from jspnet_core.cli.options import create_segmenter, load_engine
from jspnet_core.cli.scoring import in_common_classes
from jspnet_core.data.generated import FRAMES
from jspnet_core.data.rooms import are_single_views, read_split, room_paths
from jspnet_core.evaluation.evaluate import RoomResult, evaluate_rooms, evaluate_views
from jspnet_core.evaluation.metrics import Score, summarise
from jspnet_core.io.atomic import replacing
from jspnet_core.settings import FrameSettings, SegmenterSettings

FIGURES = ("oAcc", "mAcc", "mIoU", "AP50", "AP25")


@dataclass
class Row:
    """One model on one set. draws: its score by each seed. seconds: of segmenting and scoring."""

    model: str
    what: str
    count: int = 0
    draws: list[Score] = field(default_factory=list)
    seconds: float = 0.0

    def cell(self, figure: str) -> str:
        values = [draw.figures()[figure] for draw in self.draws]
        known = [100.0 * value for value in values if value is not None and not np.isnan(value)]
        if not known:
            return "-"
        spread = f" ± {(max(known) - min(known)) / 2:.1f}" if len(known) > 1 else ""
        return f"{np.mean(known):.1f}{spread}"


def paths_of(folder: Path, split: str, most: int) -> list[Path]:
    """Rooms of a split, or of all splits that train or validate; at most so many, evenly spread."""
    splits = [name for name in ("train", "val") if name in read_split(folder)] if split == "all" else [split]
    paths = [path for name in splits for path in room_paths(folder, name)]
    if most and len(paths) > most:
        paths = [paths[i * len(paths) // most] for i in range(most)]
    return paths


def row_of(
    model: str, what: str, names: Sequence[str], seeds: int, of_seed: Callable[[int], Iterable[RoomResult]]
) -> Row:
    row, begin = Row(Path(model).stem, what), time.monotonic()
    for seed in range(seeds):
        results = list(of_seed(seed))
        row.draws.append(summarise([result.score for result in results], tuple(names)))
        row.count = len(results)
    row.seconds = time.monotonic() - begin
    return row


def score(model: str, folder: Path, paths: list[Path], seeds: int, views: int, threads: int) -> Iterable[Row]:
    """Rows of a model on a folder: whole rooms and views of them, or frames."""
    engine, relabel = in_common_classes(load_engine(Path(model), "onnxruntime", threads), folder, None)
    names = engine.description.class_table().names
    frames = are_single_views(folder)
    defaults = FrameSettings() if frames else SegmenterSettings()

    def segmenter(seed: int, settings: SegmenterSettings):  # type: ignore[no-untyped-def]
        given = settings.model_dump(exclude={"up_axis", "seed", "threads"})
        return create_segmenter(None, engine, up_axis="z", seed=seed, threads=threads, **given)

    def whole(seed: int) -> Iterable[RoomResult]:
        return evaluate_rooms(segmenter(seed, defaults), paths, 1, relabel, single_views=frames)

    def seen(seed: int) -> Iterable[RoomResult]:
        return evaluate_views(segmenter(seed, FrameSettings()), paths, views, seed, None, 1, relabel)

    name = folder.parent.name if folder.name == FRAMES else folder.name
    yield row_of(model, f"{name}, frames" if frames else f"{name}, rooms", names, seeds, whole)
    if views and not frames:
        yield row_of(model, f"{name}, views", names, seeds, seen)


def table(rows: Sequence[Row]) -> str:
    lines = [f"| set | model | {' | '.join(FIGURES)} | of | s |", f"|---|---|{'---|' * (len(FIGURES) + 2)}"]
    for row in sorted(rows, key=lambda r: r.what):
        cells = " | ".join(row.cell(figure) for figure in FIGURES)
        lines.append(f"| {row.what} | {row.model} | {cells} | {row.count} | {row.seconds:.0f} |")
    return "\n".join(lines)


def by_class(rows: Sequence[Row]) -> str:
    """IoU of each class, in percent, the mean over the draws."""
    parts = []
    for row in sorted(rows, key=lambda r: r.what):
        ious = np.array([[np.nan if c.iou is None else c.iou for c in draw.classes] for draw in row.draws], float)
        shown = [
            f"{of_class.name} {100 * np.nanmean(column):.0f}"
            for of_class, column in zip(row.draws[0].classes, ious.T, strict=True)
            if not np.isnan(column).all()
        ]
        parts.append(f"- {row.what}, {row.model}: {', '.join(shown)}")
    return "\n".join(parts)


def main(
    models: Annotated[list[str], typer.Argument(help="checkpoints, model files, or names of installed models")],
    real: Annotated[Path | None, typer.Option(help="folder of real rooms")] = None,
    split: Annotated[str, typer.Option(help="of the real rooms; all: train and val")] = "val",
    frames: Annotated[Path | None, typer.Option(help="prepared folder of single views, its split val")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="draws")] = 3,
    views: Annotated[int, typer.Option(min=0, help="of each real room and draw")] = 4,
    most_rooms: Annotated[int, typer.Option(min=0, help="real rooms at most, evenly spread; 0: all")] = 0,
    most_frames: Annotated[int, typer.Option(min=0, help="frames at most, evenly spread; 0: all")] = 0,
    threads: Annotated[int, typer.Option(min=0)] = 1,
    markdown: Annotated[Path | None, typer.Option(help="write the table there as well")] = None,
) -> None:
    """Print one table over all models and sets."""
    console, rows = Console(), []
    for model in models:
        for folder, which, most in ((real, split, most_rooms), (frames, "val", most_frames)):
            if folder is None:
                continue
            for row in score(model, folder, paths_of(folder, which, most), seeds, views, threads):
                rows.append(row)
                console.print(table([row]), highlight=False, soft_wrap=True, markup=False)
    text = f"{table(rows)}\n\nIoU by class, percent:\n\n{by_class(rows)}\n"
    console.print(text, highlight=False, soft_wrap=True, markup=False)
    if markdown is not None:
        with replacing(markdown) as file:
            file.write(text.encode())


if __name__ == "__main__":
    typer.run(main)
