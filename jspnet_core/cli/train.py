"""`jspnet train`: train a network on a folder of labelled rooms."""

from __future__ import annotations

import logging
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jspnet_core.classes import ClassTable
from jspnet_core.cli.mix import FURNISHED, REAL, Mixed, MixSettings, open_folder, open_mix, parse_mix
from jspnet_core.cli.options import changed_configuration, network_configuration
from jspnet_core.cli.settings_options import OptionError, options_from
from jspnet_core.cli.terminal import log_to
from jspnet_core.data.rooms import rooms_hash
from jspnet_core.network_config import Size
from jspnet_core.training import distributed
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.recipe import RECIPES, Augmentation, Recipe, resolve
from jspnet_core.training.sources import common_classes, fits
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
    if name in ("samples", "minutes", "batch", "views", "generated_rooms", "seed", "teacher")
}
"""Settings of the recipe that are options of their own."""


@options_from("shortcuts", SHORTCUTS, names={"generated_rooms": "generated"}, unset=True)
def train(
    rooms_dir: Annotated[
        Path | None, typer.Argument(metavar="[ROOMS_DIR]", help="folder of rooms with splits train and val")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder of the run: checkpoints and TensorBoard logs")] = Path(
        "runs/jspnet"
    ),
    mix: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=SHARE,...",
            help="what the blocks are cut from: real (ROOMS_DIR), furnished (rooms that are generated first, for a "
            "part of --minutes), generated (of boxes and cylinders), or folders of rooms; as real=0.4,furnished=0.6",
        ),
    ] = None,
    assets: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="furniture library of furnished rooms; own: without one [default: installed]"),
    ] = None,
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
    export: Annotated[
        bool | None,
        typer.Option(
            "--export/--no-export", help="write OUT/model.onnx and its card at the end [default: with --minutes]"
        ),
    ] = None,
    profile: Annotated[
        Literal["off", "phases", "operators"], typer.Option(help="print the time of each phase, or of each operator")
    ] = "off",
) -> None:
    """Train a network. --resume continues an interrupted run, with its own recipe unless other settings are given.

    Started with torchrun, all processes train one network.
    """
    chosen = [f"{name}={value}" for name, value in shortcuts.items()] + (settings or [])
    begun_at = time.monotonic()
    _check(init, new_head, resume, system=bool(system), size=bool(size), network=bool(network))
    world = distributed.init()
    begun = (out / "last.pt").is_file()
    if begun and not resume and not world.restarted:
        raise OptionError(f"{out} contains a run: continue it with --resume, or choose another --out")
    resume = resume or begun  # torchrun restarts all processes after one of them died
    rules = _recipe(out, recipe, chosen, resume)
    with (
        training.progress_bar(world.is_main_process) as progress,
        log_to(progress.console),
        _opened(rooms_dir, mix, rules, assets, world) as data,
    ):
        if resume:
            _check_resumed(out, data)
            run = training.resume(out, rules, world=world, facts=_facts(rooms_dir, mix, init, world), sources=data.data)
        else:
            begin = None if init is None else _begin(init, data, new_head, size, network or [])
            run = training.start(
                out,
                network_configuration(size, system, data.geometry, network or []),
                rules,
                data.rooms_of(_classes(data, begin)),
                classes=_classes(data, begin),
                init=begin,
                world=world,
                facts=_facts(rooms_dir, mix, init, world),
                sources=data.data,
            )
        run.saved_at = begun_at  # reading and generating rooms is part of the time, too
        _log_settings(run, data)
        training.train_on(
            run,
            data.sources,
            workers=workers,
            progress=progress,
            compiled=compiled,
            cuda_graph=cuda_graph,
            profile=profile,
        )
    if world.is_main_process and (rules.minutes is not None if export is None else export):
        _export(out)
    distributed.destroy(world)


def _opened(
    rooms_dir: Path | None, mix: str | None, rules: Recipe, assets: str | None, world: distributed.World
) -> AbstractContextManager[Mixed]:
    if mix is None:
        if rooms_dir is None:
            raise OptionError("name a folder of rooms, or the sources with --mix, as --mix furnished=1")
        return nullcontext(open_folder(rooms_dir, rules.generated_rooms))
    shares = parse_mix(mix)
    if rooms_dir is not None and REAL not in shares:
        raise OptionError(f"--mix {mix}: the rooms of {rooms_dir} have no share; give them one, as {REAL}=0.4")
    if world.size > 1 and FURNISHED in shares:
        raise OptionError(f"--mix {FURNISHED}: several processes cannot share it; write rooms with jspnet synth first")
    return open_mix(shares, MixSettings(rooms_dir, assets, rules.minutes, rules.generated_rooms, rules.seed))


def _facts(rooms_dir: Path | None, mix: str | None, init: Path | None, world: distributed.World) -> dict[str, Any]:
    """Entries of run.json."""
    known = rooms_dir is not None and world.is_main_process
    return {
        "data": mix if rooms_dir is None else str(rooms_dir),
        "mix": mix,
        "data_sha256": rooms_hash(rooms_dir) if known and rooms_dir else None,
        "init": None if init is None else str(init),
    }


def _classes(data: Mixed, init: Checkpoint | None) -> ClassTable:
    """The classes to learn: of the largest table among the sources and the model to begin from."""
    tables = [source.classes for source in data.sources]
    if init is None or len(init.classes) <= max(map(len, tables)):
        return common_classes(tables)
    return common_classes([*tables, init.classes])


def _export(out: Path) -> None:
    """Write the best network of a run as OUT/model.onnx, and its card OUT/model.md."""
    from jspnet_core.cli.export import write_checked
    from jspnet_core.export.card import write_card
    from jspnet_core.export.onnx_export import describe

    state = Checkpoint.load(out / "best.pt")
    description = describe(state, out.resolve().name)
    write_checked(state, description, out / "model.onnx")
    write_card(out / "model.onnx", description)


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


def _check_resumed(out: Path, data: Mixed) -> None:
    path = out / "last.pt"
    last = Checkpoint.load(path)
    for source in data.sources:
        if not fits(last.classes, source.classes):
            check_same_classes(path, last.classes, source.classes)
    check_blocks(path, last.configuration, data.geometry)


def _begin(path: Path, data: Mixed, new_head: bool, size: Size | None, switches: list[str]) -> Checkpoint:
    """Load the initial checkpoint, widened to a size, or with network options that do not change its weights."""
    init = load_init_checkpoint(path)
    check_blocks(path, init.configuration, data.geometry)
    if not new_head:
        for source in data.sources:
            if not fits(init.classes, source.classes):
                check_classes(path, init.classes, source.classes)
    if size is not None:
        return net2wider(path, init, network_configuration(size, None, data.geometry, switches))
    changed = changed_configuration(init.configuration, switches)
    check_weights(path, init, changed)
    return replace(init, configuration=changed)


def _log_settings(run: training.TrainingRun, data: Mixed) -> None:
    for note in run.notes:
        logger.info("%s", note)
    logger.info("recipe: %s", run.recipe.model_dump_json(exclude_none=True))
    logger.info(
        "%s; %s, %s weights, on %d x %s; %s",
        ", ".join(f"{s.name}: {len(s.rooms)} rooms, {len(s.validation)} to validate" for s in data.sources),
        run.network.configuration.system,
        f"{sum(p.numel() for p in run.network.parameters()):,}",
        run.world.size,
        run.world.device.type,
        run.folder,
    )
