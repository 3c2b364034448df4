"""Ablation of the modern recipe: train without each ingredient, or with it alone, and validate.

    python -m benchmarks.accuracy.ablation ROOMS_DIR --out runs/effects --samples 8000 --seeds 2
    python -m benchmarks.accuracy.ablation ROOMS_DIR --out runs/effects --init jspnet_core/models/jspnet_s3dis.pt

Writes effects.md and effects.json into --out after every run. Called again it goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from jspnet_core.data.rooms import Room, open_rooms, room_classes
from jspnet_core.io.atomic import replacing
from jspnet_core.network_config import NetworkConfiguration, Size
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.recipe import Recipe, resolve

OFF: dict[str, list[str]] = {
    "AdamW": ["optimizer=adam", "weight_decay=0"],
    "cosine schedule": ["schedule=step"],
    "warm-up": ["warmup_samples=0"],
    "gradient clipping": ["clip_norm=0"],
    "slow batch norms": ["norm_momentum=0.5"],
    "averaged weights": ["ema=0"],
    "label smoothing": ["label_smoothing=0"],
    "class weights": ["class_weight=0"],
    "less dropout": ["dropout=0.5"],
    "balanced sampling": ["balance=0"],
    "views": ["views=0"],
    "views: range noise": ["view.noise=0"],
    "views: tilted gravity": ["view.tilt=0"],
    "views: floor offset": ["view.floor_error=0"],
    "views: colour missing at edges": ["edge_color=0"],
    "rotation about z": ["turn=false"],
    "mirroring": ["mirror=false"],
    "scaling": ["scale=0"],
    "jitter": ["jitter=0"],
    "colour drop": ["color_drop=0"],
    "brightness": ["color_gain=0"],
    "contrast": ["contrast=0"],
}
"""Each ingredient of the modern recipe, and the settings that take it away."""

EVERYTHING = "everything"
NOTHING = "nothing"
SCORES = ("miou", "view_miou", "accuracy", "semantic", "pull", "push")

Mode = Literal["without", "with"]


def variants(mode: Mode) -> dict[str, list[str]]:
    """Settings on top of the modern recipe, by name, the one that all are compared with first.

    without: all ingredients but one. with: none but one; what belongs to views has no effect without them.
    """
    if mode == "without":
        return {EVERYTHING: [], **OFF}
    nothing = [setting for settings in OFF.values() for setting in settings]
    alone = {
        name: [s for other, settings in OFF.items() if other != name for s in settings]
        for name in OFF
        if not name.startswith("views: ")
    }
    return {NOTHING: nothing, **alone}


def measure(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder of rooms with splits train and val")],
    out: Annotated[Path, typer.Option(help="folder of the runs and of effects.md, effects.json")] = Path(
        "runs/effects"
    ),
    mode: Annotated[Mode, typer.Option(help="without: leave one out; with: add one to none")] = "without",
    samples: Annotated[int, typer.Option(min=1, help="blocks to train on, in each run")] = 8000,
    batch: Annotated[int, typer.Option(min=1, help="blocks of a step")] = 4,
    seeds: Annotated[int, typer.Option(min=1, help="runs of each variant")] = 1,
    size: Annotated[Size, typer.Option(help="of the network")] = "s",
    init: Annotated[Path | None, typer.Option(metavar="MODEL", help="begin each run from this checkpoint")] = None,
    only: Annotated[list[str] | None, typer.Option(help="only this ingredient; may be repeated")] = None,
    workers: Annotated[int, typer.Option(min=0, help="processes that cut blocks")] = 1,
) -> None:
    """Train every variant with every seed, and write the effect of each ingredient on validation scores."""
    chosen = variants(mode)
    unknown = set(only or []) - set(chosen)
    if unknown:
        raise typer.BadParameter(f"no ingredient {', '.join(sorted(unknown))}; there are {', '.join(chosen)}")
    first = next(iter(chosen))
    rooms, validation = (open_rooms(rooms_dir, split) for split in ("train", "val"))
    start = None if init is None else Checkpoint.load(init)
    budget = {
        "samples": samples,
        "batch": batch,
        "size": f"from {init.name}" if init else size,
        "mode": mode,
        "rooms": len(rooms),
        "validation_rooms": len(validation),
    }
    scores: dict[str, list[dict]] = {}
    for seed in range(seeds):
        for name, settings in chosen.items():
            if only and name not in (*only, first):
                continue
            common = [f"samples={samples}", f"batch={batch}", f"seed={seed}", f"validate_every={samples}"]
            recipe = resolve("modern", [f"warmup_samples={samples // 20}", *common, *settings])
            folder = out / mode / f"{name.replace(' ', '_').replace(':', '')}_{seed}"
            run = open_run(folder, recipe, rooms, room_classes(rooms_dir), size, start)
            if run.samples < samples:
                with training.progress_bar() as progress:
                    progress.console.print(f"{mode} {name}, seed {seed}")
                    training.train(run, rooms, validation, workers=workers, progress=progress)
            scores.setdefault(name, []).append({key: run.metrics[key] for key in SCORES})
            write(out, budget, scores, chosen)


def open_run(
    folder: Path, recipe: Recipe, rooms: Sequence[Room], classes, size: Size, init: Checkpoint | None
) -> training.TrainingRun:
    """Open a run, new or unfinished. All runs of a folder have one budget: another needs another --out."""
    if (folder / "last.pt").exists():
        if Checkpoint.load(folder / "last.pt").recipe != recipe.model_dump(mode="json"):
            raise typer.BadParameter(f"{folder} was trained with another budget; give another --out")
        return training.resume(folder, recipe)
    return training.start(folder, NetworkConfiguration.of_size(size), recipe, rooms, classes=classes, init=init)


def write(out: Path, budget: dict, scores: dict[str, list[dict]], settings: dict[str, list[str]]) -> None:
    """effects.json and effects.md: mean over the seeds, and the difference from the variant that all share."""
    content = {"budget": budget, "settings": settings, "scores": scores}
    first = next(iter(scores))
    seeds = len(scores[first])
    lines = [
        f"Validation after {budget['samples']} blocks in batches of {budget['batch']} ({budget['size']}), "
        f"{budget['rooms']} rooms, {budget['validation_rooms']} to validate, {seeds} seed(s). Per cent; in brackets "
        f"the difference from `{first}`, `±` half the range over the seeds.",
        "",
        f"| {budget['mode']} | mIoU of rooms | mIoU of views | semantic loss | pull + push |",
        "|---|---|---|---|---|",
    ]
    base = means(scores[first])
    for name, runs in scores.items():
        m = means(runs)
        cells = [
            f"{100 * m[k]:.1f} ({100 * (m[k] - base[k]):+.1f}) ± {50 * np.ptp([r[k] for r in runs]):.1f}"
            for k in ("miou", "view_miou")
        ]
        lines.append(f"| {name} | {' | '.join(cells)} | {m['semantic']:.3f} | {m['pull'] + m['push']:.3f} |")
    for path, text in (("effects.json", json.dumps(content, indent=1)), ("effects.md", "\n".join(lines))):
        with replacing(out / path) as file:
            file.write((text + "\n").encode())


def means(runs: list[dict]) -> dict[str, float]:
    return {key: float(np.mean([run[key] for run in runs])) for key in SCORES}


if __name__ == "__main__":
    typer.run(measure)
