"""First surface behind every pixel of a pinhole camera: a z-buffer rasteriser, exact at the pixels' centres.

Triangles are drawn whole rather than rays cast one by one: a room of 100,000 triangles costs a few milliseconds a
view, and there is no tree to build. Opaque triangles and panes of glass have a buffer each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.render.triangles import Triangles

NOTHING = -1
"""Triangle of a pixel that sees none."""

NEAR = 0.04
"""Metres: surfaces nearer than this are not drawn."""

SLACK = 1e-3
"""Pixels by which a triangle is widened, so that neighbours leave no gap."""


@dataclass(frozen=True)
class View:
    """A pinhole view. Lengths in pixels; T_world_camera: (4, 4) float64, optical frame."""

    T_world_camera: np.ndarray
    width: int
    height: int
    focal_x: float
    focal_y: float
    center_x: float
    center_y: float


@dataclass(frozen=True)
class Drawn:
    """Triangles by pixel. opaque, glass: (H, W) int32, nearest triangle of each kind, or NOTHING; glass only in front.

    depth, glass_depth: (H, W) float32, metres along the optical axis; infinite where there is nothing.
    """

    opaque: np.ndarray
    depth: np.ndarray
    glass: np.ndarray
    glass_depth: np.ndarray


def draw(triangles: Triangles, view: View, least: float = 0.0) -> Drawn:
    """Nearest triangles behind all pixels, of meshes whose bounding sphere has a radius of `least` metres or more."""
    shape = view.height, view.width
    inverse = np.zeros((2, *shape), np.float32)
    found = np.full((2, *shape), NOTHING, np.int32)
    camera = np.linalg.inv(view.T_world_camera)[:3].astype(np.float32)
    lens = np.array([view.focal_x, view.focal_y, view.center_x, view.center_y], np.float32)
    t = triangles
    arrays = t.vertices, t.faces, t.glass, t.vertex_start, t.face_start, t.center, t.radius
    _draw(*arrays, least, camera, lens, inverse, found)
    found[1][inverse[1] <= inverse[0]] = NOTHING
    with np.errstate(divide="ignore"):
        depth = np.where(found == NOTHING, np.float32(np.inf), 1.0 / inverse)
    return Drawn(found[0], depth[0], found[1], depth[1])


@njit(cache=True, nogil=True)
def _draw(
    vertices: np.ndarray,
    faces: np.ndarray,
    glass: np.ndarray,
    vertex_start: np.ndarray,
    face_start: np.ndarray,
    center: np.ndarray,
    radius: np.ndarray,
    least: float,
    camera: np.ndarray,
    lens: np.ndarray,
    inverse: np.ndarray,
    found: np.ndarray,
) -> None:
    """Fill inverse (2, H, W) float32, 1 / depth, and found (2, H, W) int32, for opaque triangles and glass."""
    height, width = inverse.shape[1:]
    most = 0
    for p in range(len(center)):
        most = max(most, vertex_start[p + 1] - vertex_start[p])
    seen = np.empty((most, 3), np.float32)
    corner = np.empty((4, 3))
    for p in range(len(center)):
        if radius[p] < least or not _in_sight(center[p], radius[p], camera, lens, width, height):
            continue
        first = vertex_start[p]
        _project(vertices, first, vertex_start[p + 1], camera, lens, seen)
        for f in range(face_start[p], face_start[p + 1]):
            a, b, c = faces[f, 0] - first, faces[f, 1] - first, faces[f, 2] - first
            az, bz, cz = seen[a, 2], seen[b, 2], seen[c, 2]
            layer = 1 if glass[f] else 0
            if az > NEAR and bz > NEAR and cz > NEAR:
                ax, ay, bx, by, cx, cy = seen[a, 0], seen[a, 1], seen[b, 0], seen[b, 1], seen[c, 0], seen[c, 1]
                if _holds_pixels(ax, bx, cx, width) and _holds_pixels(ay, by, cy, height):
                    _fill(ax, ay, az, bx, by, bz, cx, cy, cz, f, layer, inverse, found)
            elif az > NEAR or bz > NEAR or cz > NEAR:
                count = _clip(seen[a], seen[b], seen[c], lens, corner)
                for last in range(2, count):
                    u, v, w = corner[0], corner[last - 1], corner[last]
                    _fill(u[0], u[1], u[2], v[0], v[1], v[2], w[0], w[1], w[2], f, layer, inverse, found)


@njit(cache=True, nogil=True)
def _project(
    vertices: np.ndarray, first: int, last: int, camera: np.ndarray, lens: np.ndarray, seen: np.ndarray
) -> None:
    """Vertices in pixels with their depth; those before the near plane in metres."""
    for v in range(first, last):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        depth = camera[2, 0] * x + camera[2, 1] * y + camera[2, 2] * z + camera[2, 3]
        across = camera[0, 0] * x + camera[0, 1] * y + camera[0, 2] * z + camera[0, 3]
        down = camera[1, 0] * x + camera[1, 1] * y + camera[1, 2] * z + camera[1, 3]
        if depth > NEAR:
            across, down = lens[0] * across / depth + lens[2], lens[1] * down / depth + lens[3]
        seen[v - first, 0], seen[v - first, 1], seen[v - first, 2] = across, down, depth


@njit(cache=True, nogil=True, inline="always")
def _holds_pixels(a: float, b: float, c: float, size: int) -> bool:
    """Return whether the span of three coordinates contains the centre of a pixel of the picture."""
    low, high = min(a, b, c), max(a, b, c)
    return high >= 0.0 and low <= size - 1.0 and np.ceil(low - SLACK) <= high + SLACK


@njit(cache=True, nogil=True, inline="always")
def _in_sight(center: np.ndarray, radius: float, camera: np.ndarray, lens: np.ndarray, width: int, height: int) -> bool:
    """Return whether a sphere intersects the view's frustum."""
    x = camera[0, 0] * center[0] + camera[0, 1] * center[1] + camera[0, 2] * center[2] + camera[0, 3]
    y = camera[1, 0] * center[0] + camera[1, 1] * center[1] + camera[1, 2] * center[2] + camera[1, 3]
    z = camera[2, 0] * center[0] + camera[2, 1] * center[1] + camera[2, 2] * center[2] + camera[2, 3]
    if z < NEAR - radius:
        return False
    for side in range(2):
        left = (lens[2] if side == 0 else width - lens[2]) / lens[0]
        top = (lens[3] if side == 0 else height - lens[3]) / lens[1]
        sign = -1.0 if side == 0 else 1.0
        if sign * x - left * z > radius * np.sqrt(1.0 + left * left):
            return False
        if sign * y - top * z > radius * np.sqrt(1.0 + top * top):
            return False
    return True


