"""Train a network on labelled rooms.

    jspnet train ROOMS_DIR --out runs/first --size m --samples 60000
    jspnet train ROOMS_DIR --out runs/first --resume

The run's folder holds last.pt and best.pt (by validation), recipe.json, run.json and TensorBoard logs.
"""

from __future__ import annotations

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
from jspnet_core.training.dataset.loader import DistributedBatchSampler, loader, to_device
from jspnet_core.training.dataset.mixed_dataset import mixed_blocks
from jspnet_core.training.distributed import World, wrap_ddp
from jspnet_core.training.optimizer import target_weights
from jspnet_core.training.profiling import Mode, PhaseTimer
from jspnet_core.training.recipe import Augmentation, Recipe
from jspnet_core.training.run import TrainingRun, resume, start
from jspnet_core.training.schedule import Schedule, Timer
from jspnet_core.training.sources import Source
from jspnet_core.training.step import step
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
    "step",
    "train",
]

LOG_STEPS = 10
"""Steps between two looks at the losses; each look waits for the GPU."""


class TrainingError(JspnetError):
    """Training that cannot go on: one sentence."""


@dataclass
class LossMeter:
    """Mean losses since the last look, summed where they are computed, so that nothing waits for a GPU."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0

    def add(self, losses: dict[str, Tensor]) -> None:
        self.sums = {name: self.sums.get(name, 0.0) + value for name, value in losses.items()}
        self.steps += 1

    def take(self, world: World) -> dict[str, float]:
        """The means over all processes, as plain numbers. Raises `TrainingError` when one is not finite."""
        means = (world.mean(torch.stack(list(self.sums.values()))) / self.steps).tolist()
        taken = dict(zip(self.sums, means, strict=True))
        self.sums, self.steps = {}, 0
        if not np.isfinite(taken["total"]):
            raise TrainingError(
                f"the loss is {taken['total']}; resume with a smaller rate, as --set learning_rate=5e-4"
            )
        return taken


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
    """Train until the recipe's number of blocks is reached, or its patience ends, validating and saving on the way.

    cuda_graph: where that is possible, a step is one CUDA graph; not when it is compiled, or profiled.
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
    """`train` on rooms of several sources, which may have smaller class tables than the network."""
    recipe, world = run.recipe, run.world
    if recipe.batch % world.size:
        raise TrainingError(f"batch {recipe.batch} cannot be shared out to {world.size} processes alike")
    teacher = None if run.teacher is None else run.teacher.network.configuration
    targets = Targets.of(run.classes, [source.classes for source in sources])
    run.groups = targets.groups_on(world.device)
    blocks = mixed_blocks(sources, targets, run.network.configuration, recipe.augmentation, recipe.seed, teacher)
    weights = target_weights(blocks.points, targets, recipe, world.device)
    validate, clock = Validation(sources, run.network.configuration, targets, world), PhaseTimer(profile, world.device)
    if compiled:
        run.network.compile()  # in place: names of weights stay
    model = wrap_ddp(run.network, world)
    cuda_graph = cuda_graph and not compiled and profile == "off" and can_capture(run)
    take = CudaGraphStep(run, weights) if cuda_graph else partial(step, run, model, weights=weights, clock=clock)
    log, losses, schedule = TrainingLog(run, progress), LossMeter(), Schedule(run)
    numbers = DistributedBatchSampler(run.samples, schedule.end, recipe.batch, world)
    saved = time.monotonic()
    for batch in timed_batches(loader(blocks, numbers, workers, world.device), clock):
        losses.add(take(to_device(batch, world.device)))
        before, run.samples = run.samples, run.samples + recipe.batch
        clock.end_step()
        due = schedule.validation_due(before)
        if not due and run.samples // recipe.batch % LOG_STEPS:
            continue
        log.losses(losses.take(world))  # looks at the losses first: weights that are not finite are never saved
        late = time.monotonic() - saved > 60 * recipe.checkpoint_minutes
        if due:
            timer = Timer()
            validate_and_save(run, validate, log)
            schedule.validated(timer())
        elif late and world.is_main_process:
            run.save()
        saved = time.monotonic() if due or late else saved
        if schedule.finished:
            break
        if run.out_of_patience:
            progress.console.print(f"no better validation since {run.best_samples} blocks: stopped")
            break
    log.close(clock, recipe.batch // world.size)


def timed_batches(batches: Iterable[dict], clock: PhaseTimer) -> Iterator[dict]:
    """The batches, with the time that the network waits for each."""
    source = iter(batches)
    while True:
        with clock.phase("waiting for data"):
            batch = next(source, None)
        if batch is None:
            return
        yield batch


def validate_and_save(run: TrainingRun, validate: Validation, log: TrainingLog) -> None:
    """Validate, and write best.pt when it is the best so far, then last.pt: whoever is killed between the two validates
    this network again when resumed, and has lost nothing."""
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
    """TensorBoard and the progress bar, of the leading process only."""

    def __init__(self, run: TrainingRun, progress: Progress):
        self.run, self.progress = run, progress
        total = None if run.recipe.minutes else run.recipe.samples
        self.task = progress.add_task("training", total=total, completed=run.samples, shown="")
        self.writer = None
        if run.world.is_main_process:  # what was logged after the checkpoint that this run resumes from did not happen
            self.writer = SummaryWriter(str(run.folder / "tensorboard"), purge_step=run.samples + 1)

    def losses(self, losses: dict[str, float]) -> None:
        shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        shown += f"  best {100 * self.run.best:.1f}"
        self.progress.update(self.task, completed=self.run.samples, shown=shown)
        if self.writer:
            for name, value in losses.items():
                self.writer.add_scalar(f"train/{name}", value, self.run.samples)
            self.writer.add_scalar("train/rate", float(self.run.optimizer.param_groups[0]["lr"]), self.run.samples)

    def validation(self) -> None:
        m = self.run.metrics
        if self.writer:
            for name in ("miou", "accuracy", "view_miou", "view_accuracy", "semantic", "pull", "push"):
                self.writer.add_scalar(f"validation/{name}", m[name], self.run.samples)
        self.progress.console.print(
            f"{self.run.samples} blocks: validation mIoU {100 * m['miou']:.1f}, of views {100 * m['view_miou']:.1f}, "
            f"accuracy {100 * m['accuracy']:.1f}, losses {m['semantic']:.3f} + {m['pull']:.3f} + {m['push']:.3f}"
        )

    def close(self, clock: PhaseTimer, batch: int) -> None:
        if self.writer:
            self.writer.close()
            if clock.steps:
                self.progress.console.print(clock.table(batch))
            operators = clock.operators()
            if operators:
                self.progress.console.print(operators, markup=False, highlight=False)


def progress_bar(visible: bool = True) -> Progress:
    """The bar of one process; where not visible its console is silent, too."""
    return Progress(
        *Progress.get_default_columns()[:3],
        TextColumn("{task.completed}/{task.total} {task.fields[shown]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(quiet=not visible),
        disable=not visible,
    )
