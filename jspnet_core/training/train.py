"""Training loop: batches, steps, validation, checkpoints and logs.

A run's folder holds last.pt and best.pt (by validation), recipe.json, run.json and TensorBoard logs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from jspnet_core.data.rooms import Room
from jspnet_core.errors import JspnetError
from jspnet_core.training.cuda_graph_step import CudaGraphStep, can_capture
from jspnet_core.training.dataset.loader import DistributedBatchSampler, make_loader, to_device
from jspnet_core.training.dataset.mixed_dataset import mixed_blocks
from jspnet_core.training.distributed import World, wrap_ddp
from jspnet_core.training.optimizer import target_weights
from jspnet_core.training.profiling import Mode, PhaseTimer
from jspnet_core.training.recipe import Augmentation, Recipe
from jspnet_core.training.run import TrainingRun, resume, start
from jspnet_core.training.schedule import Schedule
from jspnet_core.training.sources import Source
from jspnet_core.training.step import train_step
from jspnet_core.training.targets import Targets
from jspnet_core.training.validation import Validation

__all__ = [
    "LOG_STEPS",
    "Augmentation",
    "Recipe",
    "TrainingRun",
    "TrainingError",
    "progress_bar",
    "resume",
    "start",
    "train",
    "train_step",
]

logger = logging.getLogger(__name__)

LOG_STEPS = 10
"""Steps between two readings of the losses; each reading synchronises with the GPU."""


class TrainingError(JspnetError):
    """Training that cannot continue, or settings that do not fit together."""


@dataclass
class LossMeter:
    """Running mean of the losses since the last reading, kept on the device to avoid synchronisation."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0

    def update(self, losses: dict[str, Tensor]) -> None:
        """Add the losses of one step, scalars by name."""
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in losses.items()}
        self.steps += 1

    def compute(self, world: World) -> dict[str, float]:
        """Return the means over all processes and reset. Raises `TrainingError` for a loss that is not finite."""
        means = (world.mean(torch.stack(list(self.sums.values()))) / self.steps).tolist()
        losses = dict(zip(self.sums, means, strict=True))
        self.sums, self.steps = {}, 0
        if not np.isfinite(losses["total"]):
            raise TrainingError(
                f"the loss is {losses['total']}; resume with a smaller learning rate, as --set learning_rate=5e-4"
            )
        return losses


def train(
    run: TrainingRun,
    rooms: Sequence[Room],
    validation: Sequence[Room],
    *,
    workers: int = 1,
    progress: Progress,
    compiled: bool = False,
    cuda_graph: bool = True,
    profile: Mode = "off",
) -> None:
    """Train until the recipe's number of blocks, or early stopping, is reached; validate and save meanwhile.

    workers: processes that load blocks. compiled: fuse the network with torch.compile. cuda_graph: capture a step as a
    CUDA graph where possible; not if compiled or profiled. Raises `TrainingError`, `CudaGraphError`, `RoomFileError`.
    """
    source = Source("rooms", rooms, run.classes, validation=validation)
    train_on(
        run, [source], workers=workers, progress=progress, compiled=compiled, cuda_graph=cuda_graph, profile=profile
    )


