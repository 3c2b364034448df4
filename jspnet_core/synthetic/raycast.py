"""Compiled ray casting against `Primitives`: first hits of a camera's pixels, and lines of sight."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

BOX, CYLINDER = 0, 1
TILE = 16
"""Pixels on the edge of a tile; primitives are sorted out tile by tile before pixels are cast."""


@njit(cache=True, fastmath=True, inline="always")
def _slab(o: float, d: float, h: float) -> tuple[float, float]:
    """Where a ray enters and leaves |coordinate| <= h."""
    inverse = 1.0 / d if abs(d) > 1e-12 else 1e12
    a, b = (-h - o) * inverse, (h - o) * inverse
    return min(a, b), max(a, b)


@njit(cache=True, fastmath=True)
def _enter(kind: int, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, h: np.ndarray) -> float:
    """Ray parameter at which a ray in the primitive's frame enters it, negative if it starts inside; 1e30 for none."""
    if kind == BOX:
        x0, x1 = _slab(ox, dx, h[0])
        y0, y1 = _slab(oy, dy, h[1])
        z0, z1 = _slab(oz, dz, h[2])
        near, far = max(x0, max(y0, z0)), min(x1, min(y1, z1))
        return near if near <= far and far > 0.0 else 1e30
    flat = 0.0 if kind == CYLINDER else 1.0
    ux, uy, uz = ox / h[0], oy / h[1], flat * oz / h[2]
    vx, vy, vz = dx / h[0], dy / h[1], flat * dz / h[2]
    a, b = vx * vx + vy * vy + vz * vz, ux * vx + uy * vy + uz * vz
    c = ux * ux + uy * uy + uz * uz - 1.0
    root = b * b - a * c
    if root < 0.0:
        return 1e30
    near, far = -1e30, 1e30
    if a > 1e-12:
        root = np.sqrt(root)
        near, far = (-b - root) / a, (-b + root) / a
    elif c > 0.0:  # along the axis, beside the cylinder
        return 1e30
    if kind == CYLINDER:
        z0, z1 = _slab(oz, dz, h[2])
        near, far = max(near, z0), min(far, z1)
    return near if near <= far and far > 0.0 else 1e30


