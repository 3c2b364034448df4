"""Initialise a network from trained weights, with the same classes or with others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from jspnet_core.classes import ClassTable
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError


def load_init_checkpoint(path: Path) -> Checkpoint:
    """Load the checkpoint of --init. Raises `CheckpointError`, which for an ONNX model names the checkpoint to use."""
    if path.suffix == ".onnx":
        beside = path.with_suffix(".pt")
        hint = str(beside) if beside.is_file() else "best.pt of the run that it was exported from"
        raise CheckpointError(
            f"{path}: a model file cannot be trained, its batch norms are folded into the weights; "
            f"use a checkpoint: {hint}"
        )
    return Checkpoint.load(path)


def check_classes(init: Path, model: ClassTable, rooms: ClassTable) -> None:
    """Raise `CheckpointError` unless a model has the classes of the rooms, or those of their smaller table."""
    if model.names not in (rooms.names, rooms.base().names):
        raise CheckpointError(
            f"{init} has the classes {', '.join(model.names)}; the rooms have {', '.join(rooms.names)}; "
            "--new-head creates a new last layer and keeps the weights of classes with the same name"
        )


def check_same_classes(last: Path, run: ClassTable, rooms: ClassTable) -> None:
    """Raise `CheckpointError` if a resumed run and its rooms have different classes."""
    if run.names != rooms.names:
        raise CheckpointError(
            f"{last} has the classes {', '.join(run.names)}; the rooms have {', '.join(rooms.names)}; a resumed run "
            f"keeps its classes, --init {last.with_name('best.pt')} --new-head starts a run with other classes"
        )


def check_blocks(path: Path, model: NetworkConfiguration, rooms: Mapping[str, bool | float]) -> None:
    """Raise `CheckpointError` if a model takes blocks of another size or colour than the rooms need.

    rooms: result of `jspnet_core.data.rooms.room_geometry`.
    """
    required = NetworkConfiguration(**{**model.model_dump(), **rooms})
    if (required.block_size, required.color) != (model.block_size, model.color):
        sizes = [f"{c.block_size:g} m {'with' if c.color else 'without'} colour" for c in (model, required)]
        raise CheckpointError(
            f"{path} takes blocks of {sizes[0]}, the rooms need blocks of {sizes[1]}: it cannot be trained with these "
            "rooms"
        )


def check_weights(path: Path, init: Checkpoint, network: NetworkConfiguration) -> None:
    """Raise `CheckpointError` if a checkpoint's weights do not fit a network configuration."""
    with torch.device("meta"):
        expected = {name: x.shape for name, x in build_network(network).state_dict().items()}
    found = {name: x.shape for name, x in init.weights.items()}
    other = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if other:
        raise CheckpointError(
            f"{path} does not fit these --network options: {len(other)} weights have other shapes or names, "
            f"{other[0]} first; with --init only options without weights can change, as decoder_neighbors or piff_keys"
        )


def load_matching_weights(network: JointNetwork, init: Checkpoint, classes: ClassTable) -> list[str]:
    """Load the weights of `init` into a network of the same configuration, except for the classes.

    Layers with one row per class load the rows of classes of the same name, or else of the parent class, whose
    probability its classes then share; other rows stay as initialised. Returns messages for the user.
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
    return [_summary(init.classes, classes, known, changed)] if changed else []


def _rows_of(old: ClassTable, new: ClassTable) -> dict[int, int]:
    """Return the label in the old table whose weights each new label loads: of its name or else of its parent."""
    parents = new.parents or new.names
    named = [name if name in old.names else parent for name, parent in zip(new.names, parents, strict=True)]
    return {i: old.names.index(name) for i, name in enumerate(named) if name in old.names}


def _summary(old: ClassTable, new: ClassTable, known: Mapping[int, int], layers: set[str]) -> str:
    same = [i for i, row in known.items() if new.names[i] == old.names[row]]
    split = [new.names[i] for i in known if i not in same]
    fresh = [name for i, name in enumerate(new.names) if i not in known]
    return (
        f"new last layer ({', '.join(sorted(layers))}): weights of {len(same)} classes loaded"
        + (f", {len(split)} classes split from their parents: {', '.join(split)}" if split else "")
        + (f", {len(fresh)} classes initialised: {', '.join(fresh)}" if fresh else "")
    )


def class_layers(configuration: NetworkConfiguration) -> set[str]:
    """Return the names of the weights whose shape depends on the number of classes."""
    shapes = []
    with torch.device("meta"):
        for classes in (configuration.classes, configuration.classes + 1):
            network = build_network(NetworkConfiguration(**{**configuration.model_dump(), "classes": classes}))
            shapes.append({name: x.shape for name, x in network.state_dict().items()})
    return {name for name, shape in shapes[0].items() if shapes[1][name] != shape}
