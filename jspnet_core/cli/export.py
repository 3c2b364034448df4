"""`jspnet export`: write a checkpoint as a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer

from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import output
from jspnet_core.data.rooms import open_rooms
from jspnet_core.export.onnx_export import describe, example_blocks, export_onnx
from jspnet_core.export.parity import check_parity
from jspnet_core.export.precision import PRECISIONS, Precision
from jspnet_core.model_file import ModelDescription
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.validation import NO_AUGMENTATION

PARITY_BLOCKS = 8


def export(
    checkpoint: Annotated[Path, typer.Argument(help="last.pt or best.pt of a training run")],
    model: Annotated[Path, typer.Argument(help="the model file to write, .onnx")],
    name: Annotated[str, typer.Option(help="name of the model")] = "jspnet",
    data: Annotated[str | None, typer.Option(help="training data [default: as recorded in the checkpoint]")] = None,
    licence: Annotated[
        str | None, typer.Option(help="licence of the weights [default: from the recorded training data]")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            help="class that the model must never predict, as one with too little training data; may be repeated"
        ),
    ] = None,
    half: Annotated[bool, typer.Option(help="store weights as float16: half the size on disk")] = True,
    rooms: Annotated[
        Path | None, typer.Option(help="folder of rooms whose validation blocks check the model file")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="fp32 for all engines; fp16 or bf16-mixed for engines on a GPU")
    ] = "fp32",
) -> None:
    """Write the model file, with class table, configuration and licence inside, and compare it with PyTorch.

    Fails if the class of more than 0.5 % of the points differs or, with --rooms, if the adjusted Rand index of the
    clusters is below 0.99.
    """
    if precision not in PRECISIONS:
        raise OptionError(f"--precision is {precision!r}, must be one of {', '.join(PRECISIONS)}")
    state = Checkpoint.load(checkpoint)
    unknown = sorted(set(exclude or []) - set(state.classes.names))
    if unknown:
        raise OptionError(
            f"--exclude is {', '.join(unknown)}, must be classes of the model: {', '.join(state.classes.names)}"
        )
    state.excluded_classes = sorted({*state.excluded_classes, *(exclude or [])})
    description = describe(state, name, data=data, licence=licence, precision=cast(Precision, precision))
    write_checked(state, description, model, half=half, rooms=rooms)


def write_checked(
    state: Checkpoint, description: ModelDescription, model: Path, *, half: bool = True, rooms: Path | None = None
) -> None:
    """Write the model file and compare it with PyTorch. rooms: folder whose validation blocks are compared."""
    network = state.build()
    export_onnx(network, description, model, half_weights=half)
    if rooms is None:
        features = example_blocks(network, PARITY_BLOCKS)[0].numpy()
    else:
        blocks = RandomBlockDataset(open_rooms(rooms, "val"), state.configuration, NO_AUGMENTATION, seed=0)
        features = np.stack([blocks[i]["features"] for i in range(PARITY_BLOCKS)])
    parity = check_parity(network, model, features)
    source = "random points" if rooms is None else "validation rooms"
    output().print(
        f"{model}: {description.precision}, {model.stat().st_size / 1e6:.1f} MB; against PyTorch on {PARITY_BLOCKS} "
        f"blocks of {source}: {parity.summary()}"
    )
    parity.check(model, clusters=rooms is not None)
