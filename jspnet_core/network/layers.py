"""The layers JSPNet is made of. Tensors are (batch, points, ..., channels); indices are flat (see `gather`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

BN_EPS = 1e-3  # of the reference implementation


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Rows of `x` by flat index.

    x: (B, n, C). index: (B, m) or (B, m, K) int32, into the B*n rows of the whole batch.
    Returns (B, m, C) or (B, m, K, C). Flat rows become one plain Gather when exported.
    """
    rows = torch.index_select(x.reshape(-1, x.shape[-1]), 0, index.reshape(-1))
    return rows.reshape(*index.shape, x.shape[-1])


def interpolate(x: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Inverse-distance interpolation from the three nearest points: x (B, n, C), index and weight (B, m, 3).

    One neighbour after the other: no array of (B, m, 3, C) is written and read again.
    """
    first, second, third = (gather(x, index[:, :, i]) * weight[:, :, i : i + 1] for i in range(3))  # (B, m, C)
    return first + second + third


def up(pyramid: Mapping[str, Tensor], fine: int, coarse: int) -> tuple[Tensor, Tensor]:
    """Index and weight (B, n, 3) that interpolate level `coarse` at the points of level `fine`."""
    return pyramid[f"up{fine}{coarse}_index"], pyramid[f"up{fine}{coarse}_weight"]


class Dense(nn.Module):
    """A 1x1 convolution, optionally with batch norm and ReLU, over the last axis."""

    def __init__(self, inputs: int, outputs: int, *, norm: bool = True, relu: bool = True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.norm: nn.BatchNorm1d | None = nn.BatchNorm1d(outputs, eps=BN_EPS) if norm else None
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        return self.finish(self.linear(x))

    def finish(self, x: Tensor) -> Tensor:
        """What follows the linear layer."""
        if self.norm is not None:
            x = self.norm(x.reshape(-1, x.shape[-1])).reshape(x.shape)
        return torch.relu(x) if self.relu else x


def dense_stack(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Dense layers with batch norm and ReLU, one per width."""
    return nn.Sequential(*(Dense(i, o) for i, o in zip((inputs, *widths), widths, strict=False)))


class NeighborLayer(nn.Module):
    """A layer over the neighbours of each point, whose arrays, of all neighbours, are the largest of all.

    cache: None for training and for GPUs, which want few large operations. For CPUs a number of bytes: arrays of
    neighbours are made in parts of that size, so that what one operation writes the next one reads from a cache, and
    where it saves work the first linear layer comes before the gather. The results differ by rounding.
    """

    cache: int | None = None
    widest: int
    """Channels of the widest array of neighbours."""

    def in_parts(self, work: Callable[..., Tensor], points: int, near: Tensor, *arrays: Tensor) -> Tensor:
        """`work` on part after part of `near`, (B, m, K) or (B, K, m), and of more arrays; the results' axis 1 joined.

        points: the arrays' axis of m, 1 or 2.
        """
        rows = max(cast(int, self.cache) // (4 * near.shape[3 - points] * self.widest), 1)
        parts = zip(*(array.split(rows, points) for array in (near, *arrays)), strict=True)
        return torch.cat([work(*part) for part in parts], dim=1)


def before_gather(dense: Dense, xyz: Tensor, features: Tensor | None, centers: Tensor) -> tuple[Tensor, Tensor]:
    """The linear layer of [xyz_j - centers_i, features_j] is row j of the first result less row i of the second.

    xyz (B, n, 3), features (B, n, C) or None, centers (B, m, 3). Returns (B, n, C') and (B, m, C').
    """
    rows = dense.linear(xyz if features is None else torch.cat([xyz, features], dim=-1))
    if features is not None:  # the same weights for both: a slice of them would be rounded otherwise in the model file
        centers = functional.pad(centers, (0, features.shape[-1]))
    return rows, functional.linear(centers, dense.linear.weight)


def sum_of_neighbors(x: Tensor) -> Tensor:
    """(B, K, n, C) to (B, n, C), as a product: ONNX Runtime's sum over an outer axis takes many times as long."""
    return (x.new_ones(1, x.shape[1]) @ x.flatten(2)).reshape(-1, *x.shape[2:])


class SetAbstraction(NeighborLayer):
    """PointNet++ set abstraction with max pooling (enc1, and all levels of PointNet++).

    radius: where `near` are nearest neighbours, those farther away are replaced by the nearest, as a ball query pads.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], radius: float | None = None):
        super().__init__()
        self.layers = dense_stack(inputs + 3, widths)
        self.widest = max(widths)
        self.radius = radius

    def forward(self, xyz: Tensor, features: Tensor, centers: Tensor, near: Tensor) -> Tensor:
        """xyz (B, n, 3), features (B, n, C), centers (B, m, 3), near (B, m, K) into n. Returns (B, m, C')."""
        relative = gather(xyz, near) - centers.unsqueeze(2)  # (B, m, K, 3)
        if self.radius is not None:
            inside = relative.square().sum(-1) < self.radius**2  # (B, m, K)
            near = torch.where(inside, near, near[..., :1])
            relative = torch.where(inside.unsqueeze(-1), relative, relative[..., :1, :])
        if self.cache is None:
            return self.layers(torch.cat([relative, gather(features, near)], dim=-1)).amax(2)
        first, rest = cast(Dense, self.layers[0]), self.layers[1:]
        rows, shift = before_gather(first, xyz, features, centers)

        def part(near: Tensor, shift: Tensor) -> Tensor:
            return rest(first.finish(gather(rows, near) - shift.unsqueeze(2))).amax(2)

        return self.in_parts(part, 1, near, shift)


class PointConv(NeighborLayer):
    """PointConv encoder layer (enc2 to enc4): density-scaled features times learned weights of position."""

    def __init__(self, inputs: int, widths: tuple[int, ...], weight_net: int, density_net: int):
        super().__init__()
        self.layers = dense_stack(inputs + 3, widths[:-1])
        self.widest = max(widths[:-1])
        self.weight_net = Dense(3, weight_net)
        self.density_net = nn.Sequential(Dense(1, density_net), Dense(density_net, 1, norm=False, relu=False))
        self.out = Dense(widths[-2] * weight_net, widths[-1])

    def forward(self, xyz: Tensor, features: Tensor, centers: Tensor, near: Tensor, density: Tensor) -> Tensor:
        """near (B, m, K) into n; density (B, m, K), inverse, largest of each row 1. Returns (B, m, C')."""
        if self.cache is None:
            relative = gather(xyz, near) - centers.unsqueeze(2)  # (B, m, K, 3)
            x = self.layers(torch.cat([relative, gather(features, near)], dim=-1))  # (B, m, K, C)
            return self.out(self.pool(x, density, self.weight_net(relative)).flatten(2))
        first, rest = cast(Dense, self.layers[0]), self.layers[1:]
        rows, shift = before_gather(first, xyz, features, centers)
        weight_rows, weight_shift = before_gather(self.weight_net, xyz, None, centers)

        def part(near: Tensor, density: Tensor, shift: Tensor, weight_shift: Tensor) -> Tensor:
            x = rest(first.finish(gather(rows, near) - shift.unsqueeze(2)))
            weight = self.weight_net.finish(gather(weight_rows, near) - weight_shift.unsqueeze(2))
            return self.pool(x, density, weight)

        return self.out(self.in_parts(part, 1, near, density, shift, weight_shift).flatten(2))

    def pool(self, x: Tensor, density: Tensor, weight: Tensor) -> Tensor:
        """x (B, m, K, C), density (B, m, K), weight (B, m, K, W). Returns (B, m, C, W)."""
        x = x * torch.sigmoid(self.density_net(density.unsqueeze(-1)))
        return x.transpose(2, 3) @ weight


class DepthwisePointConv(NeighborLayer):
    """PointConv depth-wise decoder layer (fa1 to fa3).

    The reference normalises the pooled sum by one scalar mean and variance over all channels, an accident of
    tensor rank; here it is ordinary per-channel batch norm.
    """

    def __init__(self, inputs: int, skip: int, widths: tuple[int, ...], weight_net: int):
        super().__init__()
        channels = inputs + 3
        self.widest = inputs
        self.weight_net = nn.Sequential(Dense(3, weight_net), Dense(weight_net, channels, norm=False, relu=False))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm: nn.Module = nn.BatchNorm1d(channels, eps=BN_EPS)
        self.layers = dense_stack(channels + skip, widths)

    def forward(self, xyz: Tensor, coarse: Tensor, up: tuple[Tensor, Tensor], near: Tensor, skip: Tensor) -> Tensor:
        """xyz (B, n, 3), coarse (B, m, C), up = index and weight (B, n, 3) into m, near (B, n, K) into n itself."""
        x = interpolate(coarse, *up)  # (B, n, C)
        if self.cache is not None:
            pooled = self.pool_by_neighbor(x, xyz, near.transpose(1, 2))
        else:
            relative = gather(xyz, near) - xyz.unsqueeze(2)  # (B, n, K, 3)
            hidden = self.weight_net[0](relative)  # (B, n, K, W)
            # In two parts: (B, n, K, C + 3), the largest array of all, is never put together.
            here = relative * self.weights_of(hidden, slice(3))
            there = gather(x, near) * self.weights_of(hidden, slice(3, None))  # (B, n, K, C)
            pooled = torch.cat([here.sum(2), there.sum(2)], dim=-1)  # (B, n, C + 3)
        pooled = pooled + self.bias
        pooled = torch.relu(self.norm(pooled.reshape(-1, pooled.shape[-1])).reshape(pooled.shape))
        return self.layers(torch.cat([pooled, skip], dim=-1))

    def weights_of(self, hidden: Tensor, channels: slice) -> Tensor:
        """The weight net's last layer for some of its channels."""
        last = cast(Dense, self.weight_net[1]).linear
        return functional.linear(hidden, last.weight[channels], last.bias[channels])

    def pool_by_neighbor(self, x: Tensor, xyz: Tensor, near: Tensor) -> Tensor:
        """The same sums over near (B, K, n): differences and sums run over long rows, which CPUs are fast at."""
        relative = gather(xyz, near) - xyz.unsqueeze(1)  # (B, K, n, 3)
        hidden = self.weight_net[0](relative)  # (B, K, n, W)
        here = sum_of_neighbors(relative * self.weights_of(hidden, slice(3)))

        def there(near: Tensor, hidden: Tensor) -> Tensor:
            return sum_of_neighbors(gather(x, near) * self.weights_of(hidden, slice(3, None)))

        return torch.cat([here, self.in_parts(there, 2, near, hidden)], dim=-1)
