"""Train the systems of the paper on the same rooms, budget and seeds, and score them on the same validation rooms.

    . tools/environment.sh
    python -m benchmarks.accuracy.compare ROOMS --blocks 2400 --size tiny --out runs/compare --markdown docs/accuracy.md
    python -m benchmarks.accuracy.compare ROOMS --blocks 2400 --size tiny --out runs/compare --set components

Started again with the same --out it skips what is finished and goes on with what was interrupted. The table is
written again after every run, seed 0 of all networks first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from torch import nn

from benchmarks.accuracy.compare_page import page, table, written_by_hand
from benchmarks.accuracy.compare_sets import SETS, VARIANTS
from jspnet_core.classes import ClassTable
from jspnet_core.data.rooms import Room, open_rooms, room_classes, room_paths
from jspnet_core.engine.module_engine import NetworkEngine
from jspnet_core.evaluation.evaluate import evaluate_rooms
from jspnet_core.evaluation.metrics import summarise
from jspnet_core.io.atomic import replacing
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import CheckpointError
from jspnet_core.training.dataset.loader import to_device
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset

SCORING = SegmenterSettings(up_axis="z")
SETTLING_BLOCKS = 64


class Budget(BaseModel):
    """Training budget, equal for all networks. A folder of runs holds runs of one budget."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Literal["s", "m", "l", "tiny"]
    blocks: int
    batch: int
    learning_rate: float
    balance: float

    def recipe(self, seed: int) -> training.Recipe:
        """Real rooms only, turned and with changed brightness; the rate falls to the end of the budget."""
        return training.Recipe(
            samples=self.blocks,
            batch=self.batch,
            learning_rate=self.learning_rate,
            schedule="cosine",
            norm_momentum=0.1,
            validate_every=max(1, self.blocks // 3),
            seed=seed,
            augmentation=training.Augmentation(views=0.0, balance=self.balance, color_drop=0.0),
        )


@dataclass(frozen=True)
class Data:
    """Rooms that all networks are trained and scored on."""

    classes: ClassTable
    train: Sequence[Room]
    validation: Sequence[Room]
    scored: Sequence[Path]

    @classmethod
    def of(cls, folder: Path) -> Data:
        train, validation = (open_rooms(folder, split) for split in ("train", "val"))
        return cls(room_classes(folder), train, validation, room_paths(folder, "val"))


def main(
    rooms: Annotated[Path, typer.Argument(help="folder of rooms with the splits train and val")],
    chosen: Annotated[list[str] | None, typer.Option("--set", help=f"{', '.join(SETS)}; may be repeated")] = None,
    size: Annotated[Literal["s", "m", "l", "tiny"], typer.Option(help="of every network")] = "s",
    blocks: Annotated[int, typer.Option(min=1, help="to train each network on")] = 60_000,
    batch: Annotated[int, typer.Option(min=2, help="blocks of a step")] = 4,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="of Adam, at the start")] = 1e-3,
    balance: Annotated[
        float, typer.Option(min=0, max=1, help="share of blocks around a point of a random class")
    ] = 0.25,
    seeds: Annotated[int, typer.Option(min=1, help="how many")] = 2,
    workers: Annotated[int, typer.Option(min=0, help="processes that cut blocks")] = 0,
    out: Annotated[Path, typer.Option(help="folder of the runs")] = Path("runs/compare"),
    json_file: Annotated[Path | None, typer.Option("--json", help="write all figures here")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the page docs/accuracy.md here")] = None,
) -> None:
    """Train, score, and write the table."""
    names = chosen or ["systems"]
    unknown = set(names) - set(SETS)
    if unknown:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}; known are {', '.join(SETS)}", param_hint="--set")
    budget = Budget(size=size, blocks=blocks, batch=batch, learning_rate=learning_rate, balance=balance)
    check_budget(out, budget)
    data, console = Data.of(rooms), Console()
    variants = list(dict.fromkeys(v for name in names for v in SETS[name].variants))
    for seed in range(seeds):
        for variant in variants:
            finish(out / f"{variant}-{seed}", variant, seed, budget, data, workers, console)
            write(names, results(out), budget, data, json_file, markdown)
    for name in names:
        console.print(table(SETS[name], results(out)))


def check_budget(out: Path, budget: Budget) -> None:
    """Raise an error if a table would mix runs of different budgets."""
    path = out / "budget.json"
    if path.exists():
        found = Budget(**json.loads(path.read_text()))
        if found != budget:
            raise typer.BadParameter(f"{out} holds runs of another budget, {found!r}", param_hint="--out")
        return
    out.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(budget.model_dump_json(indent=1).encode())


