"""Low-rank approximation of PIFF's attentions without training, to test the width they need."""

from __future__ import annotations

import torch
from torch import Tensor

from jspnet_core.network_config import NetworkConfiguration


def with_narrow_attention(weights: dict[str, Tensor], c: NetworkConfiguration) -> dict[str, Tensor]:
    """The weights of a network whose attentions are as near to the given ones as their d_k and d_v allow.

    Scores are x' Wq' Wk y and results Wt Wv y: both products are replaced by the nearest of a lower rank. What a score
    has of the query alone is the same for all keys, and softmax does not see it: so keys need no bias.
    """
    new = dict(weights)
    for piff in ("semantic_piff", "instance_piff"):
        query, key, value, transfer = (f"{piff}.{name}" for name in ("query", "key", "value", "transfer.linear"))
        w = {name: weights[name].float() for name in weights if name.startswith(piff)}
        queries = torch.cat([w[f"{query}.weight"], w[f"{query}.bias"][:, None]], dim=1)  # (d_k, C + 1)
        old_d_k = len(queries)
        left, right = nearest_product(queries.T @ w[f"{key}.weight"] * (c.d_k / old_d_k) ** 0.5, c.d_k)
        new[f"{query}.weight"], new[f"{query}.bias"] = left[:-1].T.contiguous(), left[-1].clone()
        new[f"{key}.weight"], new[f"{key}.bias"] = right, torch.zeros(c.d_k)
        product = w[f"{transfer}.weight"] @ w[f"{value}.weight"]
        new[f"{transfer}.bias"] = w[f"{transfer}.bias"] + w[f"{transfer}.weight"] @ w[f"{value}.bias"]
        new[f"{transfer}.weight"], new[f"{value}.weight"] = nearest_product(product, c.d_v)
        new[f"{value}.bias"] = torch.zeros(c.d_v)
    return new


def nearest_product(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Two factors (m, rank) and (rank, n) whose product is nearest to a matrix (m, n)."""
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]
