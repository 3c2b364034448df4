"""Networks of the ASIS pipeline: without fusion, and ASIS (Wang et al., CVPR 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import torch
from torch import Tensor

from jspnet_core.network.joint import Head, JointNetwork
from jspnet_core.network.layers import Dense, gather
from jspnet_core.network_config import NetworkConfiguration

NEIGHBORS = 30
"""Nearest neighbours in the embedding space from which a class is pooled."""

MAX_DISTANCE = 0.5
"""Largest L1 distance of these neighbours, in units of the embedding; the margin of the pull loss."""


class NoFusion(JointNetwork):
    """Network without fusion: the tasks share the encoder only ('w/o' in the paper's Tables 4 and 5)."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__(configuration)
        c = configuration
        self.semantic_head = Head(c.fusion, c.classes, c.dropout)
        self.instance_head = Head(c.fusion, c.embedding, c.dropout)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        return self.semantic_head(sem), self.instance_head(ins)


class ASIS(NoFusion):
    """ASIS: semantic features are added to the instance branch; classes are pooled over neighbours in the embedding."""

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__(configuration)
        self.adapt = Dense(configuration.fusion, configuration.fusion)

    def heads(self, sem: Tensor, ins: Tensor, pyramid: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        embeddings = self.instance_head(ins + self.adapt(sem))
        near = embedding_neighbors(embeddings.detach(), NEIGHBORS, MAX_DISTANCE)
        return self.semantic_head(gather(sem, near).amax(2)), embeddings


@torch.no_grad()
def embedding_neighbors(embeddings: Tensor, count: int, max_distance: float) -> Tensor:
    """Find the nearest points by L1 distance of embeddings; beyond `max_distance` the point itself replaces them.

    embeddings: (B, N, K). Returns flat indices (B, N, min(count, N)) int64.
    """
    blocks, points = embeddings.shape[:2]
    channels = embeddings.unbind(-1)  # one (B, N, N) array per channel: cdist cannot be exported
    distances = reduce(torch.add, ((x.unsqueeze(2) - x.unsqueeze(1)).abs() for x in channels))
    distance, near = distances.topk(min(count, points), largest=False)
    own = torch.arange(points, device=near.device).view(1, -1, 1)
    first = torch.arange(blocks, device=near.device).view(-1, 1, 1) * points
    return torch.where(distance > max_distance, own, near) + first
