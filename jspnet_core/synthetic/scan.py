"""Whole rooms as a scanner sees them from many places: visible surfaces only, thinned to a voxel grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.places import in_outline, scan_places
from jspnet_core.synthetic.render.cube import cube_views
from jspnet_core.synthetic.render.exposure import expose, random_exposure
from jspnet_core.synthetic.render.raster import Drawn, draw
from jspnet_core.synthetic.render.shade import Light, lamps_near, shade
from jspnet_core.synthetic.render.triangles import Triangles

SIZE = 112
"""Pixels on the edge of the views from each place: 3 cm apart at 2 m."""

GRAZING = 0.07
"""Cosine between ray and surface below which a scanner gets no return."""

FARTHEST = 9.0
MARGIN = 0.35
"""Metres beyond a room's inner walls that still belong to it: reveals of windows and doors."""

NO_COLOR = 0.07
"""Share of the rooms whose scanner has no colour; their colours are zero."""


@dataclass(frozen=True)
class Cloud:
    """A labelled cloud. World frame: metres, z up, floor at z = 0.

    points: (N, 3) float32. colors: (N, 3) uint8. label: (N,) uint8, `indoor`. instance: (N,) int32, above 0.
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray
    instance: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


def scan_room(
    scene: FurnishedScene,
    triangles: Triangles,
    light: Light,
    room: int,
    rng: np.random.Generator,
    most: int = 150_000,
) -> Cloud:
    """One room of the scene, scanned from its own free floor; what lies beyond its walls is left out.

    room: row of `scene.outlines`. most: points; more are thinned evenly. Raises ValueError for a room without free
    floor.
    """
    places = scan_places(scene, triangles, room, rng)
    voxel = float(rng.uniform(0.024, 0.03))
    polygon = np.ascontiguousarray(scene.outlines[room], np.float64)
    low, high = polygon.min(0) - MARGIN, polygon.max(0) + MARGIN
    box = np.array([*low, -0.5, *high, scene.ceiling + 1.0])
    tables = np.full(1 << 20, -1, np.int64), np.zeros((1 << 20, 3), np.float32), np.zeros(1 << 20, np.int32)
    eyes, count = np.zeros(1 << 20, np.int16), 0
    panes = _panes(triangles, rng)
    for number, place in enumerate(places):
        turn = _upright(rng.uniform(0.0, 2.0 * np.pi))
        for view in cube_views(place, SIZE, turn):
            faces = _first_return(draw(triangles, view), triangles, panes, rng)
            count = _collect(
                faces, view.T_world_camera, triangles.vertices, triangles.faces, triangles.normal, box, voxel,
                number, *tables, eyes, count
            )  # fmt: skip
    filled = np.flatnonzero(tables[0] >= 0)
    points, faces, eye = tables[1][filled], tables[2][filled], places[eyes[filled]].astype(np.float32)
    inside = in_outline(points[:, :2], polygon, MARGIN)
    kept = np.flatnonzero(inside)
    if len(kept) > most:
        kept = _some(points, kept, most, rng)
    points, faces, eye = points[kept], faces[kept], eye[kept]
    return Cloud(
        name=scene.name,
        points=_with_noise(points, eye, eyes[filled][kept], len(places), rng),
        colors=_colors(scene, triangles, light, points, faces, eye, rng),
        label=triangles.label[faces],
        instance=triangles.instance[faces],
    )


def _some(points: np.ndarray, kept: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most `most` of the given indices: either evenly, or all that lie around one of the points.

    Half of the large rooms keep their density that way and lose their ends instead.
    """
    if rng.random() < 0.5:
        return np.sort(rng.choice(kept, most, replace=False))
    middle = points[kept[int(rng.integers(len(kept)))], :2]
    distance = np.abs(points[kept, :2] - middle).max(1)
    return np.sort(kept[np.argpartition(distance, most)[:most]])


def _upright(yaw: float) -> np.ndarray:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _panes(triangles: Triangles, rng: np.random.Generator) -> np.ndarray:
    """Share of rays that return from glass, and from mirrors, of each instance: (highest instance + 1,) float32."""
    share = rng.uniform(-0.4, 0.9, int(triangles.instance.max()) + 1)
    return np.clip(share, 0.0, 1.0).astype(np.float32)


