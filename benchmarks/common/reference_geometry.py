"""Sampling and grouping as the reference implementations do it: layer by layer, nothing shared between layers.

Their TensorFlow graph samples again for every layer, builds a KD-tree for every PointConv of encoder and decoders, and
looks for the three nearest points in every interpolation of both decoders.
"""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import KDTree

from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import UPSAMPLINGS, Pyramid


def reference_pyramid(xyz: np.ndarray, c: NetworkConfiguration) -> Pyramid:
    """Build the pyramid of one block without optimisation, see `pipeline.pyramid`: xyz (N, 3) float32, metres."""
    levels, samples = [xyz], []
    for size in c.levels:
        samples.append(farthest_points(levels[-1], size))
        levels.append(levels[-1][samples[-1]])
    k = c.encoder_neighbors
    pyramid = {"sample": samples[0], "ball": ball_query(xyz, levels[1], c.radii[0], k)}
    for level in (1, 2, 3):
        size = c.levels[level]
        near = np.zeros((len(levels[level]), k), np.int32)
        for _ in ("semantic", "instance"):  # each decoder its own
            near[:, : c.decoder_neighbors] = nearest(levels[level], levels[level], c.decoder_neighbors)[1]
        near[:size] = nearest(levels[level], levels[level + 1], k)[1]
        density = ball_density(levels[level], c.radii[level], c.density_variances[level - 1], c.density_neighbors)
        inverse = (1.0 / density)[near[:size]]
        pyramid[f"near{level}"] = near
        pyramid[f"density{level + 1}"] = (inverse / inverse.max(axis=1, keepdims=True)).astype(np.float32)
    for fine, coarse in UPSAMPLINGS:
        for _ in ("semantic", "instance"):
            distance, index = nearest(levels[coarse], levels[fine], 3)
            weight = 1.0 / np.maximum(np.square(distance), 1e-10)
        pyramid[f"up{fine}{coarse}_index"] = index
        pyramid[f"up{fine}{coarse}_weight"] = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return pyramid


def farthest_points(xyz: np.ndarray, count: int) -> np.ndarray:
    """Farthest point sampling from point 0: (count,) int32."""
    chosen, distance = np.zeros(count, np.int32), np.full(len(xyz), np.inf, np.float32)
    for i in range(1, count):
        distance = np.minimum(distance, np.sum((xyz - xyz[chosen[i - 1]]) ** 2, axis=1))
        chosen[i] = np.argmax(distance)
    return chosen


def nearest(points: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distance and index, (m, k), of the nearest points."""
    distance, index = KDTree(points).query(queries, k=k)
    return distance, index.astype(np.int32)


def ball_query(points: np.ndarray, centers: np.ndarray, radius: float, count: int) -> np.ndarray:
    """The first `count` points of each ball in index order, padded with the first: (m, count) int32."""
    index = np.where(_squared(points, centers) < radius**2, np.arange(len(points)), len(points))
    index = np.sort(index, axis=1)[:, :count]
    return np.where(index == len(points), index[:, :1], index).astype(np.int32)


def ball_density(points: np.ndarray, radius: float, variance: float, count: int) -> np.ndarray:
    """Mean of a normal kernel over the first `count` neighbours of each point: (n,)."""
    square = _squared(points, points)
    inside = square < radius**2
    inside &= np.cumsum(inside, axis=1) <= count
    kernel = np.exp(-0.5 * square / variance) * (2.0 * np.pi * variance) ** -1.5
    return (kernel * inside).sum(axis=1) / inside.sum(axis=1)


def _squared(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Squared distances (m, n)."""
    return ((centers[:, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
