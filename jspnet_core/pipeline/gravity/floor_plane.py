"""Find the floor of a cloud: the lowest well-supported level plane with almost no points below it.

Everything here works on a thinned cloud (`thin`) whose z axis points up, exactly or within a few degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.pipeline.voxelize import MAX_COORDINATE

VOXEL = 0.04  # metres: one point per voxel makes support an area, whatever the distance to the sensor

_SAMPLES = 24_000  # points looked at, at most
_SLOTS = 1 << 18
_MIX = np.int64(-7046029254386353131)  # 2**64 over the golden ratio: Fibonacci hashing of voxel ids
_NEAR = 0.04  # metres from a plane that count as on it
_CLEAR = 0.12  # metres below a plane from where points speak against its being a floor
_BELOW_WEIGHT = 2.0  # a point below costs as much as two on the plane bring: a table top loses to the floor under it
_REFINED_TILT = 5.0  # degrees that least squares may turn the plane by: more is another surface
_REFINED_AREA = 0.6  # square metres from which a floor tells the tilt better than all surfaces together
_REFINED_WIDTH = 0.2  # metres, standard deviation across: a strip of floor does not tell the tilt


@dataclass(frozen=True)
class Plane:
    """A level plane, normal . p = offset.

    normal: (3,) float64, unit, pointing up.
    offset: metres along the normal.
    area: square metres of thinned points on it.
    below: points below it, as a share of the points on it.
    is_layer: whether the plane is much denser than the space right above it, as a wall's foot is not.
    """

    normal: np.ndarray
    offset: float
    area: float
    below: float
    is_layer: bool

    @property
    def is_floor(self) -> bool:
        return self.area >= 0.2 and self.is_layer and self.below <= 0.2


def thin(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At most one point per voxel, from at most 24,000 points drawn at random, so that the time is bounded.

    points: (N, 3) float, metres; rows that are not finite, or beyond 10 km, are left out.
    Returns (M, 3) float64.
    """
    drawn = points
    if len(points) > _SAMPLES:
        drawn = points[rng.integers(0, len(points), _SAMPLES)]
        if len(_near_enough(drawn)) < _SAMPLES // 8:  # mostly no returns: draw from the others
            returns = points[_near_enough(points)]
            drawn = returns[rng.integers(0, len(returns), _SAMPLES)] if len(returns) else returns
    drawn = drawn[_near_enough(drawn)]
    return drawn[_one_per_voxel(drawn, drawn.dtype.type(VOXEL))].astype(np.float64)


@njit(nogil=True, cache=True)
def _near_enough(points: np.ndarray) -> np.ndarray:
    """Indices of the points whose coordinates are finite and plausible: comparisons with NaN are false."""
    kept, count = np.empty(len(points), np.int32), 0
    for i in range(len(points)):
        x, y, z = abs(points[i, 0]), abs(points[i, 1]), abs(points[i, 2])
        if x < MAX_COORDINATE and y < MAX_COORDINATE and z < MAX_COORDINATE:
            kept[count] = i
            count += 1
    return kept[:count]


@njit(nogil=True, cache=True)
def _one_per_voxel(points: np.ndarray, edge: float) -> np.ndarray:
    """Indices of points, the last one of each voxel.

    Uses a lossy direct-mapped hash: of two voxels in one slot one is lost, 1 in 50.
    """
    slots, slot = np.empty(_SLOTS, np.int32), np.empty(len(points), np.int32)  # only what was written is read
    cells = cell_ids(points, edge)
    for i in range(len(points)):
        slot[i] = (cells[i] * _MIX >> 40) & (_SLOTS - 1)
        slots[slot[i]] = i
    kept, count = np.empty(len(points), np.int32), 0
    for i in range(len(points)):
        if slots[slot[i]] == i:
            kept[count] = i
            count += 1
    return kept[:count]


