"""`jspnet export`: a checkpoint becomes the model file that the robot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from jspnet_core.data.rooms import read_room, room_paths
from jspnet_core.export.onnx_export import check_parity, describe, example_blocks, export_onnx
from jspnet_core.training.block_set import BlockSet
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.validation import PLAIN

PARITY_BLOCKS = 8
MOST_CHANGED = 0.005

S3DIS_DATA = "S3DIS (Stanford Large-Scale 3D Indoor Spaces)"
S3DIS_LICENCE = "weights trained on S3DIS: research use only, not commercial"


def export(
    checkpoint: Annotated[Path, typer.Argument(help="last.pt or best.pt of a training run")],
    model: Annotated[Path, typer.Argument(help="the model file to write, .onnx")],
    name: Annotated[str, typer.Option(help="what the model calls itself")] = "jspnet",
    data: Annotated[str, typer.Option(help="what it was trained on")] = S3DIS_DATA,
    licence: Annotated[str, typer.Option(help="of the weights")] = S3DIS_LICENCE,
    half: Annotated[bool, typer.Option(help="store weights as float16: half the size on disk")] = True,
    rooms: Annotated[Path | None, typer.Option(help="folder of rooms: check parity on validation blocks")] = None,
) -> None:
    """Write the model file, with its class table, configuration and licence inside, and check it against PyTorch.

    Fails when the class of more than 0.5 % of the points differs.
    """
    state = Checkpoint.load(checkpoint)
    network = state.build()
    export_onnx(network, describe(state, name, data, licence), model, half_weights=half)
    if rooms is None:
        features = example_blocks(network, PARITY_BLOCKS)[0].numpy()
    else:
        validation = [read_room(path) for path in room_paths(rooms, "val")]
        blocks = BlockSet(validation, state.configuration, PLAIN, seed=0)
        features = np.stack([blocks[i]["features"] for i in range(PARITY_BLOCKS)])
    parity = check_parity(network, model, features)
    Console().print(
        f"{model}: {model.stat().st_size / 1e6:.1f} MB; against PyTorch on {PARITY_BLOCKS} blocks of "
        f"{'random points' if rooms is None else 'validation rooms'}: logits differ by at most {parity.logits:.2g}, "
        f"embeddings by {parity.embeddings:.2g}, the class of {100 * parity.changed:.3f} % of the points"
    )
    if parity.changed > MOST_CHANGED:
        raise ValueError(f"{model} changes {100 * parity.changed:.2f} % of the labels, at most 0.5 % is accepted")
