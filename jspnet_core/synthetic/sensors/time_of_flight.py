"""Time-of-flight cameras: flying pixels at depth edges, rounded corners, and a shorter range on dark surfaces.

Horaud et al., "An Overview of Depth Cameras and Range Scanners Based on Time-of-Flight Technologies", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.fields import patches, waves
from jspnet_core.synthetic.sensors.truth import Truth


@dataclass(frozen=True)
class Flight:
    """Faults of a time-of-flight camera.

    noise: metres at 1 m on a bright surface. wave: metres, smooth error. flying: share of pixels at edges that mix
    near and far. rounding: share of the way that a pixel is pulled to its neighbourhood's mean, by light that comes
    by way of other surfaces. reach: signal below which nothing returns.
    """

    noise: float
    wave: float
    flying: float
    rounding: float
    reach: float


def random_flight(rng: np.random.Generator) -> Flight:
    """Faults drawn by chance, between a good camera and a cheap one."""
    return Flight(
        noise=float(rng.uniform(0.001, 0.004)),
        wave=float(rng.uniform(0.001, 0.008)),
        flying=float(rng.uniform(0.1, 0.6)),
        rounding=float(rng.uniform(0.0, 0.5)),
        reach=float(10 ** rng.uniform(-2.9, -2.2)),
    )


def measure_flight(
    truth: Truth, device: Device, flight: Flight, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Depth as measured: (H, W) float32 metres, NaN for none, and the pixel that it was taken from, (H, W) int32."""
    shape = truth.depth.shape
    depth, source = np.full(shape, np.nan, np.float32), np.full(shape, -1, np.int32)
    fields = (
        rng.random(shape, np.float32),
        rng.standard_normal(shape, np.float32),
        flight.wave * waves(shape, 20.0, rng),
        patches(shape, 6.0, rng),
    )
    numbers = np.array(
        [device.nearest, device.farthest, flight.noise, flight.flying, flight.rounding, flight.reach], np.float64
    )
    _measure(truth.depth, truth.facing, truth.bright, truth.mirror, *fields, numbers, depth, source)
    return depth, source


@njit(cache=True, nogil=True)
def _measure(
    truth: np.ndarray,
    facing: np.ndarray,
    bright: np.ndarray,
    mirror: np.ndarray,
    chance: np.ndarray,
    normal: np.ndarray,
    wave: np.ndarray,
    patch: np.ndarray,
    numbers: np.ndarray,
    depth: np.ndarray,
    source: np.ndarray,
) -> None:
    height, width = truth.shape
    nearest, farthest, noise = numbers[0], numbers[1], numbers[2]
    flying, rounding, reach = numbers[3], numbers[4], numbers[5]
    for row in range(height):
        for column in range(width):
            z = truth[row, column]
            if z > 1e9:
                continue
            mean, count, beside = _around(truth, row, column, z, 3)
            z_mixed, taken = z, row * width + column
            step = beside - z
            if abs(step) > 0.05 * z + 0.02 and beside < 1e9 and chance[row, column] < flying:
                z_mixed = z + (chance[row, column] / flying) ** 1.5 * step
            elif count > 4:
                z_mixed = z + rounding * (mean - z)
            signal = (0.02 + bright[row, column]) * facing[row, column] / (z * z + 0.1)
            weak = reach / max(signal, 1e-9)
            if weak > 0.6 + 0.8 * patch[row, column] or facing[row, column] < 0.05:
                continue
            if mirror[row, column] and patch[row, column] > 0.4:
                continue
            z_mixed += wave[row, column] + noise * (0.5 + z) * (1.0 + 4.0 * min(weak, 1.0)) * normal[row, column]
            if nearest <= z_mixed <= farthest:
                depth[row, column], source[row, column] = z_mixed, taken


@njit(cache=True, nogil=True, inline="always")
def _around(truth: np.ndarray, row: int, column: int, z: float, reach: int) -> tuple[float, int, float]:
    """Mean depth around a pixel of what is about as far, how many there are, and the most different side."""
    height, width = truth.shape
    total, count, beside = 0.0, 0, z
    for k in range(8):
        di, dj = (0, 1) if k < 2 else (1, 0)
        far = 1 if k < 4 else reach
        if k >= 4:
            di, dj = (0, 1) if k < 6 else (1, 0)
        sign = 1 if k & 1 else -1
        i, j = row + sign * far * di, column + sign * far * dj
        if i < 0 or j < 0 or i >= height or j >= width:
            continue
        other = truth[i, j]
        if abs(other - z) < 0.04 * z + 0.02:
            total += other
            count += 1
        elif far == 1 and other < 1e9 and abs(other - z) > abs(beside - z):
            beside = other
    return total / max(count, 1), count, beside
