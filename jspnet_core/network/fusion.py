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
    """Similarity-based feature fusion (eqs. 6-11): own (B, N, C) and other (B, N, C or `other`) to (B, N, 2C).

    Where a point stands out from its own branch's mean, features of the other branch are let in.
    """

    def __init__(self, configuration: NetworkConfiguration, other: int | None = None):
        super().__init__()
        width = configuration.fusion
        self.center = configuration.siff_center
        self.p_scale = configuration.siff_p_scale
        self.main = configuration.siff_main
        self.join = configuration.siff_join
        a, b = (width, other or width) if self.main == "own" else (other or width, width)
        self.other = Dense(b, a)
        self.mix = Dense(a, width)

    def forward(self, own: Tensor, other: Tensor) -> Tensor:
        a, b = (own, other) if self.main == "own" else (other, own)
        p = a.mean(1, keepdim=True)  # (B, 1, C)
        s = (a - p).square()
        center = s.mean(-1, keepdim=True) if self.center == "mean" else s.amin(-1, keepdim=True)
        u = torch.sigmoid(s - center) * self.other(b) + a
        if self.p_scale:
            u = p * u
        w = self.mix(u)  # (B, N, C)
        return gate(torch.cat([a, w] if self.join == "concat" else [own, own + w], dim=-1))


class PIFF(nn.Module):
    """Cross-task probability-based feature fusion with its head's tail (eqs. 12-17).

    own (B, N, `own`, by default 2C), other (B, N, `other`, by default the same); anchors: (B, n1) flat indices of
    level 1. Returns (B, N, outputs): logits, or embedding.
    The N x N matrix of probabilities is never stored in training (fused attention). `explicit` spells it out as
    MatMul - Softmax - MatMul with the scale in the query, the form that inference compilers recognise and fuse.
    """

    def __init__(
        self, configuration: NetworkConfiguration, outputs: int, own: int | None = None, other: int | None = None
    ):
        super().__init__()
        own = own or 2 * configuration.fusion
        self.d_k, self.d_v = configuration.d_k, configuration.d_v
        self.values = configuration.piff_values
        self.samples, self.pairs = configuration.piff_samples, configuration.piff_keys == "pairs"
        self.keys = configuration.piff_key_count
        self.join = configuration.piff_join
        self.attention_dropout = configuration.piff_dropout
        self.explicit = False
        target, source = (own, other or own) if self.values == "other" else (other or own, own)
        self.query = nn.Linear(target, configuration.d_k)
        self.key = nn.Linear(source, configuration.d_k)
        self.value = nn.Linear(source, configuration.d_v)
        self.transfer = Dense(configuration.d_v, configuration.fusion if self.join == "concat" else own)
        self.tail = Dense(self.joined(configuration, own), configuration.fusion)
        self.dropout = nn.Dropout(configuration.dropout)
        self.out = nn.Linear(configuration.fusion, outputs)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    @staticmethod
    def joined(configuration: NetworkConfiguration, own: int) -> int:
        """Width of the features after eq. 15."""
        return own + configuration.fusion if configuration.piff_join == "concat" else own

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """sum_j softmax_j(q_i . k_j / sqrt(d_k)) v_j (eqs. 12-14).

        query (B, N, d_k), key (B, M, d_k), value (B, M, d_v). Returns (B, N, d_v).
        """
        scale = 1.0 / math.sqrt(self.d_k)
        if self.explicit:
            return torch.softmax((query * scale) @ key.transpose(1, 2), dim=-1) @ value
        width = max(self.d_k, self.d_v)  # the fused kernels want one width for all three: zeros change nothing
        q, k, v = (functional.pad(x, (0, width - x.shape[-1])).unsqueeze(1) for x in (query, key, value))
        dropout = self.attention_dropout if self.training else 0.0
        attended = functional.scaled_dot_product_attention(q, k, v, scale=scale, dropout_p=dropout)
        return attended.squeeze(1)[..., : self.d_v]

    def fuse(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        """Eqs. 12-16: (B, N, joined)."""
        target, source = (own, other) if self.values == "other" else (other, own)
        if self.samples:
            source = gather(source, anchors[:, : self.keys])  # (B, keys, C); a level is the first points of the finer
        elif self.pairs:
            source = source.unflatten(1, (-1, 2)).mean(2)  # (B, N / 2, C)
        t = self.transfer(self.attend(self.query(target), self.key(source), self.value(source)))
        return gate(torch.cat([own, t], dim=-1)) if self.join == "concat" else own + t

    def label(self, z: Tensor) -> Tensor:
        """Eq. 17: (B, N, joined) to (B, N, outputs)."""
        return self.out(self.dropout(self.tail(z)))

    def forward(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        return self.label(self.fuse(own, other, anchors))
