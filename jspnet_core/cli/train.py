"""`jspnet train`: train a network on a folder of labelled rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jspnet_core.classes import S3DIS, ClassTable
from jspnet_core.cli.options import OptionError, changed_configuration, network_configuration
from jspnet_core.data.generated import generated_rooms
from jspnet_core.data.rooms import open_rooms, room_classes, room_geometry, rooms_hash
from jspnet_core.network_config import Size
from jspnet_core.training import distributed
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.room_bounds import check_rooms
from jspnet_core.training.recipe import RECIPES, Recipe, resolve
from jspnet_core.training.transfer.load_weights import (
    check_blocks,
    check_classes,
    check_same_classes,
    check_weights,
    load_init_checkpoint,
)
from jspnet_core.training.transfer.net2wider import net2wider

System = Literal["pointnet", "pointnet2", "asis", "jsnet", "jspnet"]
SHORTCUTS = {
    "samples": "samples",
    "batch": "batch",
    "views": "views",
    "generated": "generated_rooms",
    "seed": "seed",
    "teacher": "teacher",
}
"""Options that are settings of the recipe by another way."""


def train(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder of rooms with splits train and val")],
    out: Annotated[Path, typer.Option(help="folder of the run: checkpoints, TensorBoard logs")] = Path("runs/jspnet"),
    recipe: Annotated[
        str | None, typer.Option(help=f"{', '.join(RECIPES)}, or a JSON file as recipe.json of a run [default: modern]")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="a switch of the recipe, as ema=0.99; may be repeated"),
    ] = None,
    system: Annotated[System | None, typer.Option(help="which network of the paper's tables [default: jspnet]")] = None,
    size: Annotated[
        Size | None,
        typer.Option(
            help="l: as wide as in the paper, 8.3 M weights; m: half the widths, as the model that comes with this "
            "package; s: m with half the points of a block; all in blocks of 2 m; with --init, a model is widened to "
            "it [default: m, or that of --init]"
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="a switch of the network, as fusion_kind=siff; may be repeated"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from OUT/last.pt")] = False,
    init: Annotated[Path | None, typer.Option(metavar="MODEL", help="begin from this checkpoint's weights")] = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="learn from this checkpoint's answers, too; --set distillation")
    ] = None,
    new_head: Annotated[bool, typer.Option("--new-head", help="with --init: the rooms have other classes")] = False,
    samples: Annotated[int | None, typer.Option(min=1, help="blocks to train on in all")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="blocks of a step, over all processes")] = None,
    views: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="share of blocks as a depth camera sees them")
    ] = None,
    generated: Annotated[
        int | None, typer.Option(min=0, help="generated rooms to train on beside the real ones")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="of weights, rooms and augmentation")] = None,
    workers: Annotated[int, typer.Option(min=0, help="processes that cut blocks, for each that trains")] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="let torch.compile fuse the network")] = False,
    cuda_graph: Annotated[
        bool, typer.Option("--graphs/--no-graphs", help="on one GPU: record a step as a CUDA graph; plain steps if not")
    ] = True,
    profile: Annotated[
        Literal["off", "phases", "operators"], typer.Option(help="print where the time goes; operators: in detail")
    ] = "off",
) -> None:
    """Train a network; --resume goes on after an interruption, by the run's own recipe unless other settings are given.

    Started by torchrun, the processes train one network together.
    """
    given = {
        "samples": samples,
        "batch": batch,
        "views": views,
        "generated": generated,
        "seed": seed,
        "teacher": teacher,
    }
    chosen = [f"{SHORTCUTS[name]}={value}" for name, value in given.items() if value is not None] + (settings or [])
    _check(init, new_head, resume, system=bool(system), size=bool(size), network=bool(network))
    world = distributed.init()
    begun = (out / "last.pt").is_file()
    if begun and not resume and not world.restarted:
        raise OptionError(f"{out} holds a run: --resume goes on with it, another --out begins one beside it")
    resume = resume or begun  # after a process died, torchrun starts anew
    rules = _recipe(out, recipe, chosen, resume)
    classes = room_classes(rooms_dir)
    rooms, validation = (open_rooms(rooms_dir, split) for split in ("train", "val"))
    check_rooms(rooms, classes, rooms_dir, "train")
    check_rooms(validation, classes, rooms_dir, "val")
    if rules.generated_rooms:
        if classes.names != S3DIS.names:
            raise OptionError(f"generated rooms have the classes of S3DIS; {rooms_dir} has {', '.join(classes.names)}")
        rooms = rooms + generated_rooms(rules.generated_rooms)
    facts = {
        "data": str(rooms_dir),
        "data_sha256": rooms_hash(rooms_dir) if world.is_main_process else None,
        "init": None if init is None else str(init),
    }
    if resume:
        _check_resumed(out, classes, room_geometry(rooms_dir))
        run = training.resume(out, rules, world=world, facts=facts)
    else:
        begin = None if init is None else _begin(init, classes, new_head, room_geometry(rooms_dir), size, network or [])
        configuration = network_configuration(size, system, room_geometry(rooms_dir), network or [])
        run = training.start(out, configuration, rules, rooms, classes=classes, init=begin, world=world, facts=facts)
    with training.progress_bar(world.is_main_process) as progress:
        _announce(progress.console.print, run, len(rooms), len(validation))
        training.train(
            run,
            rooms,
            validation,
            workers=workers,
            progress=progress,
            compiled=compiled,
            cuda_graph=cuda_graph,
            profile=profile,
        )
    distributed.destroy(world)


def _check(init: Path | None, new_head: bool, resume: bool, *, system: bool, size: bool, network: bool) -> None:
    if init and resume:
        raise OptionError("--init begins a new run, --resume goes on with one: give one of the two")
    if new_head and not init:
        raise OptionError("--new-head replaces the last layer of a model: it needs --init MODEL")
    if system and (init or resume):
        raise OptionError("--system is that of the model with --init and --resume: leave it out")
    if size and resume:
        raise OptionError("--size is that of the run with --resume: leave it out")
    if network and resume:
        raise OptionError("--network is that of the run with --resume: leave it out")


def _recipe(out: Path, name: str | None, settings: list[str], resume: bool) -> Recipe:
    """What was asked for; a resumed run keeps its recipe unless another is named."""
    base: Recipe | str = name or "modern"
    if resume and name is None:
        base = Recipe(**Checkpoint.load(out / "last.pt").recipe)
    return resolve(base, settings)


def _check_resumed(out: Path, classes: ClassTable, geometry: Mapping[str, bool | float]) -> None:
    path = out / "last.pt"
    last = Checkpoint.load(path)
    check_same_classes(path, last.classes, classes)
    check_blocks(path, last.configuration, geometry)


def _begin(
    path: Path,
    classes: ClassTable,
    new_head: bool,
    geometry: Mapping[str, bool | float],
    size: Size | None,
    switches: list[str],
) -> Checkpoint:
    """The checkpoint to begin from, widened to a size, or with switches that leave its weights as they are."""
    init = load_init_checkpoint(path)
    check_blocks(path, init.configuration, geometry)
    if not new_head:
        check_classes(path, init.classes, classes)
    if size is not None:
        return net2wider(path, init, network_configuration(size, None, geometry, switches))
    changed = changed_configuration(init.configuration, switches)
    check_weights(path, init, changed)
    return replace(init, configuration=changed)


def _announce(show: Any, run: training.TrainingRun, rooms: int, validation: int) -> None:
    for note in run.notes:
        show(note)
    show(f"recipe: {run.recipe.model_dump_json(exclude_none=True)}", highlight=False, soft_wrap=True)
    weights = sum(p.numel() for p in run.network.parameters())
    show(
        f"{rooms} rooms to train on, {validation} to validate; {run.network.configuration.system}, "
        f"{weights:,} weights, on {run.world.size} x {run.world.device.type}; {run.folder}",
        soft_wrap=True,
    )
