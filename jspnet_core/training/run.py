"""Training run: start, resume, save."""

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
from jspnet_core.data.provenance import DataSource, merge_sources
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

    samples: blocks trained on so far. best, best_samples: score of best.pt, and `samples` when it was saved.
    metrics: of the last validation. teacher: for distillation, or None. sources: training data, for the licence of
    the weights. notes: messages for the user about how the run began. metadata: content of run.json.
    saved_at: monotonic seconds when the metadata was written last.
    groups: (G, C) bool, classes that the labels of smaller tables stand for (see `training.targets`), or None.
    progress: elapsed share of the time, for training by time.
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
    metadata: dict[str, Any] = field(default_factory=dict)
    saved_at: float = field(default_factory=time.monotonic)
    groups: Tensor | None = None
    progress: float | None = None
    sources: list[DataSource] = field(default_factory=list)

    @property
    def eval_network(self) -> JointNetwork:
        """Network with the weights that are validated and exported: the averaged ones if there are any."""
        return self.network if self.average is None else cast(JointNetwork, self.average.module)

    def checkpoint(self) -> Checkpoint:
        """Return the state of the run."""
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
            sources=self.sources,
        )

    def save(self) -> None:
        """Write last.pt and run.json; a killed run can be resumed from here."""
        self.checkpoint().save(self.folder / "last.pt")
        self.save_metadata()

    def save_best(self, score: float) -> None:
        """Write best.pt, without optimiser state: for export, or to initialise other runs."""
        self.best, self.best_samples = score, self.samples
        best = self.checkpoint()
        best.network, best.average, best.optimizer = best.weights, None, None
        best.save(self.folder / "best.pt")

    @property
    def seconds(self) -> float:
        """Wall time of this run so far, summed over its processes after interruptions."""
        return self.metadata.get("wall_seconds", 0.0) + time.monotonic() - self.saved_at

    def save_metadata(self) -> None:
        """Write run.json with the progress and the seconds so far."""
        now = time.monotonic()
        self.metadata["wall_seconds"] += now - self.saved_at
        self.saved_at = now
        write_json(self.folder / RUN_FILE, {**self.metadata, "samples": self.samples, "metrics": self.metrics})

    def open_folder(self, facts: dict[str, Any], before: dict[str, Any]) -> None:
        """Write recipe.json and run.json; remove partial files of a killed process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for partial in self.folder.glob(".*.part"):
            partial.unlink(missing_ok=True)
        self.metadata = run_metadata(self.recipe, self.world, facts, before)
        write_json(self.folder / RECIPE_FILE, self.recipe.model_dump(mode="json"))
        self.save_metadata()

    def score(self) -> float:
        """Score by which the best checkpoint is selected, 0 to 1."""
        if self.recipe.select == "both":
            return 0.5 * (self.metrics["miou"] + self.metrics["view_miou"])
        return self.metrics["miou"]

    @property
    def out_of_patience(self) -> bool:
        """Return whether validation has not improved for the recipe's number of validations (early stopping)."""
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
    sources: Sequence[DataSource] = (),
) -> TrainingRun:
    """Start a run, from random weights or from those of `init`, whose configuration then replaces the given one.

    facts: entries for run.json. sources: what the rooms were made from. Raises `CheckpointError` for an unfit teacher.
    """
    world = world or World()
    torch.manual_seed(recipe.seed)
    configuration = adapt_configuration(init.configuration if init else configuration, recipe, classes)
    network = build_network(configuration)
    notes = load_matching_weights(network, init, classes) if init else []
    teacher = load_teacher(recipe, configuration, classes, world)
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
        teacher=teacher,
        world=world,
        notes=notes,
        sources=merge_sources(init.known_sources if init else [], teacher.sources if teacher else [], sources),
    )
    if world.is_main_process:
        run.open_folder(facts or {}, before={})
    return run


def resume(
    folder: Path,
    recipe: Recipe | None = None,
    *,
    world: World | None = None,
    facts: dict[str, Any] | None = None,
    sources: Sequence[DataSource] = (),
) -> TrainingRun:
    """Continue the run in `folder` from its last checkpoint. recipe: None keeps that of the run.

    facts: entries for run.json. sources: what the rooms were made from. Raises `CheckpointError`.
    """
    world = world or World()
    last = Checkpoint.load(folder / "last.pt")
    recipe = recipe or Recipe(**last.recipe)
    network = build_network(adapt_configuration(last.configuration, recipe, last.classes))
    network.load_state_dict(last.network)
    network = convert_sync_batch_norm(network, world).to(
        world.device
    )  # before the optimiser, whose state lies on the device of the weights
    optimizer = make_optimizer(network, recipe)
    if last.optimizer is not None:
        optimizer.load_state_dict(last.optimizer)
        make_eager(optimizer)
        for group in optimizer.param_groups:  # overwritten by the loaded state
            group["weight_decay"] = recipe.weight_decay if recipe.optimizer == "adamw" else 0.0
    average = make_averaged_model(network, recipe, last.average)
    teacher = load_teacher(recipe, network.configuration, last.classes, world)
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
        teacher=teacher,
        world=world,
        sources=merge_sources(last.known_sources, teacher.sources if teacher else [], sources),
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
    """Load the teacher of a recipe; None for a recipe without one."""
    if recipe.teacher is None:
        return None
    return Teacher.load(Path(recipe.teacher), recipe.distillation, configuration, classes, world.device)


def changed_rooms_note(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return a message if a resumed run has other rooms than before, by the hashes in its metadata."""
    was, present = before.get("data_sha256"), now.get("data_sha256")
    if was is None or present is None or was == present:
        return []
    then, here = (f"{facts['data']} (sha256 {facts['data_sha256'][:12]})" for facts in (before, now))
    return [f"the rooms are not those that the run was started with: found {here}, before {then}"]


def restore_best_score(run: TrainingRun) -> None:
    """Read the best score so far from best.pt."""
    path = run.folder / "best.pt"
    if not path.exists():
        return
    best, current = Checkpoint.load(path), run.metrics
    if run.recipe.select == "both" and "view_miou" not in best.metrics:
        return  # from a run without validation on views: scores cannot be compared
    run.metrics = best.metrics
    run.best, run.best_samples = run.score(), best.samples
    run.metrics = current


def adapt_configuration(
    configuration: NetworkConfiguration, recipe: Recipe, classes: ClassTable
) -> NetworkConfiguration:
    """Return the configuration for a class table and a recipe's dropout."""
    changes: dict[str, Any] = {"classes": len(classes)}
    if recipe.dropout is not None:
        changes["dropout"] = recipe.dropout
    return NetworkConfiguration(**{**configuration.model_dump(), **changes})
