"""JSNet: joint instance and semantic segmentation, the predecessor of JSPNet (Zhao and Tao, AAAI 2020)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jspnet_core.network.fusion import gate
from jspnet_core.network.joint import Head, JointNetwork
from jspnet_core.network.layers import Dense
from jspnet_core.network_config import NetworkConfiguration


class JSNet(JointNetwork):
    """JISS: semantic features are added to the instance branch, then its mean over the block to the semantic branch."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__(configuration)
        c = configuration
        self.adapt = Dense(c.fusion, c.fusion)
        self.aggregate = Dense(2 * c.fusion, c.fusion)
        self.semantic_head = Head(2 * c.fusion, c.classes, c.dropout, tail=c.fusion)
        self.instance_head = Head(2 * c.fusion, c.embedding, c.dropout, tail=c.fusion)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        instance = gate(torch.cat([ins, ins + self.adapt(sem)], dim=-1))  # (B, N, 2C)
        block = self.aggregate(instance).mean(1, keepdim=True)  # (B, 1, C)
        semantic = gate(torch.cat([sem, sem + block], dim=-1))
        return self.semantic_head(semantic), self.instance_head(instance)
