"""`jspnet train`: train a network on a folder of labelled rooms."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jspnet_core.classes import S3DIS, ClassTable
from jspnet_core.cli.options import changed_configuration, network_configuration
from jspnet_core.cli.settings_options import OptionError, options_from
from jspnet_core.cli.terminal import log_to
from jspnet_core.data.generated import generated_rooms
from jspnet_core.data.provenance import GENERATED_DATA
from jspnet_core.data.rooms import open_rooms, room_classes, room_geometry, rooms_hash, rooms_source
from jspnet_core.network_config import Size
from jspnet_core.training import distributed
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.room_bounds import check_rooms
from jspnet_core.training.recipe import RECIPES, Augmentation, Recipe, resolve
from jspnet_core.training.transfer.load_weights import (
    check_blocks,
    check_classes,
    check_same_classes,
    check_weights,
    load_init_checkpoint,
)
from jspnet_core.training.transfer.net2wider import net2wider

logger = logging.getLogger(__name__)

System = Literal["pointnet", "pointnet2", "asis", "jsnet", "jspnet"]
SHORTCUTS = {
    name: info
    for name, info in {**Recipe.model_fields, **Augmentation.model_fields}.items()
    if name in ("samples", "batch", "views", "generated_rooms", "seed", "teacher")
}
"""Settings of the recipe that are options of their own."""


@options_from("shortcuts", SHORTCUTS, names={"generated_rooms": "generated"}, unset=True)
def train(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS_DIR", help="folder of rooms with splits train and val")],
    out: Annotated[Path, typer.Option(help="folder of the run: checkpoints and TensorBoard logs")] = Path(
        "runs/jspnet"
    ),
    recipe: Annotated[
        str | None, typer.Option(help=f"{', '.join(RECIPES)}, or a JSON file (recipe.json of a run) [default: modern]")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="a setting of the recipe, as ema=0.99; may be repeated"),
    ] = None,
    system: Annotated[System | None, typer.Option(help="network of the paper's tables [default: jspnet]")] = None,
    size: Annotated[
        Size | None,
        typer.Option(
            help="l: widths of the paper, 8.3 M weights; m: half of them, as the model of this package; s: m with half "
            "the points per block; all with blocks of 2 m; with --init the model is widened to this size [default: m, "
            "or that of --init]"
        ),
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="an option of the network, as fusion_kind=siff; may be repeated"),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="continue from OUT/last.pt")] = False,
    init: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="initialise with the weights of this checkpoint")
    ] = None,
    new_head: Annotated[
        bool, typer.Option("--new-head", help="with --init: create a new last layer, for rooms with other classes")
    ] = False,
    shortcuts: dict[str, Any] = {},  # noqa: B006  the options of the decorator
    workers: Annotated[int, typer.Option(min=0, help="processes that load blocks, per training process")] = 1,
    compiled: Annotated[bool, typer.Option("--compile", help="fuse the network with torch.compile")] = False,
    cuda_graph: Annotated[
        bool,
        typer.Option("--graphs/--no-graphs", help="on one GPU: capture a step as a CUDA graph, or run eager steps"),
    ] = True,
    profile: Annotated[
        Literal["off", "phases", "operators"], typer.Option(help="print the time of each phase, or of each operator")
    ] = "off",
) -> None:
    """Train a network. --resume continues an interrupted run, with its own recipe unless other settings are given.

    Started with torchrun, all processes train one network.
    """
    chosen = [f"{name}={value}" for name, value in shortcuts.items()] + (settings or [])
    _check(init, new_head, resume, system=bool(system), size=bool(size), network=bool(network))
    world = distributed.init()
    begun = (out / "last.pt").is_file()
    if begun and not resume and not world.restarted:
        raise OptionError(f"{out} contains a run: continue it with --resume, or choose another --out")
    resume = resume or begun  # torchrun restarts all processes after one of them died
    rules = _recipe(out, recipe, chosen, resume)
    classes = room_classes(rooms_dir)
    rooms, validation = (open_rooms(rooms_dir, split) for split in ("train", "val"))
    check_rooms(rooms, classes, rooms_dir, "train")
    check_rooms(validation, classes, rooms_dir, "val")
    if rules.generated_rooms:
        if classes.names != S3DIS.names:
            raise OptionError(
                f"--generated: the rooms must have the classes of S3DIS, {rooms_dir} has {', '.join(classes.names)}"
            )
        rooms = rooms + generated_rooms(rules.generated_rooms)
    facts = {
        "data": str(rooms_dir),
        "data_sha256": rooms_hash(rooms_dir) if world.is_main_process else None,
        "init": None if init is None else str(init),
    }
    sources = [rooms_source(rooms_dir), *([GENERATED_DATA] if rules.generated_rooms else [])]
    if resume:
        _check_resumed(out, classes, room_geometry(rooms_dir))
        run = training.resume(out, rules, world=world, facts=facts, sources=sources)
    else:
        begin = None if init is None else _begin(init, classes, new_head, room_geometry(rooms_dir), size, network or [])
        configuration = network_configuration(size, system, room_geometry(rooms_dir), network or [])
        run = training.start(
            out,
            configuration,
            rules,
            rooms,
            classes=classes,
            init=begin,
            world=world,
            facts=facts,
            sources=sources,
        )
    with training.progress_bar(world.is_main_process) as progress, log_to(progress.console):
        _log_settings(run, len(rooms), len(validation))
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
        raise OptionError("--init starts a new run, --resume continues one: only one of them is accepted")
    if new_head and not init:
        raise OptionError("--new-head replaces the last layer of a model: it requires --init MODEL")
    if system and (init or resume):
        raise OptionError("--system is not accepted with --init or --resume: the model determines it")
    if size and resume:
        raise OptionError("--size is not accepted with --resume: the run determines it")
    if network and resume:
        raise OptionError("--network is not accepted with --resume: the run determines it")


def _recipe(out: Path, name: str | None, settings: list[str], resume: bool) -> Recipe:
    """Return the requested recipe; a resumed run keeps its own unless another is given."""
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
    """Load the initial checkpoint, widened to a size, or with network options that do not change its weights."""
    init = load_init_checkpoint(path)
    check_blocks(path, init.configuration, geometry)
    if not new_head:
        check_classes(path, init.classes, classes)
    if size is not None:
        return net2wider(path, init, network_configuration(size, None, geometry, switches))
    changed = changed_configuration(init.configuration, switches)
    check_weights(path, init, changed)
    return replace(init, configuration=changed)


def _log_settings(run: training.TrainingRun, rooms: int, validation: int) -> None:
    for note in run.notes:
        logger.info("%s", note)
    logger.info("recipe: %s", run.recipe.model_dump_json(exclude_none=True))
    logger.info(
        "%d rooms to train on, %d to validate; %s, %s weights, on %d x %s; %s",
        rooms,
        validation,
        run.network.configuration.system,
        f"{sum(p.numel() for p in run.network.parameters()):,}",
        run.world.size,
        run.world.device.type,
        run.folder,
    )
