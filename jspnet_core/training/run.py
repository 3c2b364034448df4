"""A training run: begun, resumed after an interruption, and saved."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from jspnet_core.classes import S3DIS, ClassTable
from jspnet_core.data.instance_sizes import mean_instance_sizes
from jspnet_core.data.rooms import Room
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.distributed import World, convert_sync_batch_norm
from jspnet_core.training.optimizer import make_averaged_model, make_eager, make_optimizer
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.run_metadata import RECIPE_FILE, RUN_FILE, read_run_file, run_metadata, write_json
from jspnet_core.training.transfer.distillation import Teacher
from jspnet_core.training.transfer.load_weights import load_matching_weights


@dataclass
class TrainingRun:
    """A training run in progress.

    samples: blocks trained on so far. best: the score of best.pt, and best_samples where that was. metrics: of the
    last validation. teacher: of a recipe that has one. notes: sentences about how it began. record: what run.json says.
    groups: (G, C) bool, the classes that labels of smaller tables stand for, see `training.targets`; None without any.
    progress: share of its time that is over, of a run that has a time.
    """

    folder: Path
    recipe: Recipe
    network: JointNetwork
    optimizer: torch.optim.Optimizer
    mean_sizes: list[float | None]
    classes: ClassTable = S3DIS
    average: AveragedModel | None = None
    samples: int = 0
    best: float = 0.0
    best_samples: int = 0
    metrics: dict = field(default_factory=dict)
    teacher: Teacher | None = None
    world: World = field(default_factory=World)
    notes: list[str] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    clock: float = field(default_factory=time.monotonic)
    groups: Tensor | None = None
    progress: float | None = None

    @property
    def eval_network(self) -> JointNetwork:
        """The network with the weights that are validated and exported."""
        return self.network if self.average is None else cast(JointNetwork, self.average.module)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            configuration=self.network.configuration,
            classes=self.classes,
            network=self.network.state_dict(),
            optimizer=self.optimizer.state_dict(),
            samples=self.samples,
            recipe=self.recipe.model_dump(mode="json"),
            metrics=self.metrics,
            mean_sizes=self.mean_sizes,
            average=None if self.average is None else self.average.module.state_dict(),
        )

    def save(self) -> None:
        """Write last.pt and how far the run is. A killed run goes on from here."""
        self.checkpoint().save(self.folder / "last.pt")
        self.save_record()

    def save_best(self, score: float) -> None:
        """Write best.pt, which needs no optimiser: it is exported, or begun from."""
        self.best, self.best_samples = score, self.samples
        best = self.checkpoint()
        best.network, best.average, best.optimizer = best.weights, None, None
        best.save(self.folder / "best.pt")

    @property
    def seconds(self) -> float:
        """Wall time of this run so far, of all its processes one after the other."""
        return self.record.get("wall_seconds", 0.0) + time.monotonic() - self.clock

    def save_record(self) -> None:
        now = time.monotonic()
        self.record["wall_seconds"] += now - self.clock
        self.clock = now
        write_json(self.folder / RUN_FILE, {**self.record, "samples": self.samples, "metrics": self.metrics})

    def open_folder(self, facts: dict[str, Any], before: dict[str, Any]) -> None:
        """Write recipe.json and run.json; remove what a killed process left half written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for partial in self.folder.glob(".*.part"):
            partial.unlink(missing_ok=True)
        self.record = run_metadata(self.recipe, self.world, facts, before)
        write_json(self.folder / RECIPE_FILE, self.recipe.model_dump(mode="json"))
        self.save_record()

    def score(self) -> float:
        """What the best checkpoint is chosen by."""
        if self.recipe.select == "both":
            return 0.5 * (self.metrics["miou"] + self.metrics["view_miou"])
        return self.metrics["miou"]

    @property
    def out_of_patience(self) -> bool:
        """Whether validation has not improved for as long as the recipe has patience."""
        patience = self.recipe.patience * self.recipe.validate_every
        return bool(patience) and self.samples - self.best_samples >= patience


