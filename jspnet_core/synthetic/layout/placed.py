"""Pieces that have a place in a room."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from jspnet_core.synthetic.assets.pieces import Piece


@dataclass(eq=False)
class Placed:
    """A piece in the room.

    position: (3,) of its origin, metres. wall: number of the wall at its back, or -1. along: metres along that wall.
    taken: by height of a surface, boxes (x, y, half width, half depth) of what lies on it.
    """

    piece: Piece
    position: np.ndarray
    yaw: float
    scale: np.ndarray
    number: int
    wall: int = -1
    along: float = 0.0
    taken: dict[float, list[tuple[float, ...]]] = field(default_factory=dict)

    @property
    def size(self) -> np.ndarray:
        """(3,) width, depth and height after scaling, metres."""
        return np.asarray(self.piece.size) * self.scale

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4) world from mesh, scale included."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        matrix = np.eye(4)
        matrix[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) * self.scale
        matrix[:3, 3] = self.position
        return matrix

    def local(self, x: float, y: float) -> np.ndarray:
        """(2,) place in the room of a point in the piece's frame, metres."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return self.position[:2] + (cos * x - sin * y, sin * x + cos * y)


class Counter:
    """Numbers of objects, unique in a scene."""

    def __init__(self) -> None:
        self.last = 0

    def next(self) -> int:
        """A new number."""
        self.last += 1
        return self.last
