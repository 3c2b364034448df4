"""Begin from trained weights, with the same classes or with others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from jspnet_core.classes import ClassTable
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError


def load_init_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint to begin from. Raises `CheckpointError`, which names the right file for an ONNX model."""
    if path.suffix == ".onnx":
        beside = path.with_suffix(".pt")
        hint = str(beside) if beside.is_file() else "best.pt of the run that it was exported from"
        raise CheckpointError(
            f"{path}: batch norms are folded into the weights of a model file, so that it cannot be trained on; "
            f"begin from a checkpoint: {hint}"
        )
    return Checkpoint.load(path)


def check_classes(init: Path, model: ClassTable, rooms: ClassTable) -> None:
    """Raises `CheckpointError` where a model has neither the classes of the rooms nor those of their smaller table."""
    if model.names not in (rooms.names, rooms.base().names):
        raise CheckpointError(
            f"{init} knows the classes {', '.join(model.names)}; the rooms have {', '.join(rooms.names)}; "
            "--new-head begins with a new last layer, keeping what is known of classes of the same name"
        )


def check_same_classes(last: Path, run: ClassTable, rooms: ClassTable) -> None:
    """Raises `CheckpointError` where the rooms that a run is resumed with have other classes than it has."""
    if run.names != rooms.names:
        raise CheckpointError(
            f"{last} has the classes {', '.join(run.names)}; the rooms have {', '.join(rooms.names)}; a run goes on "
            f"with the classes it has, --init {last.with_name('best.pt')} --new-head begins another"
        )


def check_blocks(path: Path, model: NetworkConfiguration, rooms: Mapping[str, bool | float]) -> None:
    """Raises `CheckpointError` where a model's blocks are not those that suit the rooms.

    rooms: what `jspnet_core.data.rooms.room_geometry` says of them.
    """
    suited = NetworkConfiguration(**{**model.model_dump(), **rooms})
    if (suited.block_size, suited.color) != (model.block_size, model.color):
        sizes = [f"{c.block_size:g} m {'with' if c.color else 'without'} colour" for c in (model, suited)]
        raise CheckpointError(
            f"{path} was trained on blocks of {sizes[0]}, the rooms suit blocks of {sizes[1]}: it cannot be trained "
            "on with them"
        )


def check_weights(path: Path, init: Checkpoint, network: NetworkConfiguration) -> None:
    """Raises `CheckpointError` where a network of a checkpoint, with other switches, would have other weights."""
    with torch.device("meta"):
        wanted = {name: x.shape for name, x in build_network(network).state_dict().items()}
    found = {name: x.shape for name, x in init.weights.items()}
    other = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    if other:
        raise CheckpointError(
            f"{path} cannot begin a network of these --network switches: {len(other)} of its weights would be others, "
            f"{other[0]} first; with --init they change what no weight depends on, as decoder_neighbors or piff_keys"
        )


def load_matching_weights(network: JointNetwork, init: Checkpoint, classes: ClassTable) -> list[str]:
    """Load the weights of `init` into a network of the same sizes but, perhaps, other classes.

    Rows of layers that have one per class are taken over where a class of the same name is known, or else its parent,
    whose probability its classes then share; the rest of such layers keeps its fresh weights. Returns sentences about
    what was not taken over.
    """
    state = network.state_dict()
    changed = class_layers(init.configuration) if init.classes.names != classes.names else set()
    known = _rows_of(init.classes, classes)
    new, old = list(known), list(known.values())
    for name, weight in init.weights.items():
        if name not in changed:
            state[name].copy_(weight)
        elif known and state[name].shape[1:] == weight.shape[1:]:
            state[name][new] = weight[old].to(state[name])
            if weight.dim() == 1:
                shared = torch.tensor([old.count(row) for row in old]).to(state[name])
                state[name][new] -= shared.log()
    network.load_state_dict(state)
    return [_taken_over(init.classes, classes, known, changed)] if changed else []


def _rows_of(old: ClassTable, new: ClassTable) -> dict[int, int]:
    """Label in the old table that each label of the new one begins from: its name's, else its parent's, if any."""
    parents = new.parents or new.names
    named = [name if name in old.names else parent for name, parent in zip(new.names, parents, strict=True)]
    return {i: old.names.index(name) for i, name in enumerate(named) if name in old.names}


def _taken_over(old: ClassTable, new: ClassTable, known: Mapping[int, int], layers: set[str]) -> str:
    same = [i for i, row in known.items() if new.names[i] == old.names[row]]
    parted = [new.names[i] for i in known if i not in same]
    fresh = [name for i, name in enumerate(new.names) if i not in known]
    return (
        f"new last layer ({', '.join(sorted(layers))}): {len(same)} classes taken over"
        + (f", {len(parted)} begin as their parents: {', '.join(parted)}" if parted else "")
        + (f", {len(fresh)} begin anew: {', '.join(fresh)}" if fresh else "")
    )


def class_layers(configuration: NetworkConfiguration) -> set[str]:
    """Names of the weights whose shape depends on the number of classes."""
    shapes = []
    with torch.device("meta"):
        for classes in (configuration.classes, configuration.classes + 1):
            network = build_network(NetworkConfiguration(**{**configuration.model_dump(), "classes": classes}))
            shapes.append({name: x.shape for name, x in network.state_dict().items()})
    return {name for name, shape in shapes[0].items() if shapes[1][name] != shape}
