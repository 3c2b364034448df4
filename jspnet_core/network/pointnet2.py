"""PointNet++ backbone of ASIS: four set abstractions, and four feature propagations for each task."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from jspnet_core.network.layers import Dense, SetAbstraction, dense_stack, gather, interpolate, up
from jspnet_core.network_config import NetworkConfiguration


class PointNet2Encoder(nn.Module):
    """Set abstractions over the pyramid's levels.

    Level 1 groups by the pyramid's ball query. Levels 2 to 4 group the pyramid's nearest neighbours inside the ball: if
    a ball contains more than K points, these are the nearest K instead of the first K as in PointNet++.
    """

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        c = configuration
        self.levels = c.levels
        widths = (c.set_abstraction, *c.point_conv)
        inputs = (c.channels - 3, *(w[-1] for w in widths))
        radii = (None, *c.radii[1:])
        self.layers = nn.ModuleList(SetAbstraction(i, w, r) for i, w, r in zip(inputs, widths, radii, strict=False))

    def forward(
        self, xyz0: Tensor, features0: Tensor, pyramid: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        xyz1 = gather(xyz0, pyramid["sample"])  # (B, n1, 3)
        xyz = [xyz0] + [xyz1[:, :n] for n in self.levels]  # each level is a prefix of the finer one
        features = [features0]
        for level, layer in enumerate(self.layers):
            near = pyramid["ball"] if level == 0 else pyramid[f"near{level}"][:, : self.levels[level]]
            features.append(layer(xyz[level], features[level], xyz[level + 1], near))
        return xyz, features


class PointNet2Decoder(nn.Module):
    """Decoder of one task, feature propagations from level 4 to level 0: (B, N, fusion)."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        c = configuration
        widths = (*c.feature_propagation, c.propagation)
        deep = (c.point_conv[2][-1], *(w[-1] for w in widths))
        skips = (c.point_conv[1][-1], c.point_conv[0][-1], c.set_abstraction[-1], c.channels - 3)
        self.layers = nn.ModuleList(dense_stack(i + s, w) for i, s, w in zip(deep, skips, widths, strict=False))
        self.out = Dense(widths[-1][-1], c.fusion)

    def forward(self, xyz: list[Tensor], features: list[Tensor], pyramid: Mapping[str, Tensor]) -> Tensor:
        x = features[4]
        for layer, level in zip(self.layers, (3, 2, 1, 0), strict=True):
            x = layer(torch.cat([interpolate(x, *up(pyramid, level, level + 1)), features[level]], dim=-1))
        return self.out(x)