def level_plane(points: np.ndarray, refine: bool, voxels: float = 1.0) -> Plane | None:
    """The best floor candidate.

    points: (M, 3) float64, thinned, z up.
    refine: whether least squares may turn the plane by some degrees (z axis estimated) or not (z axis given).
    voxels: thinned points that each point stands for, where only some of them are given.
    """
    if len(points) == 0:
        return None
    z = np.sort(points[:, 2])
    candidates = z[:: max(1, len(z) // 2000)]
    on = np.searchsorted(z, candidates + _NEAR) - np.searchsorted(z, candidates - _NEAR)
    score = on - _BELOW_WEIGHT * np.searchsorted(z, candidates - _CLEAR)
    normal, offset = np.array([0.0, 0.0, 1.0]), float(candidates[score.argmax()])
    if refine:
        plane = _measure(points, *_least_squares(points, normal, offset), voxels)
        if plane.area >= _REFINED_AREA:
            return plane
    return _measure(points, normal, float(np.median(z[np.abs(z - offset) < _NEAR])), voxels)


@njit(nogil=True, cache=True)
def cell_ids(points: np.ndarray, edge: float) -> np.ndarray:
    """Id of each point's cubic cell of that edge in metres, of the points' type: (N,) int64."""
    low, ids = points[:1].copy(), np.empty(len(points), np.int64)
    for i in range(len(points)):
        for axis in range(3):
            low[0, axis] = min(low[0, axis], points[i, axis])
    for i in range(len(points)):
        x, y, z = points[i, 0] - low[0, 0], points[i, 1] - low[0, 1], points[i, 2] - low[0, 2]
        ids[i] = (np.int64(x / edge) << 40) | (np.int64(y / edge) << 20) | np.int64(z / edge)  # each < 2**20
    return ids


def _least_squares(points: np.ndarray, normal: np.ndarray, offset: float) -> tuple[np.ndarray, float]:
    """Fit the plane to the points near it, in rounds with decreasing distance."""
    for near in (3 * _NEAR, 2 * _NEAR, _NEAR, _NEAR):
        count, centre, covariance = _moments(points, normal, offset, near)
        if count < 3:
            break
        spread, axes = np.linalg.eigh(covariance)  # ascending
        axis = axes[:, 0] * (1.0 if axes[2, 0] > 0 else -1.0)
        if axis[2] < np.cos(np.radians(_REFINED_TILT)) or spread[1] < _REFINED_WIDTH**2:
            break
        normal, offset = axis, float(axis @ centre)
    return normal, offset


@njit(nogil=True, cache=True)
def _moments(points: np.ndarray, normal: np.ndarray, offset: float, near: float) -> tuple[int, np.ndarray, np.ndarray]:
    """Number, mean (3,) and covariance (3, 3) of the points within `near` metres of a plane."""
    count, centre, squares = 0, np.zeros(3), np.zeros((3, 3))
    d = np.empty(3)
    for i in range(len(points)):
        height = points[i, 0] * normal[0] + points[i, 1] * normal[1] + points[i, 2] * normal[2] - offset
        if abs(height) >= near:
            continue
        count += 1
        for a in range(3):
            d[a] = points[i, a] - offset * normal[a]  # from the plane's foot: sums of large squares lose digits
            centre[a] += d[a]
            for b in range(a + 1):
                squares[a, b] += d[a] * d[b]
    centre /= max(count, 1)
    for a in range(3):
        for b in range(a + 1):
            squares[a, b] = squares[b, a] = squares[a, b] / max(count, 1) - centre[a] * centre[b]
    return count, centre + offset * normal, squares


def _measure(points: np.ndarray, normal: np.ndarray, offset: float, voxels: float) -> Plane:
    on, above, below = _counts(points, normal, offset)
    return Plane(normal, float(offset), on * voxels * VOXEL**2, below / max(on, 1), is_layer=on > 2 * above)


@njit(nogil=True, cache=True)
def _counts(points: np.ndarray, normal: np.ndarray, offset: float) -> tuple[int, int, int]:
    """Points on a plane, in a slab of the same thickness above it, with a gap, and clearly below it."""
    on = above = below = 0
    for i in range(len(points)):
        height = points[i, 0] * normal[0] + points[i, 1] * normal[1] + points[i, 2] * normal[2] - offset
        on += abs(height) < _NEAR
        above += abs(height - 3 * _NEAR) < _NEAR
        below += height < -_CLEAR
    return on, above, below
