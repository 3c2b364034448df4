"""PointNet backbone: features of single points and of the whole block (Qi et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from jspnet_core.network.layers import Dense, dense_stack
from jspnet_core.network_config import NetworkConfiguration


class PointNetEncoder(nn.Module):
    """Encoder: features of each point and of the block, (B, N, local + block). The pyramid is not used."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        widths = configuration.pointnet
        self.local = dense_stack(configuration.channels, widths.local)
        self.block = dense_stack(widths.local[-1], widths.block)

    def forward(
        self, xyz0: Tensor, features0: Tensor, pyramid: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        local = self.local(torch.cat([xyz0, features0], dim=-1))  # (B, N, C)
        block = self.block(local.amax(1, keepdim=True))  # (B, 1, C')
        return [xyz0], [torch.cat([local, block.expand(-1, local.shape[1], -1)], dim=-1)]


class PointNetDecoder(nn.Module):
    """Decoder of one task: (B, N, fusion)."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        widths = configuration.pointnet
        self.layers = dense_stack(widths.local[-1] + widths.block[-1], widths.decoder)
        self.out = Dense(widths.decoder[-1], configuration.fusion)

    def forward(self, xyz: list[Tensor], features: list[Tensor], pyramid: Mapping[str, Tensor]) -> Tensor:
        return self.out(self.layers(features[0]))
