"""Begin a wide network where a narrow one has arrived (Net2WiderNet: T. Chen, I. Goodfellow, J. Shlens, ICLR 2016).

Every channel of the narrow network is there several times over in the wide one, side by side, and what reads them
takes a share of each, so that the wide network says what the narrow one says. The shares differ by chance: equal
channels would learn the same for ever.
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
FREE = ("points", "levels", "piff_keys", "feature_propagation", "pointnet")
"""Fields that may differ besides widths: no weight of a JSPNet depends on them."""

UNEQUAL = 0.3
"""Deviation of the shares, of the deviation of the weights that they are of."""

Axis = list[int | tuple[int, int]]
"""Widths that lie one behind the other on an axis; a pair: of two, multiplied out."""


def net2wider(path: Path, init: Checkpoint, wide: NetworkConfiguration, seed: int = 0) -> Checkpoint:
    """The same function as `init`'s in the wider network: but for rounding, and for what other `FREE` fields change.

    path: of `init`, for errors. wide: its classes, embedding and dropout do not count, they stay.
    Raises `CheckpointError` where the networks differ in more than whole multiples of their widths.
    """
    narrow, rng = init.configuration, torch.Generator().manual_seed(seed)
    kept = {name: getattr(narrow, name) for name in ("classes", "embedding", "dropout")}
    wide = NetworkConfiguration(**{**wide.model_dump(), **kept})
    _check_kin(path, narrow, wide)
    with torch.device("meta"):
        shapes = {name: x.shape for name, x in build_network(wide).state_dict().items()}
    inputs, outputs = (_zipped(axes(narrow), axes(wide)) for axes in (_inputs, _outputs))
    weights = {}
    for name, x in init.weights.items():
        layer = name.removesuffix(".linear.weight").removesuffix(".linear.bias")
        rows = _origins(outputs.get(layer.rpartition(".norm.")[0] or layer, []), x.shape[:1], shapes[name][:1])
        x = x.float()[rows] if x.dim() else x
        if x.dim() == 2:
            columns = _origins(inputs.get(layer.removesuffix(".weight"), []), x.shape[1:], shapes[name][1:])
            x = _shared_out(x, columns, rng)
        if ".query." in name:  # the product of queries and keys grows with d_k, its scale falls with the root
            x = x * math.sqrt(narrow.d_k / wide.d_k)
        weights[name] = x
    return replace(init, configuration=wide, network=weights, average=None, optimizer=None)


def _check_kin(path: Path, narrow: NetworkConfiguration, wide: NetworkConfiguration) -> None:
    if narrow.backbone != "pointconv" or narrow.fusion_kind != "siff+piff":
        raise CheckpointError(f"{path} cannot be widened: only a jspnet can, it is a {narrow.system}")
    for name in NetworkConfiguration.model_fields:
        a, b = getattr(narrow, name), getattr(wide, name)
        if name in WIDTHS and not _multiples(_numbers(a), _numbers(b)):
            raise CheckpointError(f"{path} cannot be widened: {name} {b} is no whole multiple of its {a}")
        if name not in WIDTHS + FREE and a != b:
            raise CheckpointError(f"{path} cannot be widened: {name} must stay {a}, found {b}")


def _multiples(narrow: Sequence[int], wide: Sequence[int]) -> bool:
    return len(narrow) == len(wide) and not any(y % x for x, y in zip(narrow, wide, strict=True))


def _numbers(width: int | Sequence) -> list[int]:
    return [width] if isinstance(width, int) else [n for part in width for n in _numbers(part)]


def _inputs(c: NetworkConfiguration) -> dict[str, Axis]:
    """What layers read, where it is not one array of features."""
    found: dict[str, Axis] = {}
    xyz = 3
    into = [c.set_abstraction[-1], *(widths[-1] for widths in c.point_conv)]
    for i, widths in enumerate(c.point_conv):
        found[f"encoder.convs.{i}.layers.0"] = [xyz, into[i]]
        found[f"encoder.convs.{i}.out"] = [(widths[-2], c.weight_net)]
    for decoder in ("semantic_decoder", "instance_decoder"):
        for i, deep in enumerate(_deep(c)):
            found[f"{decoder}.convs.{i}.layers.0"] = [xyz, deep, into[2 - i]]
        found[f"{decoder}.fa4.0"] = [c.decoder[2][-1], c.channels - xyz]
    return found


def _outputs(c: NetworkConfiguration) -> dict[str, Axis]:
    """What the depth-wise layers' weights and sums are of: relative coordinates, and features."""
    return {
        f"{decoder}.convs.{i}{part}": [3, deep]
        for decoder in ("semantic_decoder", "instance_decoder")
        for i, deep in enumerate(_deep(c))
        for part in ("", ".bias", ".weight_net.1")
    }


def _deep(c: NetworkConfiguration) -> tuple[int, int, int]:
    return c.point_conv[2][-1], c.decoder[0][-1], c.decoder[1][-1]


def _zipped(narrow: Mapping[str, Axis], wide: Mapping[str, Axis]) -> dict[str, list[tuple]]:
    return {name: list(zip(narrow[name], wide[name], strict=True)) for name in narrow}


def _origins(parts: list[tuple], narrow: Sequence[int], wide: Sequence[int]) -> Tensor:
    """For each channel of the wide axis the narrow one's that it repeats: (wide,) int64."""
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


def _shared_out(x: Tensor, columns: Tensor, rng: torch.Generator) -> Tensor:
    """The weights (rows, narrow) over (rows, wide) channels: those of one origin add up to its weight."""
    times = torch.bincount(columns, minlength=x.shape[1])
    noise = torch.randn(len(x), len(columns), generator=rng, dtype=torch.float64) / times[columns]
    noise *= UNEQUAL * float(x.std())
    mean = torch.zeros(x.shape, dtype=torch.float64).index_add_(1, columns, noise) / times
    return (x[:, columns] / times[columns] + noise - mean[:, columns]).float()  # rounded once: nothing else differs
