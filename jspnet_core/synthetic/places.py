"""Scanner positions in a room."""

from __future__ import annotations

import numpy as np
from numba import njit

from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.render.cube import cube_views
from jspnet_core.synthetic.render.raster import draw
from jspnet_core.synthetic.render.triangles import Triangles

MOST_PLACES = 26
FAR = 2.2
"""Metres: what is farther than this from all places gets places of its own, at most MOST_BEYOND."""

MOST_BEYOND = 12


def scan_places(scene: FurnishedScene, triangles: Triangles, room: int, rng: np.random.Generator) -> np.ndarray:
    """Choose scanner positions: (E, 3) float64, spread over the free floor of a room, one in four of them low.

    Parts of the room that no way leads to, behind rows of desks, are scanned from above the furniture there.
    """
    free = scene.free[room]
    if not len(free):
        raise ValueError(f"scene {scene.name}: room {room} has no free floor to scan from")
    extent = np.ptp(scene.outlines[room], axis=0)
    count = int(min(7 + extent[0] * extent[1] / 3.0, MOST_PLACES))
    chosen = [free[rng.integers(len(free))]]
    distance = np.square(free - chosen[0]).sum(1)
    for _ in range(count - 1):  # far from each other, with some chance
        chosen.append(free[int(np.argmax(distance * rng.uniform(0.3, 1.0, len(free))))])
        distance = np.minimum(distance, np.square(free - chosen[-1]).sum(1))
    height = np.where(rng.random(count) < 0.25, rng.uniform(0.35, 0.9, count), rng.uniform(1.1, 1.8, count))
    places = np.column_stack([np.array(chosen), np.minimum(height, scene.ceiling - 0.3)])
    return np.concatenate([places, _beyond(scene, triangles, room, places, rng)])


def _beyond(
    scene: FurnishedScene, triangles: Triangles, room: int, places: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Places at eye height, (E, 3), in parts of the room that are more than FAR metres from all others."""
    outline = scene.outlines[room]
    low, high = outline.min(0), outline.max(0)
    cells = np.stack(np.meshgrid(*(np.arange(a + 0.4, b - 0.3, 0.4) for a, b in zip(low, high, strict=True))), axis=-1)
    cells = cells.reshape(-1, 2)
    cells = cells[in_outline(cells, np.ascontiguousarray(outline, np.float64), 0.0)]
    found: list[np.ndarray] = []
    for _ in range(MOST_BEYOND if len(cells) else 0):
        known = np.concatenate([places[:, :2], *(place[None, :2] for place in found)])
        distance = np.sqrt(np.square(cells[:, None] - known[None]).sum(2).min(1))
        far = int(np.argmax(distance * rng.uniform(0.7, 1.0, len(cells))))
        if distance[far] < FAR:
            break
        eye = np.append(cells[far], min(rng.uniform(1.4, 1.9), scene.ceiling - 0.3))
        if _is_open(triangles, eye):
            found.append(eye)
        cells = cells[distance != distance[far]]
    return np.array(found).reshape(-1, 3)


def _is_open(triangles: Triangles, eye: np.ndarray) -> bool:
    """Return whether nothing is close around a place, and it is not inside a piece of furniture."""
    depth = np.stack([draw(triangles, view).depth for view in cube_views(eye, 24)])
    return bool(depth.min() > 0.2 and np.median(depth) > 0.8)


def in_outline(points: np.ndarray, polygon: np.ndarray, margin: float) -> np.ndarray:
    """Test whether points, (N, 2), are in a polygon, (K, 2), or within `margin` metres of its edges: (N,) bool."""
    inside = np.zeros(len(points), bool)
    _in_outline(np.ascontiguousarray(points, np.float64), polygon, margin * margin, inside)
    return inside


@njit(cache=True, nogil=True)
def _in_outline(points: np.ndarray, polygon: np.ndarray, margin2: float, inside: np.ndarray) -> None:
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        within, nearest = False, 1e30
        for k in range(len(polygon)):
            ax, ay = polygon[k, 0], polygon[k, 1]
            bx, by = polygon[(k + 1) % len(polygon), 0] - ax, polygon[(k + 1) % len(polygon), 1] - ay
            if (ay > y) != (ay + by > y) and x < ax + (y - ay) * bx / by:
                within = not within
            share = min(max(((x - ax) * bx + (y - ay) * by) / max(bx * bx + by * by, 1e-12), 0.0), 1.0)
            nearest = min(nearest, (ax + share * bx - x) ** 2 + (ay + share * by - y) ** 2)
        inside[i] = within or nearest <= margin2
