"""From linear light to pictures: exposure, white balance, tone and noise of a colour camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Exposure:
    """Slowly varying settings of a colour camera.

    key: mean linear brightness that it aims at. gain: (3,) white balance. noise: deviation in steps of 255.
    contrast: exponent on the picture. color: share of colour that is left; 0 gives grey.
    """

    key: float
    gain: tuple[float, float, float]
    noise: float
    contrast: float = 1.0
    color: float = 1.0


def random_exposure(rng: np.random.Generator, aim: float = 1.0) -> Exposure:
    """Draw the settings of an unknown camera in a room; some are greyscale. aim: as bright as usual."""
    warm, green = rng.normal(0.0, 0.06), rng.normal(0.0, 0.02)
    return Exposure(
        key=float(np.clip(aim * rng.uniform(0.2, 0.4), 0.15, 0.5)),
        gain=(1.0 + warm, 1.0 + green, 1.0 - warm),
        noise=float(rng.uniform(1.0, 6.0)),
        contrast=float(rng.uniform(0.9, 1.15)),
        color=0.0 if rng.random() < 0.06 else float(rng.uniform(0.7, 1.15)),
    )


def expose(
    light: np.ndarray, exposure: Exposure, rng: np.random.Generator, lit: np.ndarray | None = None
) -> np.ndarray:
    """A picture of linear light, (N, 3) float32: (N, 3) uint8 sRGB. lit: (N,) bool, what the exposure is measured on.

    The gain is chosen so that the picture as a whole is neither black nor burnt out, whatever the light was.
    """
    measured = light if lit is None else light[lit]
    if not len(measured):
        return np.zeros(light.shape, np.uint8)
    sample = measured[:: max(len(measured) // 4000, 1)]
    gain = white_balance(sample, exposure)
    value = light * (gain * _gain((sample * gain).mean(1), exposure.key))
    value = 1.0 - np.exp(-value * (1.0 + 0.4 * value))  # a soft shoulder instead of clipping
    grey = value @ np.array([0.3, 0.59, 0.11], np.float32)
    value = grey[:, None] + np.float32(exposure.color) * (value - grey[:, None])
    picture = 255.0 * np.clip(value, 0.0, 1.0) ** np.float32(exposure.contrast / 2.2)
    picture += rng.standard_normal((len(picture), 1), np.float32) * np.float32(0.5 * exposure.noise)
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(exposure.noise)
    if exposure.color == 0.0:
        picture[:] = picture[:, :1]
    return np.clip(picture, 0, 255).astype(np.uint8)


def white_balance(light: np.ndarray, exposure: Exposure) -> np.ndarray:
    """White balance: half of the grey-world correction, times the camera's own error. (3,) float32."""
    mean = np.maximum(light.mean(0), 1e-6)
    return ((mean.mean() / mean) ** 0.5 * exposure.gain).astype(np.float32)


def _gain(brightness: np.ndarray, key: float) -> np.float32:
    """Gain that brings the mean of the brightness, capped at 1, to the key; (N,) any scale."""
    gain = key / max(float(brightness.mean()), 1e-9)
    for _ in range(6):
        gain *= (key / max(float(np.minimum(gain * brightness, 1.0).mean()), 1e-9)) ** 0.9
    return np.float32(gain)
