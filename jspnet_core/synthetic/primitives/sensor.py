"""Errors of a structured-light depth sensor: noise, holes, mixed pixels at edges, image noise."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from jspnet_core.synthetic.primitives.materials import hashed


@njit(cache=True, fastmath=True, inline="always")
def _bell(row: int, column: int, draw: int, seed: int) -> float:
    """A number of mean 0, deviation 1, nearly normal: the sum of four uniform ones."""
    total = 0.0
    for part in range(4):
        total += hashed(row, column, 8 * draw + part, seed)
    return (total - 2.0) * 1.7320508


@njit(cache=True, fastmath=True, inline="always")
def _random_neighbour(depth: np.ndarray, row: int, column: int, seed: int) -> float:
    """Depth two pixels to one of the four sides."""
    side = int(4.0 * hashed(row, column, 1, seed))
    step = 2 if side & 1 else -2
    if side & 2:
        return depth[row, min(max(column + step, 0), depth.shape[1] - 1)]
    return depth[min(max(row + step, 0), depth.shape[0] - 1), column]


@njit(cache=True, fastmath={"nsz", "arcp", "contract", "afn", "reassoc"}, parallel=True)
def measure(
    depth: np.ndarray,
    sight: np.ndarray,
    normals: np.ndarray,
    dropout: np.ndarray,
    nearest: float,
    farthest: float,
    seed: int,
) -> np.ndarray:
    """Simulate the sensor's reading of a true `depth`.

    depth: (H, W) float64, metres along z. sight, normals: (H, W, 3), from the camera to the surface, and the
    surface's unit normal. dropout: (H, W), share of rays that the surface swallows. nearest, farthest: metres.
    Returns (H, W) float32 metres, NaN for no return. The noise grows with the square of the depth as in Nguyen et
    al., "Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking", 3DIMPVT 2012.
    """
    height, width = depth.shape
    measured = np.empty((height, width), np.float32)
    for row in prange(height):
        for column in range(width):
            z, beside = depth[row, column], _random_neighbour(depth, row, column, seed)
            chance = hashed(row, column, 2, seed)
            at_edge = abs(beside - z) > 0.04 * z
            # Real sensors lose patches, not single pixels: 4 x 4 pixels share their luck.
            swallowed = hashed(row // 4, column // 4, 3, seed) < dropout[row, column]
            if at_edge and chance < 0.12:
                z += hashed(row, column, 4, seed) * (beside - z)
            z += (0.0012 + 0.0019 * (z - 0.4) ** 2) * _bell(row, column, 1, seed)
            across, length2 = 0.0, 1e-12
            for axis in range(3):
                across += sight[row, column, axis] * normals[row, column, axis]
                length2 += sight[row, column, axis] ** 2
            grazing = across * across < 0.006 * length2
            lost = swallowed or grazing or chance > 0.995 or (at_edge and chance > 0.75)
            inside = nearest <= z <= farthest
            measured[row, column] = z if inside and not lost else np.nan
    return measured


@njit(cache=True, fastmath=True, parallel=True)
def expose(light: np.ndarray, seed: int) -> np.ndarray:
    """Light, (H, W, 3) float64 from 0 to 1, to an image, (H, W, 3) uint8, with a little noise."""
    image = np.empty(light.shape, np.uint8)
    for row in prange(light.shape[0]):
        for column in range(light.shape[1]):
            for channel in range(3):
                noise = 2.5 * _bell(row, column, 2 + channel, seed)
                image[row, column, channel] = np.uint8(
                    min(max(255.0 * light[row, column, channel] + noise, 0.0), 255.0)
                )
    return image
