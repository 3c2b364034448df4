"""Pyramids: precomputed sampling and grouping indices, all that depends on coordinates alone, once per block.

Levels 1 to 4 are farthest point samples of level 0. Each level is a prefix of the one before (a farthest point
sample of a farthest point sequence is its prefix), so one sampling serves all levels, and one self-kNN per level
serves the encoder (rows of the next level's points) and both decoders (the first columns).

Arrays of one block, indices into the level's own points ("local"), int32:
    sample          (n1,)      points of level 1 among level 0
    ball            (n1, K)    ball query around level 1 in level 0, first K hits in index order, padded with the first
    near1..near3    (nl, K)    self-kNN of levels 1 to 3, nearest first, the point itself included
    density2..4     (nl, K)    inverse densities of level l's neighbours in level l - 1 over a row's largest, float32
    upFC_index      (nF, 3)    three nearest points of level C for each point of level F
    upFC_weight     (nF, 3)    their normalised inverse squared distances, float32
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numba import njit

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.spatial.ball_query import ball_density, ball_query
from jspnet_core.spatial.farthest_point_sampling import BOX_POINTS, farthest_points
from jspnet_core.spatial.kd_buckets import boxed
from jspnet_core.spatial.knn import self_nearest, three_nearest
from jspnet_core.util.threads import parallel_map

UPSAMPLINGS = ((0, 1), (0, 2), (1, 2), (2, 3), (3, 4))
"""Pairs (fine, coarse) of levels between which features are interpolated; (0, 2) is PCFF's."""

_LEVEL_BOX_POINTS = 32  # most points of a box of levels 1 to 4, where the searches are fastest

Pyramid = dict[str, np.ndarray]


def index_sources() -> dict[str, int]:
    """Level that each index array of a pyramid refers to."""
    near = {f"near{level}": level for level in (1, 2, 3)}
    return {"sample": 0, "ball": 0, **near, **{f"up{f}{c}_index": c for f, c in UPSAMPLINGS}}


def pyramid_names() -> list[str]:
    """Names of a pyramid's arrays, in the order in which the network takes them."""
    names = ["sample", "ball", "near1", "near2", "near3", "density2", "density3", "density4"]
    return names + [f"up{f}{c}_{part}" for f, c in UPSAMPLINGS for part in ("index", "weight")]


def build_pyramid(xyz: np.ndarray, configuration: NetworkConfiguration, executor: Executor | None = None) -> Pyramid:
    """Build the pyramid of one block (paper, section 3.1; sampling and grouping of PointNet++ and PointConv).

    xyz: (N, 3) float32, finite, metres, any frame; sampling starts at its first point. executor: runs half of the
    searches in parallel; the result is the same.
    """
    c = configuration
    block = boxed(xyz, BOX_POINTS)
    sample = farthest_points(block, c.levels[0])
    finest = block.axes.T[sample]
    levels = [block, *(boxed(finest[:n], _LEVEL_BOX_POINTS) for n in c.levels)]

    def within() -> Pyramid:
        found: Pyramid = {}
        for level in (1, 2, 3):
            near = self_nearest(levels[level], c.encoder_neighbors)
            density = ball_density(levels[level], c.radii[level], c.density_variances[level - 1], c.density_neighbors)
            found[f"near{level}"] = near
            found[f"density{level + 1}"] = relative_inverse(density, near[: c.levels[level]])
        return found

    def between() -> Pyramid:
        found = {"ball": ball_query(block, levels[1], c.radii[0], c.encoder_neighbors)}
        for fine, coarse in UPSAMPLINGS:
            index, weight = three_nearest(levels[coarse], levels[fine])
            found[f"up{fine}{coarse}_index"], found[f"up{fine}{coarse}_weight"] = index, weight
        return found

    if executor is None:
        return {"sample": sample, **within(), **between()}
    other = executor.submit(within)
    return {"sample": sample, **between(), **other.result()}


def build_pyramids(
    features: np.ndarray,
    configuration: NetworkConfiguration,
    executor: Executor | None = None,
    sizes: np.ndarray | None = None,
) -> list[Pyramid]:
    """Build the pyramids of B blocks in parallel: features (B, N, >= 3) float32, block x y z first.

    sizes: (B,), number of points of each block, from the first on; None: all.
    """
    sizes = np.full(len(features), features.shape[1]) if sizes is None else sizes
    if len(features) == 1:
        return [build_pyramid(features[0, : sizes[0], :3], configuration, executor)]

    def of_block(b: int) -> Pyramid:
        return build_pyramid(features[b, : sizes[b], :3], configuration)

    return parallel_map(of_block, range(len(features)), executor)


def points_of(pyramid: Pyramid) -> int:
    """Number of points of the block that a pyramid belongs to."""
    return len(pyramid["up01_index"])


def stack_pyramids(pyramids: Sequence[Pyramid], configuration: NetworkConfiguration) -> Pyramid:
    """Stack the pyramids of a batch: arrays gain a leading axis B, indices become flat over it (+ b * points)."""
    stacked = {name: np.stack([p[name] for p in pyramids]) for name in pyramid_names()}
    sizes = (points_of(pyramids[0]), *configuration.levels)
    for name, level in index_sources().items():
        offset = np.arange(len(pyramids), dtype=np.int32) * sizes[level]
        stacked[name] += offset.reshape(-1, *(1,) * (stacked[name].ndim - 1))
    return stacked


def unstack_pyramids(stacked: Pyramid, configuration: NetworkConfiguration) -> list[Pyramid]:
    """Split a stacked pyramid into those of its blocks: the inverse of `stack_pyramids`."""
    sizes = (stacked["up01_index"].shape[1], *configuration.levels)
    sources = index_sources()
    return [
        {name: array[b] - b * sizes[sources[name]] if name in sources else array[b] for name, array in stacked.items()}
        for b in range(len(stacked["sample"]))
    ]


@njit(nogil=True, cache=True)
def relative_inverse(density: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Inverse density of each neighbour over the largest among the neighbours: (n, K) float32 in (0, 1]."""
    inverse, relative = np.float32(1.0) / density, np.empty(near.shape, np.float32)
    for i in range(len(near)):
        largest = inverse[near[i, 0]]
        for k in range(1, near.shape[1]):
            largest = max(largest, inverse[near[i, k]])
        for k in range(near.shape[1]):
            relative[i, k] = inverse[near[i, k]] / largest
    return relative
