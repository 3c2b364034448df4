"""Compiled ray casting against `Primitives`: first hits of a camera's pixels, and lines of sight."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

BOX, CYLINDER = 0, 1
NOTHING = 1e30
"""Depth of a ray that hits nothing; finite, because the kernel is compiled without infinities (fastmath)."""
TILE = 16
"""Pixels on the edge of a tile; primitives are sorted out tile by tile before pixels are cast."""


@njit(cache=True, fastmath=True, inline="always")
def _slab(o: float, d: float, h: float) -> tuple[float, float]:
    """Distances at which a ray enters and leaves |coordinate| <= h."""
    inverse = 1.0 / d if abs(d) > 1e-12 else 1e12
    a, b = (-h - o) * inverse, (h - o) * inverse
    return min(a, b), max(a, b)


@njit(cache=True, fastmath=True)
def _enter(
    p: int, kind: np.ndarray, half: np.ndarray, ox: float, oy: float, oz: float, dx: float, dy: float, dz: float
) -> float:
    """Ray parameter at which a ray in the frame of primitive `p` enters it; negative: starts inside, NOTHING: never."""
    hx, hy, hz = half[p, 0], half[p, 1], half[p, 2]
    if kind[p] == BOX:
        x0, x1 = _slab(ox, dx, hx)
        y0, y1 = _slab(oy, dy, hy)
        z0, z1 = _slab(oz, dz, hz)
        near, far = max(x0, max(y0, z0)), min(x1, min(y1, z1))
        return near if near <= far and far > 0.0 else NOTHING
    flat = 0.0 if kind[p] == CYLINDER else 1.0
    ux, uy, uz = ox / hx, oy / hy, flat * oz / hz
    vx, vy, vz = dx / hx, dy / hy, flat * dz / hz
    a, b = vx * vx + vy * vy + vz * vz, ux * vx + uy * vy + uz * vz
    c = ux * ux + uy * uy + uz * uz - 1.0
    root = b * b - a * c
    if root < 0.0:
        return NOTHING
    near, far = -NOTHING, NOTHING
    if a > 1e-12:
        root = np.sqrt(root)
        near, far = (-b - root) / a, (-b + root) / a
    elif c > 0.0:  # along the axis, beside the cylinder
        return NOTHING
    if kind[p] == CYLINDER:
        z0, z1 = _slab(oz, dz, hz)
        near, far = max(near, z0), min(far, z1)
    return near if near <= far and far > 0.0 else NOTHING


@njit(cache=True, fastmath=True, inline="always")
def to_local(p: int, r: np.ndarray, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Turn a world vector into the frame of primitive `p`; r: (P, 3, 3), rotations of all, world from local."""
    return (
        r[p, 0, 0] * x + r[p, 1, 0] * y + r[p, 2, 0] * z,
        r[p, 0, 1] * x + r[p, 1, 1] * y + r[p, 2, 1] * z,
        r[p, 0, 2] * x + r[p, 1, 2] * y + r[p, 2, 2] * z,
    )


