"""Directions in which a walking camera looks across a room rather than at the wall beside it."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_DIRECTIONS = 72
_FARTHEST = 6.0  # metres: what lies beyond is small in the picture
_HALF_VIEW = 5  # directions to each side that the picture shows
_TURN_COST = 0.8  # metres of view that a turn by 90 degrees must gain


def look_across(inside: np.ndarray, step: float, places: np.ndarray) -> np.ndarray:
    """Yaw at each place of a walk, (F,) float64, radians: toward the farthest walls, turning smoothly.

    inside: (X, Y) bool, cells of `step` metres within the rooms; places: (F, 2) metres from the grid's corner.
    """
    angles = 2.0 * np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    clear = np.ones((len(places), _DIRECTIONS), bool)
    reach = np.zeros((len(places), _DIRECTIONS))
    for distance in np.arange(step, _FARTHEST, 2.0 * step):
        cells = ((places[:, None] + distance * ways) / step).astype(int)
        within = ((cells >= 0) & (cells < inside.shape)).all(axis=2)
        x, y = np.where(within, cells[..., 0], 0), np.where(within, cells[..., 1], 0)
        clear &= within & inside[x, y]
        reach += 2.0 * step * clear
    view = ndimage.uniform_filter1d(reach, 2 * _HALF_VIEW + 1, axis=1, mode="wrap")
    yaw = np.empty(len(places))
    for i, seen in enumerate(view):
        turned = np.zeros(_DIRECTIONS) if i == 0 else np.abs(np.angle(np.exp(1j * (angles - yaw[i - 1]))))
        yaw[i] = angles[(seen - _TURN_COST * turned / (0.5 * np.pi)).argmax()]
    sigma = max(len(places) / 60.0, 1.0)
    heading = ndimage.gaussian_filter1d(np.exp(1j * yaw), sigma, mode="wrap")
    return np.angle(heading)
