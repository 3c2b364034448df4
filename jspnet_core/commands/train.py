"""`jspnet train`: train JSPNet on a folder of labelled rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.data.generated import generated_rooms
from jspnet_core.data.rooms import read_room, room_paths
from jspnet_core.training import train as training
from jspnet_core.training.block_set import Augmentation


def train(
    rooms_dir: Annotated[Path, typer.Argument(help="folder of room .npz files with a split.json (train, val)")],
    out: Annotated[Path, typer.Option(help="folder of the run: checkpoints, TensorBoard logs")] = Path("runs/jspnet"),
    size: Annotated[
        Literal["full", "narrow"],
        typer.Option(help="full: as in the paper, 8.3 M weights; narrow: half the widths"),
    ] = "full",
    resume: Annotated[bool, typer.Option("--resume", help="go on from OUT/last.pt")] = False,
    samples: Annotated[int, typer.Option(min=1, help="blocks to train on in all")] = 2_000_000,
    batch: Annotated[int, typer.Option(min=1, help="blocks of a step")] = 12,
    learning_rate: Annotated[float, typer.Option(min=0.0, help="of Adam, at the start")] = 1e-3,
    schedule: Annotated[
        Literal["step", "cosine"], typer.Option(help="of the learning rate; step as in the paper")
    ] = "step",
    decay_samples: Annotated[
        int, typer.Option(min=1, help="blocks after which rate and norm momentum halve")
    ] = 300_000,
    norm_momentum: Annotated[float, typer.Option(help="of batch norm at the start; halves with the rate")] = 0.5,
    validate_every: Annotated[int, typer.Option(min=1, help="blocks between validations and checkpoints")] = 3000,
    views: Annotated[float, typer.Option(min=0.0, max=1.0, help="share of blocks as a depth camera sees them")] = 0.5,
    balance: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="share of blocks around a point of a random class")
    ] = 0.0,
    color_drop: Annotated[float, typer.Option(min=0.0, max=1.0, help="share of blocks without colour")] = 0.15,
    generated: Annotated[int, typer.Option(min=0, help="generated rooms to train on beside the real ones")] = 0,
    seed: Annotated[int, typer.Option(help="of weights, rooms and augmentation")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="processes that cut blocks")] = 1,
) -> None:
    """Train JSPNet; --resume goes on after an interruption, and a larger --samples or smaller rate then applies."""
    recipe = training.Recipe(
        samples=samples,
        batch=batch,
        learning_rate=learning_rate,
        schedule=schedule,
        decay_samples=decay_samples,
        norm_momentum=norm_momentum,
        validate_every=validate_every,
        seed=seed,
        generated_rooms=generated,
        augmentation=Augmentation(views=views, balance=balance, color_drop=color_drop),
    )
    rooms = [read_room(path) for path in room_paths(rooms_dir, "train")] + generated_rooms(generated)
    validation = [read_room(path) for path in room_paths(rooms_dir, "val")]
    if resume:
        run = training.resume(out, recipe)
    else:
        run = training.start(
            out, NetworkConfiguration() if size == "full" else NetworkConfiguration.narrow(), recipe, rooms
        )
    with training.progress_bar() as progress:
        progress.console.print(
            f"{len(rooms)} rooms to train on, {len(validation)} to validate; "
            f"{sum(p.numel() for p in run.network.parameters()):,} weights; {out}"
        )
        training.train(run, rooms, validation, workers=workers, progress=progress)