@njit(cache=True, fastmath=True)
def _into_frames(
    origin: np.ndarray, turn: np.ndarray, center: np.ndarray, rotation: np.ndarray, half: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The camera in the frame of every primitive.

    Returns its place (P, 3), the rotation (P, 3, 3) camera from local, and its distance to the primitives' boxes
    (P,): no hit can be nearer.
    """
    start, turns, distance = np.empty(center.shape), np.empty(rotation.shape), np.empty(len(center))
    for p in range(len(center)):
        x, y, z = to_local(p, rotation, origin[0] - center[p, 0], origin[1] - center[p, 1], origin[2] - center[p, 2])
        start[p, 0], start[p, 1], start[p, 2] = x, y, z
        for axis in range(3):
            turns[p, axis] = to_local(p, rotation, turn[0, axis], turn[1, axis], turn[2, axis])
        x, y, z = max(abs(x) - half[p, 0], 0.0), max(abs(y) - half[p, 1], 0.0), max(abs(z) - half[p, 2], 0.0)
        distance[p] = np.sqrt(x * x + y * y + z * z)
    return start, turns, distance


@njit(cache=True, fastmath=True)
def _visible_in_cone(
    axis: np.ndarray,
    half_angle: float,
    origin: np.ndarray,
    order: np.ndarray,
    center: np.ndarray,
    radius: np.ndarray,
    chosen: np.ndarray,
) -> int:
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


@njit(cache=True, fastmath=True)
def _cone(rays: np.ndarray, turn: np.ndarray, top: int, bottom: int, left: int, right: int) -> tuple[np.ndarray, float]:
    """Axis, (3,) in the world, and half angle of the cone around the rays of a tile of pixels."""
    axis = rays[(top + bottom) // 2, (left + right) // 2]
    widest = 1.0
    for corner in range(4):
        ray = rays[top if corner & 1 else bottom, left if corner & 2 else right]
        widest = min(widest, (ray * axis).sum() / np.sqrt((ray * ray).sum() * (axis * axis).sum()))
    return turn @ (axis / np.sqrt((axis * axis).sum())), np.arccos(widest) + 1e-3


@njit(cache=True, fastmath=True, parallel=True)
def cast_pixels(
    origin: np.ndarray,
    turn: np.ndarray,
    rays: np.ndarray,
    kind: np.ndarray,
    center: np.ndarray,
    rotation: np.ndarray,
    half: np.ndarray,
    radius: np.ndarray,
    depth: np.ndarray,
    hit: np.ndarray,
) -> None:
    """First primitive along the ray of every pixel.

    origin: (3,) float64, metres, world. turn: (3, 3) float64, world from camera, contiguous.
    rays: (H, W, 3) float64, z = 1, optical frame.
    depth: (H, W) float64, written: metres along z, `NOTHING` for none. hit: (H, W) int32, written: index or -1.
    """
    height, width = hit.shape
    start, turns, distance = _into_frames(origin, turn, center, rotation, half)
    order = np.argsort(distance)
    tiles_x, tiles_y = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    for tile in prange(tiles_x * tiles_y):
        top, left = (tile // tiles_x) * TILE, (tile % tiles_x) * TILE
        bottom, right = min(top + TILE, height), min(left + TILE, width)
        axis, half_angle = _cone(rays, turn, top, bottom - 1, left, right - 1)
        chosen = np.empty(len(kind), np.int64)
        count = _visible_in_cone(axis, half_angle, origin, order, center, radius, chosen)
        last = -1  # what the pixel before saw is the best guess, and spares most other tests
        for row in range(top, bottom):
            for column in range(left, right):
                x, y, z = rays[row, column, 0], rays[row, column, 1], rays[row, column, 2]
                length = np.sqrt(x * x + y * y + z * z)
                best, index = NOTHING, -1
                for k in range(-1, count):
                    p = chosen[k] if k >= 0 else last
                    if p < 0 or (k >= 0 and p == last):
                        continue
                    if k >= 0 and distance[p] >= best * length:
                        break
                    dx, dy, dz = to_local(p, turns, x, y, z)
                    t = _enter(p, kind, half, start[p, 0], start[p, 1], start[p, 2], dx, dy, dz)
                    if 0.0 < t < best:  # a camera inside a solid looks through it
                        best, index = t, p
                depth[row, column] = best
                hit[row, column] = index
                last = index


@njit(cache=True, fastmath=True, parallel=True)
def hit_points(origin: np.ndarray, turn: np.ndarray, rays: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """End points of the rays of `cast_pixels`, (H, W, 3) float64, metres, world; the camera itself for no hit."""
    points = np.empty(rays.shape)
    for row in prange(depth.shape[0]):
        for column in range(depth.shape[1]):
            z = depth[row, column] if depth[row, column] < NOTHING else 0.0
            for axis in range(3):
                points[row, column, axis] = origin[axis] + z * (
                    turn[axis, 0] * rays[row, column, 0]
                    + turn[axis, 1] * rays[row, column, 1]
                    + turn[axis, 2] * rays[row, column, 2]
                )
    return points


@njit(cache=True, fastmath=True)
def is_blocked(
    a: np.ndarray,
    b: np.ndarray,
    kind: np.ndarray,
    center: np.ndarray,
    rotation: np.ndarray,
    half: np.ndarray,
    radius: np.ndarray,
) -> bool:
    """Return whether a primitive is between the points `a` and `b`, (3,) float64 each, metres, world."""
    dx, dy, dz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    length2 = dx * dx + dy * dy + dz * dz
    for p in range(len(kind)):
        x, y, z = center[p, 0] - a[0], center[p, 1] - a[1], center[p, 2] - a[2]
        t = min(max((x * dx + y * dy + z * dz) / length2, 0.0), 1.0)
        gx, gy, gz = x - t * dx, y - t * dy, z - t * dz
        if gx * gx + gy * gy + gz * gz > radius[p] * radius[p]:
            continue
        ox, oy, oz = to_local(p, rotation, -x, -y, -z)
        ux, uy, uz = to_local(p, rotation, dx, dy, dz)
        if _enter(p, kind, half, ox, oy, oz, ux, uy, uz) < 0.999:
            return True
    return False


@njit(cache=True, fastmath=True, parallel=True)
def seen_from(
    points: np.ndarray,
    normals: np.ndarray,
    eyes: np.ndarray,
    kind: np.ndarray,
    center: np.ndarray,
    rotation: np.ndarray,
    half: np.ndarray,
    radius: np.ndarray,
) -> np.ndarray:
    """Select the surface points that at least one of the eyes sees.

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
