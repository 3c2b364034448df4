"""Base of all networks: one encoder, a decoder for each task, and heads that may use the features of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from jspnet_core.network.layers import Dense
from jspnet_core.network.pointconv import PointConvDecoder, PointConvEncoder
from jspnet_core.network.pointnet import PointNetDecoder, PointNetEncoder
from jspnet_core.network.pointnet2 import PointNet2Decoder, PointNet2Encoder
from jspnet_core.network_config import NetworkConfiguration

BACKBONES: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "pointnet": (PointNetEncoder, PointNetDecoder),
    "pointnet2": (PointNet2Encoder, PointNet2Decoder),
    "pointconv": (PointConvEncoder, PointConvDecoder),
}

MASK_OFFSET = 1e4
"""Subtracted from the logits of masked classes: larger than any logit, within the range of float16."""


class JointNetwork(nn.Module):
    """Semantic logits and instance embeddings of blocks of points.

    forward: features (B, N, 9 or 6) float32, block x y z first; pyramid as `pipeline.pyramid` makes it.
    Returns logits (B, N, classes) and embeddings (B, N, embedding). Subclasses define `heads`.
    """

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        self.configuration = configuration
        encoder, decoder = BACKBONES[configuration.backbone]
        self.encoder = encoder(configuration)
        self.semantic_decoder = decoder(configuration)
        self.instance_decoder = decoder(configuration)

    def forward(self, features: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        xyz, levels = self.encoder(features[..., :3], features[..., 3:], pyramid)
        sem = self.semantic_decoder(xyz, levels, pyramid)
        ins = self.instance_decoder(xyz, levels, pyramid)
        return self.heads(sem, ins, pyramid)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Compute logits and embeddings from the decoders' features sem and ins, (B, N, fusion) each."""
        raise NotImplementedError

    def mask_classes(self, classes: Sequence[int]) -> None:
        """Exclude classes from prediction, in place: their logits fall below all others. Not for training."""
        (last,) = (layer for name, layer in self.named_modules() if name in ("semantic_head.out", "semantic_piff.out"))
        with torch.no_grad():
            cast(nn.Linear, last).bias[list(classes)] -= MASK_OFFSET


class Head(nn.Module):
    """Output layers, (B, N, inputs) to (B, N, outputs): dense layer of width `tail` if given, dropout, linear."""

    def __init__(self, inputs: int, outputs: int, dropout: float, tail: int | None = None):
        super().__init__()
        self.tail = nn.Identity() if tail is None else Dense(inputs, tail)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(tail or inputs, outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.dropout(self.tail(x)))
