"""Candidates for the up direction of a room: directions parallel or perpendicular to most surfaces.

After S. Gupta, P. Arbelaez, J. Malik, "Perceptual organization and recognition of indoor scenes from RGB-D
images", CVPR 2013, section 4: floors, table tops, shelves and ceilings are perpendicular to gravity, walls and
fronts parallel to it, so that all of them tell, and no floor need be in view. Normals come from small flat
patches of the cloud, weighted by the area seen. A room of right angles has three such axes: `evidence` chooses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from jspnet_core.pipeline.gravity.floor_plane import cell_ids
from jspnet_core.pipeline.gravity.viewpoint import AXES

LEVEL = np.radians(8.0)
"""A surface within this of level, or of upright, is aligned."""

_PATCH = 0.24  # metres: edge of the cubic cells that the patches are cut into
_FEWEST_IN_PATCH = 6
FEWEST_PATCHES = 8
_CLEAR_LEAD = 0.08  # by which the best direction must explain the surfaces better than any at right angles to it
_LIMITS = (45.0,) * 4 + (15.0,) * 4 + (8.0,) * 3  # degrees: a surface within counts as level, or as upright
_STARTS = 16  # directions of the sphere that are refined, beside the six axes
_SAME = np.cos(np.radians(4.0))  # candidates nearer to each other than this are one


class Patches(NamedTuple):
    """Flat patches of surface. normals: (P, 3) float64, unit, sign arbitrary; weights: (P,), sum 1."""

    normals: np.ndarray
    weights: np.ndarray


class Candidates(NamedTuple):
    """Candidates for the up direction.

    direction: (C, 3) float64, unit. aligned: (C,), share of surface within 8 degrees of level or upright, 0 to 1.
    complete: (C,) bool, False where all surfaces face one way, a bare wall: what it does not tell is as assumed.
    """

    direction: np.ndarray
    aligned: np.ndarray
    complete: np.ndarray


def surface_patches(points: np.ndarray) -> Patches:
    """Flat patches of a thinned cloud. points: (M, 3) float64, metres, M > 0."""
    count, covariance = _covariances(points, *_numbered(cell_ids(points, _PATCH)))
    enough = count >= _FEWEST_IN_PATCH
    spread, axes = np.linalg.eigh(covariance[enough])  # ascending
    flat = spread[:, 0] < 0.1 * spread[:, 1]
    weights = np.sqrt(count[enough][flat])  # the root: one large wall must not drown everything else
    return Patches(axes[flat, :, 0], weights / max(weights.sum(), 1e-12))


def find_candidates(patches: Patches) -> Candidates:
    """Find the directions with the most support from surfaces, and their opposites. Needs `FEWEST_PATCHES` patches."""
    cosine = np.abs(np.einsum("pi,si->sp", patches.normals, _SPHERE))
    near = np.radians(15.0)
    aligned = np.einsum("sp,p->s", (cosine > np.cos(near)) | (cosine < np.sin(near)), patches.weights)
    best = _SPHERE[np.argsort(-aligned, kind="stable")[:_STARTS]]
    found = refine(patches, np.concatenate([AXES[:3], best]))
    direction = np.concatenate([found.direction, -found.direction])
    usable = np.tile(found.complete | (np.arange(len(found.complete)) < 3), 2)  # of a bare wall, by the axes alone
    kept: list[int] = []
    for i in np.flatnonzero(usable):
        if not kept or (direction[kept] @ direction[i]).max() < _SAME:
            kept.append(int(i))
    return Candidates(direction[kept], np.tile(found.aligned, 2)[kept], np.tile(found.complete, 2)[kept])


def refine(patches: Patches, assumed: np.ndarray) -> Candidates:
    """Refine each assumed direction (S, 3) to the nearby one with the most support from surfaces.

    Each round keeps the surfaces near level and near upright to the last estimate, and minimizes their summed
    squared deviation: the eigenvector of the smallest eigenvalue of sum_upright w n n' - sum_level w n n'.
    """
    normals, weights = patches
    up = assumed.copy()
    products = np.einsum("pi,pj->pij", normals, normals).reshape(-1, 9)
    for limit in np.radians(_LIMITS):
        cosine = np.abs(np.einsum("pi,si->sp", normals, up))  # not by the BLAS: its threads go on spinning
        signed = weights * ((cosine < np.sin(limit)).astype(float) - (cosine > np.cos(limit)))
        values, vectors = np.linalg.eigh(np.einsum("sp,pk->sk", signed, products).reshape(-1, 3, 3))  # ascending
        complete = values[:, 1] - values[:, 0] > _CLEAR_LEAD
        facing = vectors[:, :, 2]  # of a bare wall
        across = assumed - np.einsum("si,si->s", assumed, facing)[:, None] * facing
        up = np.where(complete[:, None], vectors[:, :, 0], across)
        length = np.linalg.norm(up, axis=1, keepdims=True)
        up = np.where(length > 1e-6, up / np.maximum(length, 1e-6), assumed)
        up *= np.where(np.einsum("si,si->s", up, assumed) > 0, 1.0, -1.0)[:, None]
    return Candidates(up, np.abs(signed).sum(axis=1), complete)


def _fibonacci_sphere(count: int) -> np.ndarray:
    i = np.arange(count) + 0.5
    polar, around = np.arccos(1.0 - i / count), np.pi * (1.0 + 5.0**0.5) * i  # the upper half
    return np.stack([np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)], axis=1)


_SPHERE = _fibonacci_sphere(80)


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
