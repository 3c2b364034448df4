"""SIFF and PIFF: feature fusion of the semantic and the instance branch (paper, sections 3.2 and 3.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from jspnet_core.network.layers import Dense, gather
from jspnet_core.network_config import NetworkConfiguration


def gate(x: Tensor) -> Tensor:
    """Multiply each point's features by the sigmoid of their mean (eqs. 9 and 16): (B, N, C)."""
    return x * torch.sigmoid(x.mean(-1, keepdim=True))


class LazyGatedConcat:
    """Lazy `gate(torch.cat(parts, dim=-1))` for CPUs: linear layers are applied to each part, then summed.

    parts: (B, N, C_p) each. The gate, one number per point, is applied after the linear layer, which has fewer
    channels. mean: (B, N), of a point's features.
    """

    def __init__(self, parts: Sequence[Tensor]):
        self.parts, self.widths = parts, [x.shape[-1] for x in parts]
        shares = [x.mean(-1) * (width / sum(self.widths)) for x, width in zip(parts, self.widths, strict=True)]
        mean = sum(shares[1:], shares[0])  # (B, N): with a trailing axis of 1, ONNX Runtime does not vectorise
        gate = torch.sigmoid(mean)
        self.mean, self.gate = gate * mean, gate.unsqueeze(-1)

    def at(self, index: Tensor) -> Tensor:
        """Gather (B, M, C) by flat indices (B, M) of points."""
        return torch.cat([gather(x, index) for x in self.parts], dim=-1) * gather(self.gate, index)

    def linear(self, weight: Tensor) -> Tensor:
        """Multiply by a weight (outputs, C): (B, N, outputs)."""
        products, first = [], 0
        for x, width in zip(self.parts, self.widths, strict=True):
            products.append(functional.linear(x, weight[:, first : first + width]))
            first += width
        return self.gate * sum(products[1:], products[0])


class SIFF(nn.Module):
    """Similarity-based feature fusion (eqs. 6-11): own (B, N, C) and other (B, N, C or `other`) to (B, N, 2C).

    The more a point differs from the mean of its own branch, the more of the other branch is added.
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
        """Compute the two features that eq. 11 concatenates, (B, N, C) each."""
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
    Training uses fused attention, without an N x N matrix in memory. explicit: compute MatMul - Softmax - MatMul with
    the scale in the query, the form that inference compilers recognise and fuse.
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
        """Return the width of the features after eq. 15."""
        return own + configuration.fusion if configuration.piff_join == "concat" else own

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Compute sum_j softmax_j(q_i . k_j / sqrt(d_k)) v_j (eqs. 12-14).

        query (B, N, d_k), key (B, M, d_k), value (B, M, d_v). Returns (B, N, d_v).
        """
        scale = 1.0 / math.sqrt(self.d_k)
        if self.explicit:
            return torch.softmax((query * scale) @ key.transpose(1, 2), dim=-1) @ value
        width = max(self.d_k, self.d_v)  # fused kernels need one width for all three: pad with zeros
        q, k, v = (functional.pad(x, (0, width - x.shape[-1])).unsqueeze(1) for x in (query, key, value))
        dropout = self.attention_dropout if self.training else 0.0
        attended = functional.scaled_dot_product_attention(q, k, v, scale=scale, dropout_p=dropout)
        return attended.squeeze(1)[..., : self.d_v]

    def fuse(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        """Fuse two branches (eqs. 12-16): (B, N, joined)."""
        target, source = (own, other) if self.values == "other" else (other, own)
        if self.samples:
            source = gather(
                source, anchors[:, : self.keys]
            )  # (B, keys, C): a level consists of the first points of the finer one
        elif self.pairs:
            source = source.unflatten(1, (-1, 2)).mean(2)  # (B, N / 2, C)
        t = self.transfer(self.attend(self.query(target), self.key(source), self.value(source)))
        return gate(torch.cat([own, t], dim=-1)) if self.join == "concat" else own + t

    def label_lazily(self, own: LazyGatedConcat, other: LazyGatedConcat, anchors: Tensor) -> Tensor:
        """Compute `label(fuse(...))` for a `LAZY_CONCAT` configuration: (B, N, outputs).

        The linear layers with input `own` are applied at once, before the gate of eq. 16.
        """
        source, tail = other.at(anchors[:, : self.keys]), self.tail.linear
        products = own.linear(torch.cat([tail.weight[:, : -self.transfer.linear.out_features], self.query.weight]))
        own_tail, query = products.split([tail.out_features, self.d_k], -1)
        t = self.transfer(self.attend(query + self.query.bias, self.key(source), self.value(source)))
        share = t.shape[-1] / tail.in_features
        gate = torch.sigmoid(own.mean * (1 - share) + t.mean(-1) * share).unsqueeze(-1)
        t_tail = functional.linear(t, tail.weight[:, -t.shape[-1] :])
        return self.out(self.tail.finish((own_tail + t_tail) * gate + tail.bias))

    def label(self, z: Tensor) -> Tensor:
        """Apply the head's tail (eq. 17): (B, N, joined) to (B, N, outputs)."""
        return self.out(self.dropout(self.tail(z)))

    def forward(self, own: Tensor, other: Tensor, anchors: Tensor) -> Tensor:
        return self.label(self.fuse(own, other, anchors))
