"""SIFF and PIFF: how the semantic and the instance branch help each other (paper, section 3.2 and 3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from jspnet_core.network.layers import Dense, gather
from jspnet_core.network_config import NetworkConfiguration


def gate(x: Tensor) -> Tensor:
    """Each point's features times the sigmoid of their mean (eqs. 9 and 16): (B, N, C)."""
    return x * torch.sigmoid(x.mean(-1, keepdim=True))


class LazyGatedConcat:
    """`gate(torch.cat(parts, dim=-1))`, not put together, for CPUs: linear layers take part after part.

    parts: (B, N, C_p) each. A gate is one number per point, so it may as well follow a linear layer, where there are
    fewer channels. `mean`: (B, N), of a point's features.
    """

    def __init__(self, parts: Sequence[Tensor]):
        self.parts, self.widths = parts, [x.shape[-1] for x in parts]
        shares = [x.mean(-1) * (width / sum(self.widths)) for x, width in zip(parts, self.widths, strict=True)]
        mean = sum(shares[1:], shares[0])  # (B, N): with an axis of 1 behind, ONNX Runtime goes number by number
        gate = torch.sigmoid(mean)
        self.mean, self.gate = gate * mean, gate.unsqueeze(-1)

    def at(self, index: Tensor) -> Tensor:
        """(B, M, C) for flat indices (B, M) of points."""
        return torch.cat([gather(x, index) for x in self.parts], dim=-1) * gather(self.gate, index)

    def linear(self, weight: Tensor) -> Tensor:
        """Products (B, N, outputs) with a weight (outputs, C)."""
        products, first = [], 0
        for x, width in zip(self.parts, self.widths, strict=True):
            products.append(functional.linear(x, weight[:, first : first + width]))
            first += width
        return self.gate * sum(products[1:], products[0])


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
        return gate(torch.cat(self.parts(own, other), dim=-1))

    def parts(self, own: Tensor, other: Tensor) -> list[Tensor]:
        """What eq. 11 joins, (B, N, C) each."""
        a, b = (own, other) if self.main == "own" else (other, own)
        p = a.mean(1, keepdim=True)  # (B, 1, C)
        s = (a - p) * (a - p)
        center = s.mean(-1, keepdim=True) if self.center == "mean" else s.amin(-1, keepdim=True)
        u = torch.sigmoid(s - center) * self.other(b) + a
        if self.p_scale:
            u = p * u
        w = self.mix(u)  # (B, N, C)
        return [a, w] if self.join == "concat" else [own, own + w]


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

    def label_lazily(self, own: LazyGatedConcat, other: LazyGatedConcat, anchors: Tensor) -> Tensor:
        """`label(fuse(...))` where values come from the other branch's samples, and are joined: (B, N, outputs).

        The linear layers that see `own` go through it once, before the gate of eq. 16, which follows them.
        """
        source, tail = other.at(anchors[:, : self.keys]), self.tail.linear
        seen = own.linear(torch.cat([tail.weight[:, : -self.transfer.linear.out_features], self.query.weight]))
        own_seen, query = seen.split([tail.out_features, self.d_k], -1)
        t = self.transfer(self.attend(query + self.query.bias, self.key(source), self.value(source)))
        share = t.shape[-1] / tail.in_features
        gate = torch.sigmoid(own.mean * (1 - share) + t.mean(-1) * share).unsqueeze(-1)
        t_seen = functional.linear(t, tail.weight[:, -t.shape[-1] :])
        return self.out(self.tail.finish((own_seen + t_seen) * gate + tail.bias))

    def label(self, z: Tensor) -> Tensor:
        """Eq. 17: (B, N, joined) to (B, N, outputs)."""
        return self.out(self.dropout(self.tail(z)))

    def forward(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        return self.label(self.fuse(own, other, anchors))
