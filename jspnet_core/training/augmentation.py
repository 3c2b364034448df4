"""What a room goes through before a training block is cut from it."""

from __future__ import annotations

import numpy as np

from jspnet_core.blocks import extent


def turn(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn about z by any angle and mirror half of the time, about the room's middle: (V, 3) float32.

    The smallest x and y are 0 afterwards; a robot's frame has no preferred heading.
    """
    angle = rng.uniform(0.0, 2.0 * np.pi)
    c, s = np.cos(angle), np.sin(angle)
    mirror = rng.choice([-1.0, 1.0])
    turned = points @ np.array([[mirror * c, s, 0.0], [-mirror * s, c, 0.0], [0.0, 0.0, 1.0]], np.float32)
    turned[:, :2] -= extent(turned)[0][:2]
    return turned
