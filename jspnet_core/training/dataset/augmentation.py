"""Augmentation of the points and colours of a training block."""

from __future__ import annotations

import numpy as np

from jspnet_core.training.recipe import Augmentation


def random_transform(augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Draw rotation about z, mirroring and scale as a (3, 3) float32 matrix M, applied as points @ M.

    z is scaled but not shifted: heights remain heights above the floor.
    """
    angle = rng.uniform(0.0, 2.0 * np.pi) if augmentation.turn else 0.0
    mirror = rng.choice([-1.0, 1.0]) if augmentation.mirror else 1.0
    scale = 1.0 + augmentation.scale * rng.uniform(-1.0, 1.0) if augmentation.scale else 1.0
    c, s = np.cos(angle), np.sin(angle)
    return (scale * np.array([[mirror * c, s, 0.0], [-mirror * s, c, 0.0], [0.0, 0.0, 1.0]])).astype(np.float32)


def jitter(points: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, clipped at five standard deviations, to points (P, 3) float32."""
    if not augmentation.jitter:
        return points
    noise = np.clip(rng.standard_normal(points.shape, np.float32), -5.0, 5.0)
    return points + np.float32(augmentation.jitter) * noise


def augment_colors(colors: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Change contrast and gain of colours (N, 3) float32, 0 to 1, or drop them. Points without colour stay black."""
    if rng.random() < augmentation.color_drop:
        return np.zeros_like(colors)
    colored = colors.max(axis=1) > 0
    if colored.any() and rng.random() < augmentation.contrast:
        low, high = colors[colored].min(axis=0), colors[colored].max(axis=0)
        stretched = (colors - low) / np.maximum(high - low, 1 / 255)
        blend = rng.random(dtype=np.float32)
        colors = np.where(colored[:, None], (1 - blend) * colors + blend * stretched, colors)
    gain = 1.0 + augmentation.color_gain * rng.uniform(-1.0, 1.0, 3).astype(np.float32)
    return np.minimum(colors * gain, 1.0)
