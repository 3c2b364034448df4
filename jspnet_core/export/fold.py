"""Folding of batch norms into the preceding linear layers: the same function with fewer operators."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from jspnet_core.network import JointNetwork
from jspnet_core.network.layers import Dense, DepthwisePointConv


@torch.no_grad()
def fold_batch_norms(network: JointNetwork) -> JointNetwork:
    """Fold every batch norm of a network in evaluation mode, in place."""
    for module in network.modules():
        if isinstance(module, Dense) and module.norm is not None:
            scale, shift = affine(module.norm)
            module.linear.weight.mul_(scale.unsqueeze(1))
            module.linear.bias.mul_(scale).add_(shift)
            module.norm = None
        elif isinstance(module, DepthwisePointConv) and isinstance(module.norm, nn.BatchNorm1d):
            scale, shift = affine(module.norm)
            last = cast(Dense, module.weight_net[-1])  # its outputs are summed and normalised: a scale may move into it
            last.linear.weight.mul_(scale.unsqueeze(1))
            last.linear.bias.mul_(scale)
            module.bias.mul_(scale).add_(shift)
            module.norm = nn.Identity()
    return network


def affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Return scale and shift of a batch norm in evaluation mode: y = scale * x + shift."""
    assert norm.running_mean is not None, "batch norms of this network keep running statistics"
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
