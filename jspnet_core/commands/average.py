"""`jspnet average`: one network of the weights of several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jspnet_core.commands.options import OptionError
from jspnet_core.training.weight_average import mean_checkpoint


def average(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="two or more checkpoints of one network, as a run's last.pt")
    ],
    out: Annotated[Path, typer.Option(help="the checkpoint to write, for jspnet export or train --init")],
    share: Annotated[
        list[float] | None, typer.Option(min=0.0, help="of each checkpoint, in their order; if none is given: alike")
    ] = None,
) -> None:
    """Write the mean of the weights of networks that were trained on from each other."""
    if len(checkpoints) < 2:
        raise OptionError(f"{len(checkpoints)} checkpoint given, a mean needs two or more")
    shares = share or [1.0] * len(checkpoints)
    if len(shares) != len(checkpoints) or not sum(shares):
        raise OptionError(
            f"--share {', '.join(map(str, shares))}: one for each of {len(checkpoints)} checkpoints, not all 0"
        )
    shares = [one / sum(shares) for one in shares]
    mean_checkpoint(checkpoints, shares).save(out)
    parts = ", ".join(f"{one:.0%} {path}" for one, path in zip(shares, checkpoints, strict=True))
    Console(soft_wrap=True).print(f"{out}: {parts}", highlight=False)
