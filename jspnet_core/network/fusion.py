"""SIFF and PIFF: how the semantic and the instance branch help each other (paper, section 3.2 and 3.3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.network.layers import Dense, gather


def gate(x: Tensor) -> Tensor:
    """Each point's features times the sigmoid of their mean (eqs. 9 and 16): (B, N, C)."""
    return x * torch.sigmoid(x.mean(-1, keepdim=True))


class SIFF(nn.Module):
    """Similarity-based feature fusion (eqs. 6-11): (B, N, C) of both branches to (B, N, 2C) of one.

    Where a point stands out from its own branch's mean, features of the other branch are let in.
    """

    def __init__(self, configuration: NetworkConfiguration):
        super().__init__()
        width = configuration.fusion
        self.center = configuration.siff_center
        self.p_scale = configuration.siff_p_scale
        self.main = configuration.siff_main
        self.other = Dense(width, width)
        self.mix = Dense(width, width)

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        a, b = (own, other) if self.main == "own" else (other, own)
        p = a.mean(1, keepdim=True)  # (B, 1, C)
        s = (a - p).square()
        center = s.mean(-1, keepdim=True) if self.center == "mean" else s.amin(-1, keepdim=True)
        u = torch.sigmoid(s - center) * self.other(b) + a
        if self.p_scale:
            u = p * u
        return gate(torch.cat([a, self.mix(u)], dim=-1))


class PIFF(nn.Module):
    """Cross-task probability-based feature fusion with its head's tail (eqs. 12-17).

    own, other: (B, N, 2C); anchors: (B, n1) flat indices of level 1. Returns (B, N, outputs): logits, or embedding.
    The N x N matrix of probabilities is never stored in training (fused attention). `explicit` spells it out as
    MatMul - Softmax - MatMul with the scale in the query, the form that inference compilers recognise and fuse.
    """

    def __init__(self, configuration: NetworkConfiguration, outputs: int):
        super().__init__()
        wide = 2 * configuration.fusion
        joined = wide + configuration.fusion if configuration.piff_join == "concat" else wide
        self.d_k, self.d_v = configuration.d_k, configuration.d_v
        self.keys, self.values = configuration.piff_keys, configuration.piff_values
        self.join = configuration.piff_join
        self.explicit = False
        self.query = nn.Linear(wide, configuration.d_k)
        self.key = nn.Linear(wide, configuration.d_k)
        self.value = nn.Linear(wide, configuration.d_v)
        self.transfer = Dense(configuration.d_v, configuration.fusion if self.join == "concat" else wide)
        self.tail = Dense(joined, configuration.fusion)
        self.dropout = nn.Dropout(configuration.dropout)
        self.out = nn.Linear(configuration.fusion, outputs)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """sum_j softmax_j(q_i . k_j / sqrt(d_k)) v_j (eqs. 12-14).

        query (B, N, d_k), key (B, M, d_k), value (B, M, d_v). Returns (B, N, d_v).
        """
        scale = 1.0 / math.sqrt(self.d_k)
        if self.explicit:
            return torch.softmax((query * scale) @ key.transpose(1, 2), dim=-1) @ value
        width = max(self.d_k, self.d_v)  # the fused kernels want one width for all three: zeros change nothing
        q, k, v = (functional.pad(x, (0, width - x.shape[-1])).unsqueeze(1) for x in (query, key, value))
        return functional.scaled_dot_product_attention(q, k, v, scale=scale).squeeze(1)[..., : self.d_v]

    def forward(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        target, source = (own, other) if self.values == "other" else (other, own)
        if self.keys == "level1":
            source = gather(source, anchors)  # (B, n1, 2C)
        t = self.transfer(self.attend(self.query(target), self.key(source), self.value(source)))
        z = gate(torch.cat([own, t], dim=-1)) if self.join == "concat" else own + t
        return self.out(self.dropout(self.tail(z)))
