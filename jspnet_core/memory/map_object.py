"""Objects of the map, and their boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MapObject:
    """One object of the map. The map frame has z up; lengths in metres, times in seconds.

    id: 1, 2, ...; never names another object. label: class id. probabilities: (C,) float32, sum 1. confidence: 0 to 1,
    probability of the label. point_count: voxels. centroid, minimum, maximum: (3,) float64, axis-aligned box.
    center, size: (3,) float64 and yaw, radians, of the smallest box turned about z. first_seen, last_seen: stamps.
    views: frames in which it was seen.
    """

    id: int
    label: int
    probabilities: np.ndarray
    confidence: float
    point_count: int
    centroid: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    center: np.ndarray
    size: np.ndarray
    yaw: float
    first_seen: float
    last_seen: float
    views: int


def oriented_box(points: np.ndarray, edge: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Smallest box about z, by area of its base, among 36 angles.

    points: (N, 3) float64, voxel centres, metres, N > 0; edge: of a voxel. Returns center (3,), size (3,), yaw in
    radians, 0 to pi/2.
    """
    angles = np.linspace(0.0, 0.5 * np.pi, 36, endpoint=False)
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = points[:, 0], points[:, 1]
    along, across = c * x + s * y, c * y - s * x  # (36, N)
    low = np.stack([along.min(axis=1), across.min(axis=1)], axis=1)
    high = np.stack([along.max(axis=1), across.max(axis=1)], axis=1)
    best = int(np.prod(high - low + edge, axis=1).argmin())
    middle, yaw = 0.5 * (low[best] + high[best]), float(angles[best])
    z = points[:, 2]
    center = np.array(
        [
            np.cos(yaw) * middle[0] - np.sin(yaw) * middle[1],
            np.sin(yaw) * middle[0] + np.cos(yaw) * middle[1],
            0.5 * (z.min() + z.max()),
        ]
    )
    return center, np.append(high[best] - low[best], np.ptp(z)) + edge, yaw
