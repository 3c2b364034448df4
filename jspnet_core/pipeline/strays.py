"""Stray points: returns far from everything else, which reflections and faulty drivers produce.

The network reads each point's place as a share of the cloud's extent, and its height: one return kilometres away
would change the labels of all others, or make them infinite.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numba import njit

from jspnet_core.errors import CloudError
from jspnet_core.pipeline.voxelize import MAX_COORDINATE

MAX_GAP = 100.0
"""Metres; a point further than this outside the box of the others is a stray one."""

MAX_HEIGHT = 100.0
"""Metres above or below the floor; the network's height feature was trained on rooms, and overflows at a kilometre."""

_BOUND = np.float32(MAX_COORDINATE)
_SAMPLE = 20_000
_SHARE = 0.01  # of the points, that may lie outside the box on either side


Box = tuple[np.ndarray, np.ndarray]
"""Smallest and largest coordinates of a cloud, (3,) each, metres."""


def without_strays(points: np.ndarray) -> tuple[np.ndarray, Box]:
    """Mark stray points as no returns. Also returns the box of the others.

    points: (N, 3) float32, metres; returned as they are where there are no strays.
    """
    low, high = _extremes(points, _BOUND)
    if not (high - low > 2 * MAX_GAP).any():
        return points, (low, high)
    seen = _returns(points)
    box_low, box_high = np.quantile(seen[:: max(len(seen) // _SAMPLE, 1)], [_SHARE, 1 - _SHARE], axis=0)
    stray = ((points < box_low - MAX_GAP) | (points > box_high + MAX_GAP)).any(axis=1)
    if not stray.any():
        return points, (low, high)
    kept = points.copy()
    kept[stray] = np.nan
    return kept, _extremes(kept, _BOUND)


def check_heights(points: np.ndarray, box: Box, T_gravity_input: np.ndarray) -> None:
    """Raise `CloudError`, reason `extent`, for a cloud that reaches beyond `MAX_HEIGHT`.

    points: (N, 3) float32, metres, input frame; box: theirs. T_gravity_input: (4, 4), to z up and the floor at z = 0.
    """
    corners = np.array(list(product(*zip(*box, strict=True))))
    if (np.abs(corners @ T_gravity_input[2, :3] + T_gravity_input[2, 3]) <= MAX_HEIGHT).all():
        return  # so are all points inside the box
    heights = _returns(points) @ T_gravity_input[2, :3] + T_gravity_input[2, 3]
    if np.abs(heights).max() > MAX_HEIGHT:
        raise CloudError(
            "extent",
            f"points lie {heights.min():.4g} to {heights.max():.4g} m above the floor, up to {MAX_HEIGHT:.0f} m is "
            "accepted: check the units and the gravity frame",
        )


def _returns(points: np.ndarray) -> np.ndarray:
    return points[(np.abs(points) <= MAX_COORDINATE).all(axis=1)]


@njit(nogil=True, cache=True)
def _extremes(points: np.ndarray, bound: float) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest coordinates, two (3,), of the points within `bound`; zeros where there are none."""
    inf = np.float32(np.inf)
    x0 = y0 = z0 = inf
    x1 = y1 = z1 = -inf
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if max(abs(x), abs(y), abs(z)) <= bound and x == x and y == y and z == z:  # NaN is not itself
            x0, y0, z0 = min(x0, x), min(y0, y), min(z0, z)
            x1, y1, z1 = max(x1, x), max(y1, y), max(z1, z)
    if x0 > x1:
        return np.zeros(3), np.zeros(3)
    return np.array([x0, y0, z0], np.float64), np.array([x1, y1, z1], np.float64)
