"""Stereo cameras and structured light: matching along rows between two cameras, or camera and projector.

Depth is baseline x focal length / disparity: the noise grows with the square of the depth, depth is quantised, what
one of the two does not see has no depth, and matching windows make near things fat. Keselman et al., "Intel RealSense
Stereoscopic Depth Cameras", CVPRW 2017; Khoshelham and Elberink, "Accuracy and Resolution of Kinect Depth Data",
Sensors 2012.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.sensors.devices import Device
from jspnet_core.synthetic.sensors.fields import patches, waves
from jspnet_core.synthetic.sensors.truth import Truth

MIRRORED = 0.5
"""Share of the patches of a mirror that keep its own depth; matching finds the mirrored room, or nothing."""


@dataclass(frozen=True)
class Matching:
    """Faults of a matcher. Lengths in pixels of the depth picture.

    noise, wave: deviation of the disparity, per pixel and smooth. step: quantisation. window: reach of edge
    fattening. shadow: 1 where the second eye stands to the right, -1 to the left. hunger: share of patches that are
    lost where a surface gives nothing to match.
    """

    noise: float
    wave: float
    step: float
    window: int
    shadow: int
    hunger: float


def matching_of(device: Device, scale: float, rng: np.random.Generator) -> Matching:
    """Faults of a device, drawn by chance; scale: width of the picture over that of the device."""
    if device.kind == "stereo":
        return Matching(
            noise=scale * 10 ** rng.uniform(-2.2, -0.9),
            wave=scale * 10 ** rng.uniform(-2.2, -0.8),
            step=scale / 32,
            window=int(rng.integers(1, 4)),
            shadow=1,
            hunger=float(rng.uniform(0.05, 0.6)),
        )
    return Matching(
        noise=scale * rng.uniform(0.04, 0.12),
        wave=scale * rng.uniform(0.02, 0.06),
        step=scale / 8,
        window=int(rng.integers(0, 2)),
        shadow=-1,
        hunger=float(rng.uniform(0.02, 0.15)),
    )


def measure_matched(
    truth: Truth, contrast: np.ndarray, device: Device, matching: Matching, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Depth as matched: (H, W) float32 metres, NaN for none, and the pixel that it was taken from, (H, W) int32.

    contrast: (H, W) float32, 0 to 1, of the picture: what there is to match.
    """
    shape, m = truth.depth.shape, matching
    depth = np.full(shape, np.nan, np.float32)
    source = np.full(shape, -1, np.int32)
    fields = (
        patches(shape, 5.0, rng),
        patches(shape, 14.0, rng),
        m.noise * rng.standard_normal(shape, np.float32) + m.wave * waves(shape, 7.0, rng),
        rng.random(shape, np.float32),
    )
    lengths = np.array([truth.view.focal_x * device.baseline, device.nearest, device.farthest, m.step, m.hunger])
    arrays = truth.depth, truth.facing, truth.bright, truth.mirror, contrast
    _match(*arrays, *fields, lengths, m.window, m.shadow, depth, source)
    return depth, source


@njit(cache=True, nogil=True)
def _match(
    truth: np.ndarray,
    facing: np.ndarray,
    bright: np.ndarray,
    mirror: np.ndarray,
    contrast: np.ndarray,
    patch: np.ndarray,
    blotch: np.ndarray,
    noise: np.ndarray,
    chance: np.ndarray,
    lengths: np.ndarray,
    window: int,
    shadow: int,
    depth: np.ndarray,
    source: np.ndarray,
) -> None:
    height, width = truth.shape
    lever, nearest, farthest, step, hunger = lengths[0], lengths[1], lengths[2], lengths[3], lengths[4]
    for row in range(height):
        hidden = 1e30
        for count in range(width):
            column = width - 1 - count if shadow > 0 else count
            z = truth[row, column]
            # Order along the row of the second eye: what is passed by something nearer is hidden there.
            other = shadow * column - lever / z if z < 1e9 else shadow * column
            occluded = other > hidden
            hidden = min(hidden, other)
            # Edge fattening: the nearest surface within the window wins, raggedly.
            reach = int(window * blotch[row, column] * 2.0)
            best, nearest_z = column, z
            for offset in range(-reach, reach + 1):
                beside = min(max(column + offset, 0), width - 1)
                if truth[row, beside] < 0.93 * nearest_z:
                    best, nearest_z = beside, truth[row, beside]
            if best != column:
                z, occluded = nearest_z, False
            if not nearest <= z <= farthest or (occluded and blotch[row, column] < 0.8):
                continue
            if _is_lost(
                z, facing[row, best], bright[row, best], contrast[row, best], hunger, mirror[row, best],
                patch[row, column], blotch[row, column], chance[row, column],
            ):  # fmt: skip
                continue
            disparity = lever / z + noise[row, column]
            disparity = step * np.round(disparity / step)
            if disparity > lever / farthest and lever / disparity >= nearest:
                depth[row, column] = lever / disparity
                source[row, column] = row * width + best


@njit(cache=True, nogil=True, inline="always")
def _is_lost(
    z: float,
    facing: float,
    bright: float,
    contrast: float,
    hunger: float,
    mirror: bool,
    patch: float,
    blotch: float,
    chance: float,
) -> bool:
    """Return whether a pixel has no match: dark, grazing, far without texture, a mirror, or bad luck."""
    signal = min(bright * (0.3 + 0.7 * facing) / (0.02 + 0.006 * z * z), 1.0)
    dark = 1.0 - signal
    bare = hunger * max(1.0 - 4.0 * contrast, 0.0) * min(max((z - 1.0) / 3.0, 0.0), 1.0)
    grazing = 1.0 - min(facing / 0.16, 1.0)
    risk = 1.0 - (1.0 - 0.9 * dark) * (1.0 - bare) * (1.0 - grazing)
    if mirror:
        return blotch > MIRRORED
    return 0.6 * patch + 0.4 * blotch < 0.08 + 0.84 * risk if risk > 0.02 else chance > 0.995
