"""Net2WiderNet: initialise a wide network from a narrow one (T. Chen, I. Goodfellow, J. Shlens, ICLR 2016).

The initialisation is function-preserving: every channel of the narrow network is replicated, and the weights that read
it are split over the replicas. The split is random, otherwise equal replicas would stay equal for ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from jspnet_core.network import build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError

WIDTHS = (
    "set_abstraction",
    "point_conv",
    "decoder",
    "propagation",
    "weight_net",
    "density_net",
    "fusion",
    "d_k",
    "d_v",
)
UNCONSTRAINED = ("points", "levels", "piff_keys", "feature_propagation", "pointnet")
"""Fields that may differ besides the widths: no weight of a JSPNet depends on them."""

SPLIT_NOISE = 0.3
"""Standard deviation of the random split, relative to that of the weights."""

Axis = list[int | tuple[int, int]]
"""Widths concatenated along an axis; a pair stands for the product of two widths."""


def net2wider(path: Path, init: Checkpoint, wide: NetworkConfiguration, seed: int = 0) -> Checkpoint:
    """Return a checkpoint of the wider network with the function of `init`, up to rounding and `UNCONSTRAINED` fields.

    path: of `init`, for errors. wide: configuration; classes, embedding and dropout are those of `init`.
    Raises `CheckpointError` unless all widths are whole multiples and all other fields are equal.
    """
    narrow, rng = init.configuration, torch.Generator().manual_seed(seed)
    kept = {name: getattr(narrow, name) for name in ("classes", "embedding", "dropout")}
    wide = NetworkConfiguration(**{**wide.model_dump(), **kept})
    _check_compatible(path, narrow, wide)
    with torch.device("meta"):
        shapes = {name: x.shape for name, x in build_network(wide).state_dict().items()}
    inputs, outputs = (_pair_axes(axes(narrow), axes(wide)) for axes in (_input_axes, _output_axes))
    weights = {}
    for name, x in init.weights.items():
        layer = name.removesuffix(".linear.weight").removesuffix(".linear.bias")
        rows = _origins(outputs.get(layer.rpartition(".norm.")[0] or layer, []), x.shape[:1], shapes[name][:1])
        x = x.float()[rows] if x.dim() else x
        if x.dim() == 2:
            columns = _origins(inputs.get(layer.removesuffix(".weight"), []), x.shape[1:], shapes[name][1:])
            x = _split_weights(x, columns, rng)
        if ".query." in name:  # the product of queries and keys grows with d_k, its scale falls with the root
            x = x * math.sqrt(narrow.d_k / wide.d_k)
        weights[name] = x
    return replace(init, configuration=wide, network=weights, average=None, optimizer=None)


def _check_compatible(path: Path, narrow: NetworkConfiguration, wide: NetworkConfiguration) -> None:
    if narrow.backbone != "pointconv" or narrow.fusion_kind != "siff+piff":
        raise CheckpointError(f"{path} cannot be widened: it is a {narrow.system}, only jspnet is accepted")
    for name in NetworkConfiguration.model_fields:
        a, b = getattr(narrow, name), getattr(wide, name)
        if name in WIDTHS and not _multiples(_flatten(a), _flatten(b)):
            raise CheckpointError(f"{path} cannot be widened: {name} is {b}, must be a whole multiple of {a}")
        if name not in WIDTHS + UNCONSTRAINED and a != b:
            raise CheckpointError(f"{path} cannot be widened: {name} is {b}, must be {a}")


def _multiples(narrow: Sequence[int], wide: Sequence[int]) -> bool:
    return len(narrow) == len(wide) and not any(y % x for x, y in zip(narrow, wide, strict=True))


def _flatten(width: int | Sequence) -> list[int]:
    return [width] if isinstance(width, int) else [n for part in width for n in _flatten(part)]


def _input_axes(c: NetworkConfiguration) -> dict[str, Axis]:
    """Input axes of the layers whose input is concatenated or a product."""
    found: dict[str, Axis] = {}
    xyz = 3
    into = [c.set_abstraction[-1], *(widths[-1] for widths in c.point_conv)]
    for i, widths in enumerate(c.point_conv):
        found[f"encoder.convs.{i}.layers.0"] = [xyz, into[i]]
        found[f"encoder.convs.{i}.out"] = [(widths[-2], c.weight_net)]
    for decoder in ("semantic_decoder", "instance_decoder"):
        for i, deep in enumerate(_coarse_widths(c)):
            found[f"{decoder}.convs.{i}.layers.0"] = [xyz, deep, into[2 - i]]
        found[f"{decoder}.fa4.0"] = [c.decoder[2][-1], c.channels - xyz]
    return found


def _output_axes(c: NetworkConfiguration) -> dict[str, Axis]:
    """Output axes of the depth-wise layers: relative coordinates and features."""
    return {
        f"{decoder}.convs.{i}{part}": [3, deep]
        for decoder in ("semantic_decoder", "instance_decoder")
        for i, deep in enumerate(_coarse_widths(c))
        for part in ("", ".bias", ".weight_net.1")
    }


def _coarse_widths(c: NetworkConfiguration) -> tuple[int, int, int]:
    return c.point_conv[2][-1], c.decoder[0][-1], c.decoder[1][-1]


def _pair_axes(narrow: Mapping[str, Axis], wide: Mapping[str, Axis]) -> dict[str, list[tuple]]:
    return {name: list(zip(narrow[name], wide[name], strict=True)) for name in narrow}


def _origins(parts: list[tuple], narrow: Sequence[int], wide: Sequence[int]) -> Tensor:
    """Return the narrow channel that each wide channel replicates: (wide,) int64."""
    origins, begin = [], 0
    for a, b in parts or zip(narrow, wide, strict=True):
        if isinstance(a, tuple):
            first, second = (torch.arange(y) // (y // x) for x, y in zip(a, b, strict=True))
            origins.append(begin + (first.unsqueeze(1) * a[1] + second).flatten())
            begin += a[0] * a[1]
        else:
            origins.append(begin + torch.arange(b) // (b // a))
            begin += a
    return torch.cat(origins) if origins else torch.zeros(0, dtype=torch.int64)


def _split_weights(x: Tensor, columns: Tensor, rng: torch.Generator) -> Tensor:
    """Split weights (rows, narrow) over (rows, wide) channels; those of one origin sum up to its weight."""
    replicas = torch.bincount(columns, minlength=x.shape[1])
    noise = torch.randn(len(x), len(columns), generator=rng, dtype=torch.float64) / replicas[columns]
    noise *= SPLIT_NOISE * float(x.std())
    mean = torch.zeros(x.shape, dtype=torch.float64).index_add_(1, columns, noise) / replicas
    return (x[:, columns] / replicas[columns] + noise - mean[:, columns]).float()  # rounded once, at the end
