"""Optimiser, averaged weights and class weights, as a recipe asks for them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from jspnet_core.training.recipe import Recipe
from jspnet_core.training.targets import Targets

RAREST = 0.005
"""Classes with a smaller share of the points weigh as if they had this one."""


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """One kernel for all weights where they lie on a GPU."""
    parameters = list(network.parameters())
    fused = parameters[0].is_cuda
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay, fused=fused)
    return torch.optim.Adam(parameters, recipe.learning_rate, fused=fused)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step, where it lies: a number, or a tensor that a recorded step reads."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def make_capturable(optimizer: torch.optim.Optimizer) -> None:
    """Ready to be recorded in a CUDA graph: the rate is a tensor, and steps are counted on the GPU."""
    for group in optimizer.param_groups:
        if not isinstance(group["lr"], Tensor):
            group["lr"] = torch.tensor(group["lr"], device=group["params"][0].device)
            group["capturable"] = True


def make_eager(optimizer: torch.optim.Optimizer) -> None:
    """As it is made, whatever the run did that its state was loaded from."""
    for group in optimizer.param_groups:
        group["lr"], group["capturable"] = float(group["lr"]), False


def make_averaged_model(
    network: nn.Module, recipe: Recipe, state: dict[str, Tensor] | None = None
) -> AveragedModel | None:
    """The moving average of the weights and of the batch norms' statistics, from `state` on if there is one."""
    if not recipe.ema:
        return None
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema), use_buffers=True)
    if state is not None:
        average.module.load_state_dict(state)
        average.n_averaged.fill_(1)  # else the first update would replace it
    return average


def target_weights(share: np.ndarray, targets: Targets, recipe: Recipe, device: torch.device) -> Tensor | None:
    """Weights (T,) of the targets, 1 for the average point; None where all weigh alike.

    share: (T,) of the points by target, adds up to 1. A target that stands for several classes weighs by the share of
    all points that are certainly of them.
    """
    if not recipe.class_weight:
        return None
    weights = np.maximum(targets.counts(share), RAREST) ** -recipe.class_weight
    return torch.tensor(weights / (weights * share).sum(), dtype=torch.float32, device=device)


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether mixed precision saves time: on a GPU, and on CPUs with AVX-512 BF16 or AMX (not by emulation)."""
    if device.type != "cpu":
        return True
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
