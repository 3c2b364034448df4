"""Spatially correlated noise: depth cameras lose patches, not single pixels."""

from __future__ import annotations

import numpy as np
from numba import njit


def patches(shape: tuple[int, int], edge: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth field, (H, W) float32, uniform from 0 to 1 in the mean, that changes over `edge` pixels."""
    return _spread(rng.random(_nodes(shape, edge), np.float32), shape[0], shape[1], edge)


def waves(shape: tuple[int, int], edge: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth field, (H, W) float32, of mean 0 and a deviation of about 0.7, that changes over `edge` pixels."""
    return _spread(rng.standard_normal(_nodes(shape, edge), np.float32), shape[0], shape[1], edge)


def _nodes(shape: tuple[int, int], edge: float) -> tuple[int, int]:
    return int(shape[0] / edge) + 2, int(shape[1] / edge) + 2


@njit(cache=True, nogil=True)
def _spread(nodes: np.ndarray, height: int, width: int, edge: float) -> np.ndarray:
    """Bilinear interpolation between nodes that stand `edge` pixels apart."""
    field = np.empty((height, width), np.float32)
    for row in range(height):
        y = row / edge
        i, v = int(y), y - int(y)
        for column in range(width):
            x = column / edge
            j, u = int(x), x - int(x)
            above = (1 - u) * nodes[i, j] + u * nodes[i, j + 1]
            below = (1 - u) * nodes[i + 1, j] + u * nodes[i + 1, j + 1]
            field[row, column] = (1 - v) * above + v * below
    return field
