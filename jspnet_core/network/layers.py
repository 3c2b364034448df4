"""Layers of the networks. Tensors are (batch, points, ..., channels); indices are flat (see `gather`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

BN_EPS = 1e-3  # of the reference implementation


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Gather rows of `x` by flat index.

    x: (B, n, C). index: (B, m) or (B, m, K) int32, into the B*n rows of the whole batch.
    Returns (B, m, C) or (B, m, K, C). Exported, this is a single Gather.
    """
    rows = torch.index_select(x.reshape(-1, x.shape[-1]), 0, index.reshape(-1))
    return rows.reshape(*index.shape, x.shape[-1])


def interpolate(x: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Interpolate from the three nearest points by inverse distance: x (B, n, C), index and weight (B, m, 3).

    Neighbours are added one by one, without an array of (B, m, 3, C).
    """
    first, second, third = (gather(x, index[:, :, i]) * weight[:, :, i : i + 1] for i in range(3))  # (B, m, C)
    return first + second + third


def up(pyramid: Mapping[str, Tensor], fine: int, coarse: int) -> tuple[Tensor, Tensor]:
    """Return index and weight (B, n, 3) for interpolation from level `coarse` to level `fine`."""
    return pyramid[f"up{fine}{coarse}_index"], pyramid[f"up{fine}{coarse}_weight"]


class Dense(nn.Module):
    """1x1 convolution over the last axis, optionally with batch norm and ReLU."""

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
        """Apply batch norm and ReLU, which follow the linear layer."""
        if self.norm is not None:
            x = self.norm(x.reshape(-1, x.shape[-1])).reshape(x.shape)
        return torch.relu(x) if self.relu else x


def dense_stack(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Create dense layers with batch norm and ReLU, one per width."""
    return nn.Sequential(*(Dense(i, o) for i, o in zip((inputs, *widths), widths, strict=False)))


class NeighborLayer(nn.Module):
    """Base of layers over the neighbours of each point, whose arrays are the largest of the network.

    cache_bytes: None for training and for GPUs, which need few large operations. For CPUs arrays of neighbours are
    computed in chunks of this size, which fit into a cache, and the first linear layer is applied before the gather
    where this saves work. Results differ by rounding.
    """

    cache_bytes: int | None = None
    max_channels: int
    """Channels of the widest array of neighbours."""

    def in_chunks(self, work: Callable[..., Tensor], points: int, near: Tensor, *arrays: Tensor) -> Tensor:
        """Apply `work` to chunks of `near`, (B, m, K) or (B, K, m), and of more arrays; concatenate along axis 1.

        points: axis of m in the arrays, 1 or 2.
        """
        rows = max(cast(int, self.cache_bytes) // (4 * near.shape[3 - points] * self.max_channels), 1)
        chunks = zip(*(array.split(rows, points) for array in (near, *arrays)), strict=True)
        return torch.cat([work(*chunk) for chunk in chunks], dim=1)


def before_gather(dense: Dense, xyz: Tensor, features: Tensor | None, centers: Tensor) -> tuple[Tensor, Tensor]:
    """Apply a linear layer before the gather.

    The layer of [xyz_j - centers_i, features_j] is row j of the first result minus row i of the second.
    xyz (B, n, 3), features (B, n, C) or None, centers (B, m, 3). Returns (B, n, C') and (B, m, C').
    """
    rows = dense.linear(xyz if features is None else torch.cat([xyz, features], dim=-1))
    if features is not None:  # the same weights twice: a slice would be rounded differently in the model file
        centers = functional.pad(centers, (0, features.shape[-1]))
    return rows, functional.linear(centers, dense.linear.weight)


def sum_of_neighbors(x: Tensor) -> Tensor:
    """Sum (B, K, n, C) to (B, n, C) as a matrix product: ONNX Runtime sums slowly over outer axes."""
    return (x.new_ones(1, x.shape[1]) @ x.flatten(2)).reshape(-1, *x.shape[2:])


class SetAbstraction(NeighborLayer):
    """PointNet++ set abstraction with max pooling (enc1, and all levels of PointNet++).

    radius: if `near` are nearest neighbours, those beyond it are replaced by the nearest one, as in a ball query.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], radius: float | None = None):
        super().__init__()
        self.layers = dense_stack(inputs + 3, widths)
        self.max_channels = max(widths)
        self.radius = radius

    def forward(self, xyz: Tensor, features: Tensor, centers: Tensor, near: Tensor) -> Tensor:
        """xyz (B, n, 3), features (B, n, C), centers (B, m, 3), near (B, m, K) into n. Returns (B, m, C')."""
        relative = gather(xyz, near) - centers.unsqueeze(2)  # (B, m, K, 3)
        if self.radius is not None:
            inside = relative.square().sum(-1) < self.radius**2  # (B, m, K)
            near = torch.where(inside, near, near[..., :1])
            relative = torch.where(inside.unsqueeze(-1), relative, relative[..., :1, :])
        if self.cache_bytes is None:
            return self.layers(torch.cat([relative, gather(features, near)], dim=-1)).amax(2)
        first, rest = cast(Dense, self.layers[0]), self.layers[1:]
        rows, shift = before_gather(first, xyz, features, centers)

        def chunk(near: Tensor, shift: Tensor) -> Tensor:
            return rest(first.finish(gather(rows, near) - shift.unsqueeze(2))).amax(2)

        return self.in_chunks(chunk, 1, near, shift)


class PointConv(NeighborLayer):
    """PointConv encoder layer (enc2 to enc4): density-scaled features times learned weights of the position."""

    def __init__(self, inputs: int, widths: tuple[int, ...], weight_net: int, density_net: int):
        super().__init__()
        self.layers = dense_stack(inputs + 3, widths[:-1])
        self.max_channels = max(widths[:-1])
        self.weight_net = Dense(3, weight_net)
        self.density_net = nn.Sequential(Dense(1, density_net), Dense(density_net, 1, norm=False, relu=False))
        self.out = Dense(widths[-2] * weight_net, widths[-1])

    def forward(self, xyz: Tensor, features: Tensor, centers: Tensor, near: Tensor, density: Tensor) -> Tensor:
        """near (B, m, K) into n; density (B, m, K), inverse, largest of each row 1. Returns (B, m, C')."""
        if self.cache_bytes is None:
            relative = gather(xyz, near) - centers.unsqueeze(2)  # (B, m, K, 3)
            x = self.layers(torch.cat([relative, gather(features, near)], dim=-1))  # (B, m, K, C)
            return self.out(self.pool(x, density, self.weight_net(relative)).flatten(2))
        first, rest = cast(Dense, self.layers[0]), self.layers[1:]
        rows, shift = before_gather(first, xyz, features, centers)
        weight_rows, weight_shift = before_gather(self.weight_net, xyz, None, centers)

        def chunk(near: Tensor, density: Tensor, shift: Tensor, weight_shift: Tensor) -> Tensor:
            x = rest(first.finish(gather(rows, near) - shift.unsqueeze(2)))
            weight = self.weight_net.finish(gather(weight_rows, near) - weight_shift.unsqueeze(2))
            return self.pool(x, density, weight)

        return self.out(self.in_chunks(chunk, 1, near, density, shift, weight_shift).flatten(2))

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
        self.max_channels = inputs
        self.weight_net = nn.Sequential(Dense(3, weight_net), Dense(weight_net, channels, norm=False, relu=False))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.norm: nn.Module = nn.BatchNorm1d(channels, eps=BN_EPS)
        self.layers = dense_stack(channels + skip, widths)

    def forward(self, xyz: Tensor, coarse: Tensor, up: tuple[Tensor, Tensor], near: Tensor, skip: Tensor) -> Tensor:
        """xyz (B, n, 3), coarse (B, m, C), up = index and weight (B, n, 3) into m, near (B, n, K) into n itself."""
        x = interpolate(coarse, *up)  # (B, n, C)
        if self.cache_bytes is not None:
            pooled = self.pool_by_neighbor(x, xyz, near.transpose(1, 2))
        else:
            relative = gather(xyz, near) - xyz.unsqueeze(2)  # (B, n, K, 3)
            hidden = self.weight_net[0](relative)  # (B, n, K, W)
            # In two parts, without the array (B, n, K, C + 3), the largest of all.
            here = relative * self.weights_of(hidden, slice(3))
            there = gather(x, near) * self.weights_of(hidden, slice(3, None))  # (B, n, K, C)
            pooled = torch.cat([here.sum(2), there.sum(2)], dim=-1)  # (B, n, C + 3)
        pooled = pooled + self.bias
        pooled = torch.relu(self.norm(pooled.reshape(-1, pooled.shape[-1])).reshape(pooled.shape))
        return self.layers(torch.cat([pooled, skip], dim=-1))

    def weights_of(self, hidden: Tensor, channels: slice) -> Tensor:
        """Apply the last layer of the weight net for some of its channels."""
        last = cast(Dense, self.weight_net[1]).linear
        return functional.linear(hidden, last.weight[channels], last.bias[channels])

    def pool_by_neighbor(self, x: Tensor, xyz: Tensor, near: Tensor) -> Tensor:
        """Compute the pooled sums with near (B, K, n): operations run over long rows, which is faster on CPUs."""
        relative = gather(xyz, near) - xyz.unsqueeze(1)  # (B, K, n, 3)
        hidden = self.weight_net[0](relative)  # (B, K, n, W)
        here = sum_of_neighbors(relative * self.weights_of(hidden, slice(3)))

        def there(near: Tensor, hidden: Tensor) -> Tensor:
            return sum_of_neighbors(gather(x, near) * self.weights_of(hidden, slice(3, None)))

        return torch.cat([here, self.in_chunks(there, 2, near, hidden)], dim=-1)
