"""`jspnet export`: a checkpoint becomes the model file that the robot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer
from rich.console import Console

from jspnet_core.cli.options import OptionError
from jspnet_core.data.rooms import open_rooms
from jspnet_core.export.onnx_export import describe, example_blocks, export_onnx
from jspnet_core.export.parity import check_parity
from jspnet_core.export.precision import PRECISIONS, Precision
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.block_dataset import RandomBlockDataset
from jspnet_core.training.validation import NO_AUGMENTATION

PARITY_BLOCKS = 8

S3DIS_DATA = "S3DIS (Stanford Large-Scale 3D Indoor Spaces)"
S3DIS_LICENCE = "weights trained on S3DIS: research use only, not commercial"


def export(
    checkpoint: Annotated[Path, typer.Argument(help="last.pt or best.pt of a training run")],
    model: Annotated[Path, typer.Argument(help="the model file to write, .onnx")],
    name: Annotated[str, typer.Option(help="what the model calls itself")] = "jspnet",
    data: Annotated[str, typer.Option(help="what it was trained on")] = S3DIS_DATA,
    licence: Annotated[str, typer.Option(help="of the weights")] = S3DIS_LICENCE,
    never: Annotated[
        list[str] | None,
        typer.Option(help="a class never to say, as one that training showed too seldom; may be repeated"),
    ] = None,
    half: Annotated[bool, typer.Option(help="store weights as float16: half the size on disk")] = True,
    rooms: Annotated[Path | None, typer.Option(help="folder of rooms: check parity on validation blocks")] = None,
    precision: Annotated[
        str, typer.Option(help="fp32, which every engine runs; fp16 or bf16-mixed for engines on a GPU")
    ] = "fp32",
) -> None:
    """Write the model file, with its class table, configuration and licence inside, and check it against PyTorch.

    Fails when the class of more than 0.5 % of the points differs, and, on rooms, when clusters agree with an adjusted
    Rand index below 0.99.
    """
    if precision not in PRECISIONS:
        raise OptionError(f"--precision is {precision!r}, must be one of {', '.join(PRECISIONS)}")
    state = Checkpoint.load(checkpoint)
    unknown = sorted(set(never or []) - set(state.classes.names))
    if unknown:
        raise OptionError(f"--never {', '.join(unknown)}: the model's classes are {', '.join(state.classes.names)}")
    state.never = sorted({*state.never, *(never or [])})
    network = state.build()
    description = describe(state, name, data, licence, cast(Precision, precision))
    export_onnx(network, description, model, half_weights=half)
    if rooms is None:
        features = example_blocks(network, PARITY_BLOCKS)[0].numpy()
    else:
        blocks = RandomBlockDataset(open_rooms(rooms, "val"), state.configuration, NO_AUGMENTATION, seed=0)
        features = np.stack([blocks[i]["features"] for i in range(PARITY_BLOCKS)])
    parity = check_parity(network, model, features)
    source = "random points" if rooms is None else "validation rooms"
    Console().print(
        f"{model}: {precision}, {model.stat().st_size / 1e6:.1f} MB; against PyTorch on {PARITY_BLOCKS} blocks of "
        f"{source}: {parity.sentence()}"
    )
    parity.check(model, clusters=rooms is not None)
