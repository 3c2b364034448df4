"""One training step: forward, backward, optimiser, averaged weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from jspnet_core.training.distributed import set_batch_norm_momentum
from jspnet_core.training.losses import joint_loss
from jspnet_core.training.optimizer import has_native_bfloat16, set_learning_rate
from jspnet_core.training.profiling import PhaseTimer
from jspnet_core.training.run import TrainingRun


def train_step(
    run: TrainingRun, model: nn.Module, batch: dict, weights: Tensor | None = None, timer: PhaseTimer | None = None
) -> dict[str, Tensor]:
    """Run one optimiser step on this process's part of a batch; return the losses, scalars on the device.

    All random numbers depend on the seed and on the number of blocks so far only: a resumed run draws what an
    uninterrupted one would have drawn. weights: (C,) of the classes, or None.
    """
    timer = timer or PhaseTimer("off", batch["features"].device)
    prepare_step(run)
    with timer.phase("forward"):
        losses = compute_losses(run, model, batch, weights)
    run.optimizer.zero_grad(set_to_none=True)
    with timer.phase("backward"):
        losses["total"].backward()
    with timer.phase("optimiser"):
        apply_gradients(run)
        update_average(run)
    return {name: value.detach() for name, value in losses.items()}


def prepare_step(run: TrainingRun) -> None:
    """Set learning rate, batch norm momentum and random seed of the next step."""
    recipe = run.recipe
    set_learning_rate(run.optimizer, recipe.learning_rate_at(run.samples, run.progress))
    run.network.train()
    set_batch_norm_momentum(run.network, recipe.norm_momentum_at(run.samples))
    entropy = np.random.SeedSequence([recipe.seed, run.samples, run.world.rank])
    torch.manual_seed(int(entropy.generate_state(1)[0]))  # for dropout


def compute_losses(
    run: TrainingRun, model: nn.Module, batch: dict, weights: Tensor | None, cached: bool = True
) -> dict[str, Tensor]:
    """Compute the losses of a batch, with gradients. cached: autocast may keep 16-bit copies of the weights."""
    device = batch["features"].device
    mixed = run.recipe.mixed_precision and has_native_bfloat16(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=mixed, cache_enabled=cached):
        logits, embeddings = model(batch["features"], batch["pyramid"])
    losses = joint_loss(
        logits.float(),
        embeddings.float(),
        batch["label"],
        batch["instance"],
        instances=batch["instances"],
        weights=weights,
        groups=run.groups,
        smoothing=run.recipe.label_smoothing,
        average=run.world.mean,
    )
    if run.teacher is not None:
        losses = run.teacher.add_loss(losses, batch, logits.float(), embeddings.float())
    return losses


def apply_gradients(run: TrainingRun) -> None:
    """Clip the gradients to the recipe's `clip_norm` and update the weights."""
    if run.recipe.clip_norm:
        nn.utils.clip_grad_norm_(run.network.parameters(), run.recipe.clip_norm)
    run.optimizer.step()


def update_average(run: TrainingRun) -> None:
    """Update the moving average of the weights, if the recipe has one."""
    if run.average is not None:
        run.average.multi_avg_fn = get_ema_multi_avg_fn(run.recipe.ema_decay_at(run.samples))
        run.average.update_parameters(run.network)
