"""Optimiser, moving average of the weights, and class weights of a recipe."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from jspnet_core.training.recipe import Recipe
from jspnet_core.training.targets import Targets

RAREST = 0.005
"""Smallest share of the points that a class counts with in its weight."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Create the optimiser of a recipe; fused into one kernel on a GPU."""
    parameters = list(network.parameters())
    fused = parameters[0].is_cuda
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=fused)
    return torch.optim.Adam(parameters, recipe.learning_rate, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate: a number, or in place where it is a tensor that a captured step reads."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def make_capturable(optimizer: torch.optim.Optimizer) -> None:
    """Prepare the optimiser for CUDA graphs: the rate becomes a tensor, steps are counted on the GPU."""
    for group in optimizer.param_groups:
        if not isinstance(group["lr"], Tensor):
            group["lr"] = torch.tensor(group["lr"], device=group["params"][0].device)
            group["capturable"] = True


def make_eager(optimizer: torch.optim.Optimizer) -> None:
    """Undo `make_capturable`, also for state that was loaded from a run with captured steps."""
    for group in optimizer.param_groups:
        group["lr"], group["capturable"] = float(group["lr"]), False


def make_averaged_model(
    network: nn.Module, recipe: Recipe, state: dict[str, Tensor] | None = None
) -> AveragedModel | None:
    """Create the moving average of weights and batch norm statistics, or None. state: of an average to continue."""
    if not recipe.ema:
        return None
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True)
    if state is not None:
        average.module.load_state_dict(state)
        average.n_averaged.fill_(1)  # else the first update would replace it
    return average


def target_weights(share: np.ndarray, targets: Targets, recipe: Recipe, device: torch.device) -> Tensor | None:
    """Compute weights (T,) of the targets, with a mean of 1 per point; None without weighting.

    share: (T,) of the points by target, adds up to 1. The weight of a target of several classes depends on the share of
    all points that certainly belong to one of them.
    """
    if not recipe.class_weight:
        return None
    weights = np.maximum(targets.counts(share), RAREST) ** -recipe.class_weight
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32, device=device)


def has_native_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 natively: a GPU, or a CPU with AVX-512 BF16 or AMX."""
    if device.type != "cpu":
        return True
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