def train_on(
    run: TrainingRun,
    sources: Sequence[Source],
    *,
    workers: int = 1,
    progress: Progress,
    compiled: bool = False,
    cuda_graph: bool = True,
    profile: Mode = "off",
) -> None:
    """Train as `train`, on rooms of several sources, which may have smaller class tables than the network."""
    recipe, world = run.recipe, run.world
    if recipe.batch % world.size:
        raise TrainingError(f"batch is {recipe.batch}, must be a multiple of the number of processes, {world.size}")
    teacher = None if run.teacher is None else run.teacher.network.configuration
    targets = Targets.of(run.classes, [source.classes for source in sources])
    run.groups = targets.groups_on(world.device)
    blocks = mixed_blocks(sources, targets, run.network.configuration, recipe.augmentation, recipe.seed, teacher)
    weights = target_weights(blocks.points, targets, recipe, world.device)
    validate, timer = Validation(sources, run.network.configuration, targets, world), PhaseTimer(profile, world.device)
    if compiled:
        run.network.compile()  # in place: the names of the weights do not change
    model = wrap_ddp(run.network, world)
    cuda_graph = cuda_graph and not compiled and profile == "off" and can_capture(run)
    step = CudaGraphStep(run, weights) if cuda_graph else partial(train_step, run, model, weights=weights, timer=timer)
    log, losses, schedule = TrainingLog(run, progress), LossMeter(), Schedule(run)
    sampler = DistributedBatchSampler(run.samples, schedule.end, recipe.batch, world)
    saved = time.monotonic()
    for batch in timed_batches(make_loader(blocks, sampler, workers, world.device), timer):
        losses.update(step(to_device(batch, world.device)))
        before, run.samples = run.samples, run.samples + recipe.batch
        timer.end_step()
        due = schedule.validation_due(before)
        if not due and run.samples // recipe.batch % LOG_STEPS:
            continue
        log.losses(losses.compute(world))  # before saving: checks that the losses are finite
        late = time.monotonic() - saved > 60 * recipe.checkpoint_minutes
        if due:
            begin = time.monotonic()
            validate_and_save(run, validate, log)
            schedule.validated(time.monotonic() - begin)
        elif late and world.is_main_process:
            run.save()
        saved = time.monotonic() if due or late else saved
        if schedule.finished:
            break
        if run.out_of_patience:
            logger.info("no better validation since %d blocks: stopped", run.best_samples)
            break
    log.close(timer, recipe.batch // world.size)


def timed_batches(batches: Iterable[dict], timer: PhaseTimer) -> Iterator[dict]:
    """Yield the batches and record the time spent waiting for each."""
    source = iter(batches)
    while True:
        with timer.phase("waiting for data"):
            batch = next(source, None)
        if batch is None:
            return
        yield batch


def validate_and_save(run: TrainingRun, validate: Validation, log: TrainingLog) -> None:
    """Validate and write best.pt, if the score is the best so far, then last.pt.

    In this order a run that is killed in between validates the same weights again when resumed.
    """
    run.metrics = validate(run.eval_network)
    score = run.score()
    if score > run.best or not run.best_samples:
        run.best, run.best_samples = score, run.samples
        if run.world.is_main_process:
            run.save_best(score)
    if run.world.is_main_process:
        log.validation()
        run.save()


class TrainingLog:
    """TensorBoard logs and progress bar of the main process."""

    def __init__(self, run: TrainingRun, progress: Progress):
        self.run, self.progress = run, progress
        total = None if run.recipe.minutes else run.recipe.samples
        self.task = progress.add_task("training", total=total, completed=run.samples, shown="")
        self.writer = None
        if run.world.is_main_process:  # purge what was logged after the checkpoint
            self.writer = SummaryWriter(str(run.folder / "tensorboard"), purge_step=run.samples + 1)

    def losses(self, losses: dict[str, float]) -> None:
        """Log the losses and the learning rate."""
        shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        shown += f"  best {100 * self.run.best:.1f}"
        self.progress.update(self.task, completed=self.run.samples, shown=shown)
        if self.writer:
            for name, value in losses.items():
                self.writer.add_scalar(f"train/{name}", value, self.run.samples)
            self.writer.add_scalar("train/rate", float(self.run.optimizer.param_groups[0]["lr"]), self.run.samples)

    def validation(self) -> None:
        """Log the metrics of the last validation."""
        m = self.run.metrics
        if self.writer:
            for name in ("miou", "accuracy", "view_miou", "view_accuracy", "semantic", "pull", "push"):
                self.writer.add_scalar(f"validation/{name}", m[name], self.run.samples)
        logger.info(
            "%d blocks: validation mIoU %.1f, of views %.1f, accuracy %.1f, losses %.3f + %.3f + %.3f",
            self.run.samples,
            *(100 * m[name] for name in ("miou", "view_miou", "accuracy")),
            *(m[name] for name in ("semantic", "pull", "push")),
        )

    def close(self, timer: PhaseTimer, batch: int) -> None:
        """Close the logs and print the profile, if one was taken."""
        if self.writer:
            self.writer.close()
            if timer.steps:
                self.progress.console.print(timer.table(batch))
            operators = timer.operators()
            if operators:
                self.progress.console.print(operators, markup=False, highlight=False)


def progress_bar(visible: bool = True) -> Progress:
    """Create a progress bar. visible: False also silences its console."""
    return Progress(
        *Progress.get_default_columns()[:3],
        TextColumn("{task.completed}/{task.total} {task.fields[shown]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(quiet=not visible),
        disable=not visible,
    )
