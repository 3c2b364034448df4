"""Points spread evenly over the surfaces of primitives."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.primitives.solids import BOX, CYLINDER, ELLIPSOID, Primitives


def sample_surfaces(
    solids: Primitives, density: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """About `density` points per square metre on all surfaces, hidden ones too.

    Returns points and outward normals, (N, 3) float64, metres, world frame, and the primitive of each, (N,) int32.
    """
    areas = _areas(solids)
    index = np.repeat(np.arange(len(solids), dtype=np.int32), rng.poisson(areas.sum(1) * density))
    half, kind = solids.half[index], solids.kind[index]
    local, normal = np.zeros((len(index), 3)), np.zeros((len(index), 3))
    for shape, place in ((BOX, _on_boxes), (CYLINDER, _on_cylinders), (ELLIPSOID, _on_ellipsoids)):
        rows = np.nonzero(kind == shape)[0]
        local[rows], normal[rows] = place(half[rows], areas[index[rows]], rng)
    rotation = solids.rotation[index]
    points = np.einsum("nij,nj->ni", rotation, local) + solids.center[index]
    return points, np.einsum("nij,nj->ni", rotation, normal), index


def _areas(solids: Primitives) -> np.ndarray:
    """(P, 3) square metres: the pairs of faces across x, y, z; a cylinder's caps stand under z, its side under x."""
    x, y, z = solids.half.T
    pairs = 8.0 * np.stack([y * z, x * z, x * y], axis=1)
    none = np.zeros_like(x)
    tube = np.stack([4.0 * np.pi * x * z, none, 2.0 * np.pi * x**2], axis=1)
    p = 1.6075  # Knud Thomsen's approximation of an ellipsoid's surface
    whole = 4.0 * np.pi * (((x * y) ** p + (x * z) ** p + (y * z) ** p) / 3.0) ** (1.0 / p)
    blob = np.stack([whole, none, none], axis=1)
    kind = solids.kind[:, None]
    return np.select([kind == CYLINDER, kind == ELLIPSOID], [tube, blob], pairs)


def _on_boxes(half: np.ndarray, areas: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals, (n, 3) each, on boxes with the given half extents and face areas, (n, 3) each."""
    rows = np.arange(len(half))
    share = np.cumsum(areas, axis=1) / areas.sum(1, keepdims=True)
    axis = (rng.random((len(half), 1)) > share[:, :2]).sum(1)
    local, normal = rng.uniform(-1.0, 1.0, half.shape) * half, np.zeros_like(half)
    normal[rows, axis] = rng.choice((-1.0, 1.0), len(half))
    local[rows, axis] = normal[rows, axis] * half[rows, axis]
    return local, normal


def _on_cylinders(half: np.ndarray, areas: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sample points as `_on_boxes` does, on the sides and caps of cylinders along z."""
    angle = rng.uniform(0.0, 2.0 * np.pi, len(half))
    side = rng.random(len(half)) < areas[:, 0] / areas.sum(1)
    reach = np.where(side, 1.0, np.sqrt(rng.random(len(half))))
    end = rng.choice((-1.0, 1.0), len(half))
    x, y, flat = np.cos(angle), np.sin(angle), np.zeros(len(half))
    z = np.where(side, rng.uniform(-1.0, 1.0, len(half)), end)
    local = np.stack([x * reach, y * reach, z], axis=1) * half
    normal = np.where(side[:, None], np.stack([x, y, flat], axis=1), np.stack([flat, flat, end], axis=1))
    return local, normal


def _on_ellipsoids(half: np.ndarray, areas: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sample points as `_on_boxes` does, on ellipsoids; a little denser at their flat ends."""
    direction = rng.standard_normal(half.shape)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    gradient = direction / half
    return direction * half, gradient / np.linalg.norm(gradient, axis=1, keepdims=True)
