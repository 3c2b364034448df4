"""`jspnet average`: average the weights of checkpoints, and recalibrate batch norms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import output, progress_bar
from jspnet_core.data.rooms import open_rooms, room_classes, room_geometry
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.room_bounds import check_rooms
from jspnet_core.training.transfer.load_weights import check_blocks
from jspnet_core.training.transfer.weight_averaging import average_checkpoints, recalibrate_batch_norms


def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="checkpoints of one network, as a run's last.pt; two or more without --rooms")
    ],
    out: Annotated[Path, typer.Option(help="the checkpoint to write, for jspnet export or train --init")],
    share: Annotated[
        list[float] | None, typer.Option(min=0.0, help="weight of each checkpoint, in their order [default: equal]")
    ] = None,
    rooms: Annotated[
        Path | None,
        typer.Option(metavar="ROOMS_DIR", help="recalibrate the batch norms on blocks of these rooms' split train"),
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="blocks for the recalibration")] = 800,
    views: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="share of them cut from simulated depth-camera views")
    ] = 0.0,
    workers: Annotated[int, typer.Option(min=0, help="processes that load blocks")] = 1,
) -> None:
    """Average the weights of checkpoints that share a part of their training."""
    if len(checkpoints) < 2 and rooms is None:
        raise OptionError(f"CHECKPOINTS: {len(checkpoints)} given, at least two are needed without --rooms")
    shares = share or [1.0] * len(checkpoints)
    if len(shares) != len(checkpoints) or not sum(shares):
        raise OptionError(f"--share is {', '.join(map(str, shares))}, must be {len(checkpoints)} numbers, not all 0")
    shares = [one / sum(shares) for one in shares]
    mean = average_checkpoints(checkpoints, shares)
    if rooms is not None:
        check_blocks(checkpoints[0], mean.configuration, room_geometry(rooms))
        mean = _recalibrated(mean, rooms, samples, views, workers)
    mean.save(out)
    parts = ", ".join(f"{one:.0%} {path}" for one, path in zip(shares, checkpoints, strict=True))
    norms = "" if rooms is None else f"; batch norms recalibrated on {samples} blocks of {rooms}"
    output().print(f"{out}: {parts}{norms}", soft_wrap=True)


def _recalibrated(mean: Checkpoint, rooms_dir: Path, samples: int, views: float, workers: int) -> Checkpoint:
    classes = room_classes(rooms_dir)
    if classes.names != mean.classes.names:
        raise OptionError(
            f"--rooms {rooms_dir} has the classes {', '.join(classes.names)}; the network's are "
            f"{', '.join(mean.classes.names)}"
        )
    rooms = open_rooms(rooms_dir, "train")
    check_rooms(rooms, classes, rooms_dir, "train")
    with progress_bar() as progress:
        return recalibrate_batch_norms(mean, rooms, samples, views=views, workers=workers, progress=progress)
