"""Which way is up in a room: the direction that most surfaces are level with or upright to.

After S. Gupta, P. Arbelaez, J. Malik, "Perceptual organization and recognition of indoor scenes from RGB-D
images", CVPR 2013, section 4: floors, table tops, shelves and ceilings are perpendicular to gravity, walls and
fronts parallel to it, so that all of them tell, and no floor need be in view. Normals come from small flat
patches of the cloud, weighted by the area seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.pipeline.gravity.floor_plane import cell_ids

_PATCH = 0.24  # metres: edge of the cubic cells that the patches are cut into
_FEWEST_IN_PATCH = 6
_FEWEST_PATCHES = 8
_CLEAR_LEAD = 0.08  # by which the best direction must explain the surfaces better than any at right angles to it
_LIMITS = (45.0,) * 5 + (15.0,) * 5 + (8.0,) * 3  # degrees: a surface within counts as level, or as upright


@dataclass(frozen=True)
class Up:
    """Estimate of the up direction.

    direction: (3,) float64, unit.
    aligned: share of the surface area within 8 degrees of level or of upright, 0 to 1.
    complete: False where all surfaces face one way, a bare wall: what it does not tell is as assumed.
    """

    direction: np.ndarray
    aligned: float
    complete: bool

    @property
    def is_sure(self) -> bool:
        return self.aligned >= 0.5


def surface_patches(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flat patches of a thinned cloud. points: (M, 3) float64, metres.

    Returns unit normals (P, 3), sign arbitrary, and weights (P,): points in the patch, so seen area.
    """
    count, covariance = _covariances(points, *_numbered(cell_ids(points, _PATCH)))
    enough = count >= _FEWEST_IN_PATCH
    spread, axes = np.linalg.eigh(covariance[enough])  # ascending
    flat = spread[:, 0] < 0.1 * spread[:, 1]
    return axes[flat, :, 0], count[enough][flat].astype(np.float64)


def find_up(normals: np.ndarray, weights: np.ndarray, assumed: np.ndarray) -> Up | None:
    """The up direction within about 45 degrees of `assumed`.

    normals: (P, 3), weights: (P,), of `surface_patches`. None where there are fewer than 8 patches.
    Each round keeps the surfaces near level and near upright to the last estimate, and minimises their summed
    squared deviation: the eigenvector of the smallest eigenvalue of sum_upright w n n' - sum_level w n n'.
    """
    if len(normals) < _FEWEST_PATCHES:
        return None
    weights = np.sqrt(weights / weights.sum())  # the root: one large wall must not drown everything else
    weights /= weights.sum()
    up, signed = assumed, np.empty(0)
    for limit in np.radians(_LIMITS):
        cosine, before = np.abs(np.einsum("pi,i", normals, up)), signed  # not by the BLAS: see `rotate_points`
        signed = weights * ((cosine < np.sin(limit)).astype(float) - (cosine > np.cos(limit)))
        if np.array_equal(signed, before):
            continue  # the same surfaces, and so the same direction
        values, vectors = np.linalg.eigh((normals.T * signed) @ normals)  # ascending
        complete = bool(values[1] - values[0] > _CLEAR_LEAD)
        facing = vectors[:, 2]  # of a bare wall
        up = vectors[:, 0] if complete else assumed - (assumed @ facing) * facing
        up = up / np.linalg.norm(up) * (1.0 if up @ assumed > 0 else -1.0)
    return Up(up, float(np.abs(signed).sum()), complete)


@njit(nogil=True, cache=True)
def _numbered(cells: np.ndarray) -> tuple[np.ndarray, int]:
    """Cells (M,) int64, M > 0, as numbers from 0 on, in the order in which they come; and how many there are."""
    numbers, number = np.empty(len(cells), np.int32), {cells[0]: 0}
    for i in range(len(cells)):
        if cells[i] not in number:
            number[cells[i]] = len(number)
        numbers[i] = number[cells[i]]
    return numbers, len(number)


@njit(nogil=True, cache=True)
def _covariances(points: np.ndarray, patch: np.ndarray, patches: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of each patch, (P,) int64, and their covariance, (P, 3, 3)."""
    count, mean, covariance = np.zeros(patches, np.int64), np.zeros((patches, 3)), np.zeros((patches, 3, 3))
    for i in range(len(points)):
        count[patch[i]] += 1
        mean[patch[i]] += points[i]
    for p in range(patches):
        mean[p] /= count[p]
    for i in range(len(points)):
        p = patch[i]
        for a in range(3):
            for b in range(a + 1):
                covariance[p, a, b] += (points[i, a] - mean[p, a]) * (points[i, b] - mean[p, b]) / count[p]
                covariance[p, b, a] = covariance[p, a, b]
    return count, covariance