def _first_return(drawn: Drawn, triangles: Triangles, panes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The triangle that each ray returns from, (H, W) int32, or NOTHING: glass and mirrors return by chance."""
    faces, chance = drawn.opaque, None
    if (drawn.glass >= 0).any():
        chance = rng.random(faces.shape, np.float32)
        seen = (drawn.glass >= 0) & (chance < panes[triangles.instance[drawn.glass]])
        faces = np.where(seen, drawn.glass, faces)
    mirrored = (faces >= 0) & triangles.mirror[faces]
    if mirrored.any():
        chance = rng.random(faces.shape, np.float32) if chance is None else chance
        faces = np.where(mirrored & (chance > panes[triangles.instance[faces]]), -1, faces)
    return faces


@njit(cache=True, nogil=True, inline="always")
def _depth(
    face: int,
    pose: np.ndarray,
    direction: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    normal: np.ndarray,
) -> float:
    """Multiple of `direction`, (3,), at which a ray from a pose reaches a triangle's plane; -1 at grazing angles."""
    along, offset, square = 0.0, 0.0, 0.0
    for axis in range(3):
        square += direction[axis] * direction[axis]
        along += normal[face, axis] * direction[axis]
        offset += normal[face, axis] * (vertices[faces[face, 0], axis] - pose[axis, 3])
    return offset / along if along * along > GRAZING * GRAZING * square else -1.0


@njit(cache=True, nogil=True, inline="always")
def _slot(keys: np.ndarray, key: int, mask: int) -> int:
    """Find the slot of a key in a hash table, or the free slot for it."""
    mixed = key ^ (key >> 17) * 0x27D4EB2F
    mixed ^= (mixed >> 23) * 0x165667B1
    slot = (mixed ^ (mixed >> 29)) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True, nogil=True)
def _collect(
    seen: np.ndarray,
    pose: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    normal: np.ndarray,
    box: np.ndarray,
    voxel: float,
    place: int,
    keys: np.ndarray,
    points: np.ndarray,
    triangle: np.ndarray,
    eyes: np.ndarray,
    count: int,
) -> int:
    """Put what a square view sees into a hash table of voxels, one point each; returns how many it holds now.

    seen: (n, n) int32 triangles. box: (6,) metres, outside of which points are dropped. keys: (T,) int64, -1 where
    free, T a power of 2; points (T, 3), triangle (T,) and eyes (T,) go with them.
    """
    size, mask = len(seen), len(keys) - 1
    direction = np.empty(3)
    for row in range(size):
        for column in range(size):
            face = seen[row, column]
            if face < 0 or count > 0.7 * mask:
                continue
            x, y = (column - (size - 1) / 2) / (size / 2), (row - (size - 1) / 2) / (size / 2)
            for axis in range(3):
                direction[axis] = pose[axis, 0] * x + pose[axis, 1] * y + pose[axis, 2]
            depth = _depth(face, pose, direction, vertices, faces, normal)
            if not 0.0 < depth < FARTHEST:
                continue
            px, py = pose[0, 3] + depth * direction[0], pose[1, 3] + depth * direction[1]
            pz = pose[2, 3] + depth * direction[2]
            if px < box[0] or py < box[1] or pz < box[2] or px > box[3] or py > box[4] or pz > box[5]:
                continue
            key = (int((px - box[0]) / voxel) << 40) | (int((py - box[1]) / voxel) << 20) | int((pz - box[2]) / voxel)
            slot = _slot(keys, key, mask)
            if keys[slot] == -1:
                keys[slot] = key
                points[slot, 0], points[slot, 1], points[slot, 2] = px, py, pz
                triangle[slot], eyes[slot] = face, place
                count += 1
    return count


def _with_noise(
    points: np.ndarray, eye: np.ndarray, place: np.ndarray, places: int, rng: np.random.Generator
) -> np.ndarray:
    """Add measurement errors: noise along the ray, and a small registration error of each scanner position."""
    ray = points - eye
    distance = np.linalg.norm(ray, axis=1, keepdims=True)
    sigma = rng.uniform(0.001, 0.005) + rng.uniform(0.0, 0.0012) * np.square(distance)
    noisy = points + ray / np.maximum(distance, 1e-6) * sigma * rng.standard_normal((len(points), 1), np.float32)
    fault = rng.normal(0.0, rng.uniform(0.0, 0.005), (places, 3)).astype(np.float32)
    return (noisy + fault[place]).astype(np.float32)


def _colors(
    scene: FurnishedScene,
    triangles: Triangles,
    light: Light,
    points: np.ndarray,
    faces: np.ndarray,
    eye: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    exposure = random_exposure(rng, scene.lighting.exposure)
    if rng.random() < NO_COLOR:
        return np.zeros((len(points), 3), np.uint8)
    near = lamps_near(light, points[:: max(len(points) // 50, 1)], 10)
    return expose(shade(triangles, near, points, faces, eye), exposure, rng)