def results(out: Path) -> dict[str, list[dict]]:
    """Finished runs by variant, in the order of their seeds."""
    found = {}
    for variant in VARIANTS:
        paths = sorted(out.glob(f"{variant}-[0-9]*/result.json"), key=lambda path: int(path.parent.name.split("-")[-1]))
        if paths:
            found[variant] = [json.loads(path.read_text()) for path in paths]
    return found


def finish(folder: Path, variant: str, seed: int, budget: Budget, data: Data, workers: int, console: Console) -> None:
    """Finish training a run, then score it; a run with a result is skipped."""
    if (folder / "result.json").exists():
        return
    console.print(f"{folder.name}: training", style="bold")
    run = train(folder, variant, seed, budget, data, workers, console)
    settle_norms(run, data.train)
    start, timing = time.process_time(), folder / "timing.json"
    engine = NetworkEngine(
        run.network, run.classes, run.mean_sizes, voxel_size=run.recipe.augmentation.voxel_size, name=folder.name
    )
    scored = list(evaluate_rooms(Segmenter(engine=engine, settings=SCORING), data.scored))
    score = summarise([room.score for room in scored], run.classes.names)
    result = {
        "variant": variant,
        "seed": seed,
        "parameters": sum(p.numel() for p in run.network.parameters()),
        "timing": json.loads(timing.read_text()) if timing.exists() else None,
        "scoring_cpu_seconds": time.process_time() - start,
        "scores": score.to_dict(),
    }
    with replacing(folder / "result.json") as file:
        file.write((json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    console.print(f"{folder.name}: mIoU {100 * score.mean_iou:.1f}, mPre {100 * score.mean_precision:.1f}")


@torch.no_grad()
def settle_norms(run: training.TrainingRun, rooms: Sequence[Room]) -> None:
    """Batch norm's statistics of the last weights, over training blocks: after few steps the running ones are rough."""
    blocks = RandomBlockDataset(rooms, run.network.configuration, run.recipe.augmentation, run.recipe.seed)
    device = next(run.network.parameters()).device
    run.network.train()
    for module in run.network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean
    for begin in range(run.samples, run.samples + SETTLING_BLOCKS, run.recipe.batch):
        batch = blocks.collate([blocks[i] for i in range(begin, begin + run.recipe.batch)])
        moved = to_device(batch, device)
        run.network(moved["features"], moved["pyramid"])


def train(
    folder: Path, variant: str, seed: int, budget: Budget, data: Data, workers: int, console: Console
) -> training.TrainingRun:
    """Start a run, or go on from its last checkpoint. Its timing is of the last part, validation on blocks included."""
    configuration = VARIANTS[variant].configuration(budget.size, classes=len(data.classes))
    if (folder / "last.pt").exists():
        run = training.resume(folder, budget.recipe(seed))
        if run.network.configuration != configuration:
            raise CheckpointError(f"{folder / 'last.pt'} is not a {variant} of this size; choose another --out")
    else:
        run = training.start(folder, configuration, budget.recipe(seed), data.train, classes=data.classes)
    before, wall, cpu = run.samples, time.perf_counter(), time.process_time()
    if run.samples < budget.blocks:
        with training.progress_bar() as progress:
            training.train(run, data.train, data.validation, workers=workers, progress=progress)
        timing = {
            "blocks": run.samples - before,
            "wall_seconds": time.perf_counter() - wall,
            "cpu_seconds": time.process_time() - cpu,
        }
        with replacing(folder / "timing.json") as file:
            file.write(json.dumps(timing).encode())
    console.print(f"{folder.name}: trained on {run.samples} blocks")
    return run


def write(
    names: Sequence[str],
    found: dict[str, list[dict]],
    budget: Budget,
    data: Data,
    json_file: Path | None,
    markdown: Path | None,
) -> None:
    """The figures of all finished runs as JSON, and those of the chosen sets as a page."""
    content = {
        "budget": budget.model_dump(),
        "rooms": len(data.train),
        "validation_rooms": len(data.validation),
        "scoring": SCORING.model_dump(),
        "runs": found,
    }
    kept = written_by_hand(markdown) if markdown else ""
    for path, text in ((json_file, json.dumps(content, indent=1) + "\n"), (markdown, page(names, content, kept))):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(text.encode())


if __name__ == "__main__":
    typer.run(main)