@njit(cache=True, fastmath=True, inline="always")
def _local(r: np.ndarray, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Turn a world vector into the frame of a primitive with rotation `r`, world from local."""
    return (
        r[0, 0] * x + r[1, 0] * y + r[2, 0] * z,
        r[0, 1] * x + r[1, 1] * y + r[2, 1] * z,
        r[0, 2] * x + r[1, 2] * y + r[2, 2] * z,
    )


@njit(cache=True, fastmath=True)
def _distances(origin: np.ndarray, center: np.ndarray, rotation: np.ndarray, half: np.ndarray) -> np.ndarray:
    """(P,) distances from the origin to the oriented boxes around the primitives: no hit can be nearer."""
    distance = np.empty(len(center))
    for p in range(len(center)):
        x, y, z = _local(rotation[p], origin[0] - center[p, 0], origin[1] - center[p, 1], origin[2] - center[p, 2])
        x, y, z = max(abs(x) - half[p, 0], 0.0), max(abs(y) - half[p, 1], 0.0), max(abs(z) - half[p, 2], 0.0)
        distance[p] = np.sqrt(x * x + y * y + z * z)
    return distance


@njit(cache=True, fastmath=True)
def _visible_in_cone(
    axis: np.ndarray, half_angle: float, origin: np.ndarray, order: np.ndarray, center: np.ndarray, radius: np.ndarray,
    chosen: np.ndarray,
) -> int:  # fmt: skip
    """Primitives, in the given order, whose bounding sphere touches a cone; fills `chosen`, returns how many."""
    count = 0
    for p in order:
        x, y, z = center[p, 0] - origin[0], center[p, 1] - origin[1], center[p, 2] - origin[2]
        distance = np.sqrt(x * x + y * y + z * z)
        if distance > radius[p]:
            cosine = (x * axis[0] + y * axis[1] + z * axis[2]) / distance
            reach = half_angle + np.arcsin(radius[p] / distance)
            if reach < np.pi and cosine < np.cos(reach):
                continue
        chosen[count] = p
        count += 1
    return count


@njit(cache=True, fastmath=True, parallel=True)
def cast_pixels(
    origin: np.ndarray, directions: np.ndarray, kind: np.ndarray, center: np.ndarray, rotation: np.ndarray,
    half: np.ndarray, radius: np.ndarray, travel: np.ndarray, hit: np.ndarray,
) -> None:  # fmt: skip
    """First primitive along the ray of every pixel.

    origin: (3,) float64, metres, world. directions: (H, W, 3) float64, unit length, world.
    travel: (H, W) float64, written: distance in metres, 1e30 for none. hit: (H, W) int32, written: index or -1.
    """
    height, width = hit.shape
    distance = _distances(origin, center, rotation, half)
    order = np.argsort(distance)
    tiles_x, tiles_y = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    for tile in prange(tiles_x * tiles_y):
        top, left = (tile // tiles_x) * TILE, (tile % tiles_x) * TILE
        bottom, right = min(top + TILE, height) - 1, min(left + TILE, width) - 1
        axis = directions[(top + bottom) // 2, (left + right) // 2]
        widest = 1.0
        for corner in range(4):
            d = directions[top if corner & 1 else bottom, left if corner & 2 else right]
            widest = min(widest, d[0] * axis[0] + d[1] * axis[1] + d[2] * axis[2])
        chosen = np.empty(len(kind), np.int64)
        count = _visible_in_cone(axis, np.arccos(widest) + 1e-3, origin, order, center, radius, chosen)
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                d = directions[row, column]
                best, index = 1e30, -1
                for k in range(count):
                    p = chosen[k]
                    if distance[p] >= best:
                        break
                    ox, oy, oz = _local(
                        rotation[p], origin[0] - center[p, 0], origin[1] - center[p, 1], origin[2] - center[p, 2]
                    )
                    dx, dy, dz = _local(rotation[p], d[0], d[1], d[2])
                    t = _enter(kind[p], ox, oy, oz, dx, dy, dz, half[p])
                    if 0.0 < t < best:  # a camera inside a solid looks through it
                        best, index = t, p
                travel[row, column] = best
                hit[row, column] = index


@njit(cache=True, fastmath=True)
def is_blocked(
    a: np.ndarray, b: np.ndarray, kind: np.ndarray, center: np.ndarray, rotation: np.ndarray, half: np.ndarray,
    radius: np.ndarray,
) -> bool:  # fmt: skip
    """Whether a primitive stands between the points `a` and `b`, (3,) float64 each, metres, world."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length2 = dx * dx + dy * dy + dz * dz
    for p in range(len(kind)):
        x, y, z = center[p, 0] - a[0], center[p, 1] - a[1], center[p, 2] - a[2]
        t = min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0)
        gx, gy, gz = x - t * dx, y - t * dy, z - t * dz
        if gx * gx + gy * gy + gz * gz > radius[p] * radius[p]:
            continue
        ox, oy, oz = _local(rotation[p], -x, -y, -z)
        ux, uy, uz = _local(rotation[p], dx, dy, dz)
        if _enter(kind[p], ox, oy, oz, ux, uy, uz, half[p]) < 0.999:
            return True
    return False


@njit(cache=True, fastmath=True, parallel=True)
def seen_from(
    points: np.ndarray, normals: np.ndarray, eyes: np.ndarray, kind: np.ndarray, center: np.ndarray,
    rotation: np.ndarray, half: np.ndarray, radius: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Which surface points at least one of the eyes sees.

    points, normals: (N, 3) float64; eyes: (E, 3) float64; metres, world. Returns (N,) bool.
    """
    seen = np.zeros(len(points), np.bool_)
    for n in prange(len(points)):
        start = points[n] + 0.002 * normals[n]  # off the surface, so that it does not block itself
        for e in range(len(eyes)):
            toward = eyes[e] - start
            slope = toward[0] * normals[n, 0] + toward[1] * normals[n, 1] + toward[2] * normals[n, 2]
            if slope * slope < 0.003 * (toward * toward).sum() or slope < 0.0:
                continue
            if not is_blocked(start, eyes[e], kind, center, rotation, half, radius):
                seen[n] = True
                break
    return seen