def start(
    folder: Path,
    configuration: NetworkConfiguration,
    recipe: Recipe,
    rooms: Sequence[Room],
    *,
    classes: ClassTable = S3DIS,
    init: Checkpoint | None = None,
    world: World | None = None,
    facts: dict[str, Any] | None = None,
) -> TrainingRun:
    """A new run, from fresh weights or from those of `init`, whose configuration then counts. facts: for run.json."""
    world = world or World()
    torch.manual_seed(recipe.seed)
    configuration = adapt_configuration(init.configuration if init else configuration, recipe, classes)
    network = build_network(configuration)
    notes = load_matching_weights(network, init, classes) if init else []
    network = convert_sync_batch_norm(network, world).to(world.device)
    sizes = mean_instance_sizes(rooms, len(classes), recipe.augmentation.voxel_size)
    run = TrainingRun(
        folder,
        recipe,
        network,
        make_optimizer(network, recipe),
        [None if np.isnan(s) else float(s) for s in sizes],
        classes,
        make_averaged_model(network, recipe),
        teacher=load_teacher(recipe, configuration, classes, world),
        world=world,
        notes=notes,
    )
    if world.is_main_process:
        run.open_folder(facts or {}, before={})
    return run


def resume(
    folder: Path, recipe: Recipe | None = None, *, world: World | None = None, facts: dict[str, Any] | None = None
) -> TrainingRun:
    """Go on with the run in `folder` from its last checkpoint, by its own recipe if none is given."""
    world = world or World()
    last = Checkpoint.load(folder / "last.pt")
    recipe = recipe or Recipe(**last.recipe)
    network = build_network(adapt_configuration(last.configuration, recipe, last.classes))
    network.load_state_dict(last.network)
    network = convert_sync_batch_norm(network, world).to(
        world.device
    )  # before the optimiser: its state follows the weights
    optimizer = make_optimizer(network, recipe)
    if last.optimizer is not None:
        optimizer.load_state_dict(last.optimizer)
        make_eager(optimizer)
        for group in optimizer.param_groups:  # the checkpoint's would win over the recipe's
            group["weight_decay"] = recipe.weight_decay if recipe.optimizer == "adamw" else 0.0
    average = make_averaged_model(network, recipe, last.average)
    run = TrainingRun(
        folder,
        recipe,
        network,
        optimizer,
        last.mean_sizes,
        last.classes,
        average,
        last.samples,
        metrics=last.metrics,
        teacher=load_teacher(recipe, network.configuration, last.classes, world),
        world=world,
    )
    restore_best_score(run)
    if world.is_main_process:
        before, facts = read_run_file(folder) or {"wall_seconds": 0.0}, facts or {}
        run.notes += changed_rooms_note(before, facts)
        run.open_folder(facts, before)
    return run


def load_teacher(
    recipe: Recipe, configuration: NetworkConfiguration, classes: ClassTable, world: World
) -> Teacher | None:
    if recipe.teacher is None:
        return None
    return Teacher.load(Path(recipe.teacher), recipe.distillation, configuration, classes, world.device)


def changed_rooms_note(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A sentence where a run goes on with other rooms than it had, by the records of then and now."""
    was, present = before.get("data_sha256"), now.get("data_sha256")
    if was is None or present is None or was == present:
        return []
    then, here = (f"{record['data']} (sha256 {record['data_sha256'][:12]})" for record in (before, now))
    return [f"the run goes on with other rooms than before: {here}, before {then}"]


def restore_best_score(run: TrainingRun) -> None:
    """Find the best score so far in best.pt."""
    path = run.folder / "best.pt"
    if not path.exists():
        return
    best, current = Checkpoint.load(path), run.metrics
    if run.recipe.select == "both" and "view_miou" not in best.metrics:
        return  # of a run that validated no views: any score is a better one
    run.metrics = best.metrics
    run.best, run.best_samples = run.score(), best.samples
    run.metrics = current


def adapt_configuration(
    configuration: NetworkConfiguration, recipe: Recipe, classes: ClassTable
) -> NetworkConfiguration:
    """The configuration for a class table and a recipe's dropout."""
    changes: dict[str, Any] = {"classes": len(classes)}
    if recipe.dropout is not None:
        changes["dropout"] = recipe.dropout
    return NetworkConfiguration(**{**configuration.model_dump(), **changes})
