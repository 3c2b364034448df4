"""Backbone of JSNet and JSPNet: a PointNet++ layer and PointConv layers (paper, section 3.1 and Fig. 2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from jspnet_core.network.layers import (
    Dense,
    DepthwisePointConv,
    PointConv,
    SetAbstraction,
    dense_stack,
    gather,
    interpolate,
    up,
)
from jspnet_core.network_config import NetworkConfiguration


class PointConvEncoder(nn.Module):
    """Encoder. enc1: PointNet++ set abstraction; enc2 to enc4: PointConv (section 3.1)."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        c = configuration
        self.levels = c.levels
        self.enc1 = SetAbstraction(c.channels - 3, c.set_abstraction)
        inputs = (c.set_abstraction[-1], *(widths[-1] for widths in c.point_conv))
        self.convs = nn.ModuleList(
            PointConv(i, widths, c.weight_net, c.density_net) for i, widths in zip(inputs, c.point_conv, strict=False)
        )

    def forward(
        self, xyz0: Tensor, features0: Tensor, pyramid: Mapping[str, Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        xyz1 = gather(xyz0, pyramid["sample"])  # (B, n1, 3)
        xyz = [xyz0] + [
            xyz1[:, :n] for n in self.levels
        ]  # farthest point sampling: each level is a prefix of the finer one
        features = [features0, self.enc1(xyz0, features0, xyz1, pyramid["ball"])]
        for level, conv in enumerate(self.convs, start=1):
            near = pyramid[f"near{level}"][:, : self.levels[level]]  # rows of the next level's points
            density = pyramid[f"density{level + 1}"]
            features.append(conv(xyz[level], features[level], xyz[level + 1], near, density))
        return xyz, features


class PointConvDecoder(nn.Module):
    """Decoder of one task, fa1 to fa4 and PCFF (section 3.1, Fig. 2b), or without PCFF: (B, N, fusion)."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        c = configuration
        self.neighbors = c.decoder_neighbors
        deep = (c.point_conv[2][-1], c.decoder[0][-1], c.decoder[1][-1])
        skips = (c.point_conv[1][-1], c.point_conv[0][-1], c.set_abstraction[-1])
        self.convs = nn.ModuleList(
            DepthwisePointConv(i, s, widths, c.weight_net) for i, s, widths in zip(deep, skips, c.decoder, strict=True)
        )
        self.fa4 = dense_stack(c.decoder[2][-1] + c.channels - 3, c.propagation)
        self.pcff = Dense(c.decoder[1][-1] if c.pcff else c.propagation[-1], c.fusion)
        self.scales = c.pcff

    def forward(self, xyz: list[Tensor], features: list[Tensor], pyramid: Mapping[str, Tensor]) -> Tensor:
        decoded = [features[4]]
        for conv, level in zip(self.convs, (3, 2, 1), strict=True):
            near = pyramid[f"near{level}"][:, :, : self.neighbors]
            decoded.append(conv(xyz[level], decoded[-1], up(pyramid, level, level + 1), near, features[level]))
        return self.fuse_scales(decoded[2], decoded[3], features[0], pyramid)

    def fuse_scales(self, fa2: Tensor, fa3: Tensor, features0: Tensor, pyramid: Mapping[str, Tensor]) -> Tensor:
        """Compute fa4 and PCFF of the scales 1, 1/4, 1/16: fa2 (B, n2, C2), fa3 (B, n1, C3), features0 (B, N, C0)."""
        fa3_up = interpolate(fa3, *up(pyramid, 0, 1))  # (B, N, C)
        fa4 = self.fa4(torch.cat([fa3_up, features0], dim=-1))
        if not self.scales:
            return self.pcff(fa4)
        # A linear layer and an interpolation commute: on the coarse points the layer is cheaper.
        coarse = interpolate(self.pcff.linear(fa2), *up(pyramid, 0, 2))  # with the bias: the weights sum to 1
        weight, width = self.pcff.linear.weight, fa4.shape[-1]
        fine = functional.linear(fa3_up, weight[:, width:]) + coarse
        return self.pcff.finish(functional.linear(fa4, weight[:, :width]) + fine)  # lazy concatenation of fa4 and fa3
