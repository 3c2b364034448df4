"""Camera paths: free floor for a person with a camera, and a walk over it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from jspnet_core.synthetic.primitives.solids import Primitives

STEP = 0.05
"""Metres, edge of a cell of the floor plan."""

_STATIONS = 12  # places round the room that a walk passes


def free_floor(solids: Primitives, size: np.ndarray, clearance: float) -> np.ndarray:
    """Places on the floor at least `clearance` metres from everything that stands in the room.

    size: (3,) metres. Returns (F, 2) float64, metres, the largest connected area; F > 0.
    """
    return (np.argwhere(floor_plan(solids, size, clearance)) + 0.5) * STEP


def floor_plan(solids: Primitives, size: np.ndarray, clearance: float) -> np.ndarray:
    """Largest connected free area of the floor, (X, Y) bool, as `largest_free`."""
    shape = np.maximum((size[:2] / STEP).astype(int), 1)
    standing = np.zeros(shape, bool)
    low, high = solids.bounds()
    for lower, upper in zip(low, high, strict=True):
        if upper[2] > 0.08 and lower[2] < 1.8:
            x0, y0 = np.floor(lower[:2] / STEP).astype(int).clip(0)
            x1, y1 = np.ceil(upper[:2] / STEP).astype(int).clip(0)
            standing[x0:x1, y0:y1] = True
    return largest_free(standing, clearance)


def largest_free(standing: np.ndarray, clearance: float) -> np.ndarray:
    """Largest connected area of a floor plan, (X, Y) bool, at least `clearance` metres from where something stands.

    The clearance shrinks, in a room too crowded for it, until there is free floor.
    """
    distance = ndimage.distance_transform_edt(np.pad(~standing, 1))[1:-1, 1:-1] * STEP
    free = distance > min(clearance, 0.6 * distance.max())
    areas, _ = ndimage.label(free)
    largest = np.bincount(areas.ravel())[1:].argmax() + 1
    return areas == largest


def walk(free: np.ndarray, origin: np.ndarray, frames: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Poses of a camera that a person carries round the room while looking across it.

    A closed loop over free floor; eye 1.0 to 1.5 m high, pitched a little down.
    free: (X, Y) bool, connected cells of STEP metres, the first of them at `origin`, (2,) metres. frames: number of
    poses. Yields T_world_camera, (4, 4) float64, optical frame (x right, y down, z forward).
    """
    size = STEP * np.array(free.shape)
    start = rng.uniform(0.0, 2.0 * np.pi)
    turn = start + rng.choice((-1.0, 1.0)) * np.linspace(0.0, 2.0 * np.pi, frames, endpoint=False)
    across = np.stack([size[0] * np.cos(turn), size[1] * np.sin(turn)], axis=1)
    stations = np.linspace(0, frames, _STATIONS, endpoint=False).astype(int)
    place = origin + _loop(free, size / 2.0 - 0.42 * across[stations], frames)
    height = 1.25 + 0.22 * np.sin(2.0 * turn + rng.uniform(0.0, 6.0))
    pitch = np.radians(14.0 + 7.0 * np.sin(3.0 * turn + rng.uniform(0.0, 6.0)))
    glance = np.radians(12.0) * np.sin(5.0 * turn)
    for frame in range(frames):
        yaw = np.arctan2(across[frame, 1], across[frame, 0]) + glance[frame]
        yield look(np.append(place[frame], height[frame]), yaw, pitch[frame])


def look(eye: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Camera at `eye`, (3,) metres, looking along `yaw` (from +x toward +y), `pitch` down; radians.

    Returns T_world_camera, (4, 4) float64, optical frame.
    """
    forward = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), -np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    transform = np.eye(4)
    transform[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    transform[:3, 3] = eye
    return transform


def _loop(free: np.ndarray, targets: np.ndarray, frames: int) -> np.ndarray:
    """A smooth closed walk over free floor past the places nearest to the targets, (S, 2) metres.

    Returns (frames, 2) float64, metres; equal time between one target and the next.
    """
    cells = np.argwhere(free)
    stations = [int(np.square((cells + 0.5) * STEP - target).sum(1).argmin()) for target in targets]
    graph = _neighbours(free)
    _, before = csgraph.dijkstra(graph, indices=stations, return_predecessors=True)
    legs = []
    for number, here in enumerate(stations):
        back = [stations[(number + 1) % len(stations)]]
        while back[-1] != here:
            back.append(before[number, back[-1]])
        steps = np.linspace(len(back) - 1, 0, -(-frames // len(stations)), endpoint=False).round().astype(int)
        legs.append(cells[np.asarray(back)[steps]])
    track = (np.concatenate(legs) + 0.5) * STEP
    track = track[np.linspace(0, len(track), frames, endpoint=False).astype(int)]
    return ndimage.gaussian_filter1d(track, frames / 100.0, axis=0, mode="wrap")


def _neighbours(free: np.ndarray) -> sparse.csr_array:
    """Graph over the free cells, in the order of np.argwhere: edges to the eight neighbours, weighted by length."""
    number = np.full(np.add(free.shape, 2), -1)
    number[1:-1, 1:-1][free] = np.arange(free.sum())
    edges, lengths = [], []
    for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = np.roll(number, (-step[0], -step[1]), axis=(0, 1))
        both = (number >= 0) & (other >= 0)
        edges.append(np.stack([number[both], other[both]]))
        lengths.append(np.full(edges[-1].shape[1], np.hypot(*step)))
    row, column = np.concatenate(edges, axis=1)
    weight = np.concatenate(lengths)
    count = int(free.sum())
    return sparse.csr_array((np.tile(weight, 2), (np.append(row, column), np.append(column, row))), (count, count))