@njit(cache=True, nogil=True)
def _clip(a: np.ndarray, b: np.ndarray, c: np.ndarray, lens: np.ndarray, corner: np.ndarray) -> int:
    """Corners of a triangle's part beyond the near plane, projected; returns 3 or 4.

    Corners beyond the plane come in projected, those before it in metres.
    """
    space = np.empty((3, 3))
    for i in range(3):
        point = a if i == 0 else (b if i == 1 else c)
        space[i] = point
        if point[2] > NEAR:
            space[i, 0] = (point[0] - lens[2]) * point[2] / lens[0]
            space[i, 1] = (point[1] - lens[3]) * point[2] / lens[1]
    count = 0
    for i in range(3):
        here, after = space[i], space[(i + 1) % 3]
        if here[2] > NEAR:
            corner[count] = here
            count += 1
        if (here[2] > NEAR) != (after[2] > NEAR):
            share = (NEAR - here[2]) / (after[2] - here[2])
            for axis in range(3):
                corner[count, axis] = here[axis] + share * (after[axis] - here[axis])
            corner[count, 2] = NEAR
            count += 1
    for i in range(count):
        corner[i, 0] = lens[0] * corner[i, 0] / corner[i, 2] + lens[2]
        corner[i, 1] = lens[1] * corner[i, 1] / corner[i, 2] + lens[3]
    return count


@njit(cache=True, nogil=True)
def _fill(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
    face: int,
    layer: int,
    inverse: np.ndarray,
    found: np.ndarray,
) -> None:
    """Draw one projected triangle, corners (pixel x, pixel y, metres), where it is nearer than what is there."""
    height, width = inverse.shape[1:]
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(area) < 1e-9:
        return
    low, high = min(ay, by, cy), max(ay, by, cy)
    left, right = min(ax, bx, cx), max(ax, bx, cx)
    ia, ib, ic = 1.0 / az, 1.0 / bz, 1.0 / cz
    slope_x = ((ib - ia) * (cy - ay) - (ic - ia) * (by - ay)) / area
    slope_y = ((ic - ia) * (bx - ax) - (ib - ia) * (cx - ax)) / area
    nearest = max(ia, ib, ic)
    for row in range(max(int(np.ceil(low - SLACK)), 0), min(int(np.floor(high + SLACK)), height - 1) + 1):
        y = min(max(float(row), low), high)
        begin, end = _cross(ax, ay, bx, by, y, 1e30, -1e30)
        begin, end = _cross(bx, by, cx, cy, y, begin, end)
        begin, end = _cross(cx, cy, ax, ay, y, begin, end)
        start = max(int(np.ceil(max(begin, left) - SLACK)), 0)
        stop = min(int(np.floor(min(end, right) + SLACK)), width - 1)
        value = ia + slope_x * (start - ax) + slope_y * (row - ay)
        for column in range(start, stop + 1):
            here = min(value, nearest)
            if here > inverse[layer, row, column]:
                inverse[layer, row, column] = here
                found[layer, row, column] = face
            value += slope_x


@njit(cache=True, nogil=True, inline="always")
def _cross(px: float, py: float, qx: float, qy: float, y: float, begin: float, end: float) -> tuple[float, float]:
    """The span of a row, begin to end, widened to where an edge crosses it."""
    if y < min(py, qy) or y > max(py, qy):
        return begin, end
    if py == qy:
        return min(begin, px, qx), max(end, px, qx)
    x = px + (y - py) * (qx - px) / (qy - py)
    return min(begin, x), max(end, x)
