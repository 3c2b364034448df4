"""Train JSPNet on a folder of labelled rooms.

    jspnet train ROOMS_DIR --out runs/first --size narrow --samples 60000
    jspnet train ROOMS_DIR --out runs/first --resume

The run's folder holds last.pt and best.pt (by validation mIoU) and TensorBoard logs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from rich.progress import Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter

from jspnet_core.classes import S3DIS
from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.data.rooms import Room
from jspnet_core.instance_sizes import mean_instance_sizes
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.training.block_set import Augmentation, BlockSet, Numbers
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.losses import joint_loss
from jspnet_core.training.validation import validate


class Recipe(BaseModel):
    """How to train (paper, section 4.2, where not said otherwise). Decay is counted in blocks, not in steps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int = Field(2_000_000, ge=1, description="blocks to train on in all")
    batch: int = Field(12, ge=1, description="blocks of a step")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, at the start")
    schedule: Literal["step", "cosine"] = Field("step", description="step: halves, as in the paper; cosine: to the end")
    decay_samples: int = Field(300_000, ge=1, description="blocks after which rate (step) and norm momentum halve")
    min_learning_rate: float = Field(1e-5, ge=0, description="the learning rate never falls below")
    validate_every: int = Field(3000, ge=1, description="blocks between validations and checkpoints")
    generated_rooms: int = Field(0, ge=0, description="rooms of the scene generator beside the real ones")
    norm_momentum: float = Field(0.5, gt=0, le=1, description="of batch norm at the start; halves with the rate")
    seed: int = Field(0, description="of weights, rooms and augmentation")
    augmentation: Augmentation = Augmentation()

    def rate(self, samples: int) -> float:
        """The learning rate after a number of blocks."""
        if self.schedule == "cosine":
            share = 0.5 + 0.5 * math.cos(math.pi * min(1.0, samples / self.samples))
        else:
            share = 0.5 ** (samples // self.decay_samples)
        return max(self.min_learning_rate, self.learning_rate * share)

    def momentum(self, samples: int) -> float:
        """Of batch norm, in PyTorch's sense; never below 0.01."""
        return max(0.01, self.norm_momentum * 0.5 ** (samples // self.decay_samples))


@dataclass
class Run:
    """A training run in progress."""

    folder: Path
    recipe: Recipe
    network: JointNetwork
    optimizer: torch.optim.Adam
    samples: int
    best: float
    mean_sizes: list[float | None]

    def checkpoint(self, metrics: dict) -> Checkpoint:
        return Checkpoint(
            self.network.configuration,
            S3DIS,
            self.network.state_dict(),
            self.optimizer.state_dict(),
            self.samples,
            self.recipe.model_dump(mode="json"),
            metrics,
            self.mean_sizes,
        )


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def start(folder: Path, configuration: NetworkConfiguration, recipe: Recipe, rooms: Sequence[Room]) -> Run:
    """A new run."""
    torch.manual_seed(recipe.seed)
    network = build_network(configuration).to(best_device())
    folder.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    sizes = mean_instance_sizes(rooms, len(S3DIS), recipe.augmentation.voxel_size)
    return Run(folder, recipe, network, optimizer, 0, 0.0, [None if np.isnan(s) else float(s) for s in sizes])


def resume(folder: Path, recipe: Recipe | None = None) -> Run:
    """Go on with the run in `folder` from its last checkpoint, by its own recipe if none is given."""
    last = Checkpoint.load(folder / "last.pt")
    network = build_network(last.configuration).to(best_device())  # before the optimiser: its state follows the weights
    network.load_state_dict(last.network)
    optimizer = torch.optim.Adam(network.parameters())
    if last.optimizer is not None:
        optimizer.load_state_dict(last.optimizer)
    best = folder / "best.pt"
    best_miou = Checkpoint.load(best).metrics["miou"] if best.exists() else 0.0
    return Run(folder, recipe or Recipe(**last.recipe), network, optimizer, last.samples, best_miou, last.mean_sizes)


def train(run: Run, rooms: Sequence[Room], validation: Sequence[Room], *, workers: int = 1, progress: Progress) -> None:
    """Train until the recipe's number of blocks is reached, validating and saving on the way."""
    device = next(run.network.parameters()).device
    blocks = BlockSet(rooms, run.network.configuration, run.recipe.augmentation, run.recipe.seed)
    writer = SummaryWriter(str(run.folder / "tensorboard"))
    task = progress.add_task("training", total=run.recipe.samples, completed=run.samples, shown="")
    for batch in loader(blocks, run, workers):
        losses = step(run, to_device(batch, device))
        before, run.samples = run.samples, run.samples + len(batch["label"])
        shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
        progress.update(task, completed=run.samples, shown=f"{shown}  best mIoU {100 * run.best:.1f}")
        for name, value in losses.items():
            writer.add_scalar(f"train/{name}", value, run.samples)
        due = run.samples // run.recipe.validate_every > before // run.recipe.validate_every
        if due or run.samples >= run.recipe.samples:
            save(run, validate(run.network, validation, device), writer, progress)
    writer.close()


def loader(blocks: BlockSet, run: Run, workers: int) -> Iterator[dict]:
    numbers = Numbers(run.samples, run.recipe.samples)
    return iter(
        DataLoader(
            blocks, run.recipe.batch, sampler=numbers, num_workers=workers, collate_fn=blocks.collate,
            prefetch_factor=4 if workers else None, worker_init_fn=single_threaded,
        )
    )  # fmt: skip


def single_threaded(_: int) -> None:
    """A loader process leaves the other cores to the network."""
    threadpool_limits(1)


def step(run: Run, batch: dict) -> dict[str, float]:
    """One optimiser step; the losses as plain numbers. Raises `FloatingPointError` when the loss is not finite."""
    for group in run.optimizer.param_groups:
        group["lr"] = run.recipe.rate(run.samples)
    run.network.train()
    set_norm_momentum(run.network, run.recipe.momentum(run.samples))
    logits, embeddings = run.network(batch["features"], batch["pyramid"])
    losses = joint_loss(logits, embeddings, batch["label"], batch["instance"])
    if not torch.isfinite(losses["total"]):
        raise FloatingPointError(
            f"the loss is {losses['total'].item()} after {run.samples} blocks; resume with a smaller rate"
        )
    run.optimizer.zero_grad(set_to_none=True)
    losses["total"].backward()
    run.optimizer.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def save(run: Run, metrics: dict, writer: SummaryWriter, progress: Progress) -> None:
    """Write last.pt, and best.pt when the validation mIoU is the best so far."""
    for name in ("miou", "accuracy", "semantic", "pull", "push"):
        writer.add_scalar(f"validation/{name}", metrics[name], run.samples)
    progress.console.print(
        f"{run.samples} blocks: validation mIoU {100 * metrics['miou']:.1f}, accuracy {100 * metrics['accuracy']:.1f}, "
        f"losses {metrics['semantic']:.3f} + {metrics['pull']:.3f} + {metrics['push']:.3f}"
    )
    checkpoint = run.checkpoint(metrics)
    checkpoint.save(run.folder / "last.pt")
    if metrics["miou"] > run.best:
        run.best = metrics["miou"]
        checkpoint.save(run.folder / "best.pt")


def set_norm_momentum(network: nn.Module, momentum: float) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = momentum


def to_device(batch: dict, device: torch.device) -> dict:
    moved: dict = {name: x.to(device, non_blocking=True) for name, x in batch.items() if isinstance(x, Tensor)}
    moved["pyramid"] = {name: x.to(device, non_blocking=True) for name, x in batch["pyramid"].items()}
    return moved


def progress_bar() -> Progress:
    return Progress(
        *Progress.get_default_columns()[:3], TextColumn("{task.completed}/{task.total} {task.fields[shown]}"),
        TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
