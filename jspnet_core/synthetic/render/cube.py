"""Views in all directions from one place: the six faces of a cube."""

from __future__ import annotations

import numpy as np

from jspnet_core.synthetic.render.raster import View


def _turns() -> np.ndarray:
    """World from camera for +x, -x, +y, -y, +z, -z: (6, 3, 3), columns right, down, forward."""
    forward = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    down = np.array([[0, 0, -1]] * 4 + [[1, 0, 0]] * 2, float)
    return np.stack([np.cross(down, forward), down, forward], axis=2)


TURNS = _turns()
"""Of the six faces, in the order that `face_of` counts them."""


def cube_views(place: np.ndarray, size: int, turn: np.ndarray | None = None) -> list[View]:
    """Six square views of size x size pixels from `place`, (3,) metres; `turn`: (3, 3) rotation of the whole cube."""
    views = []
    for face in TURNS:
        pose = np.eye(4)
        pose[:3, :3] = face if turn is None else turn @ face
        pose[:3, 3] = place
        views.append(View(pose, size, size, size / 2, size / 2, (size - 1) / 2, (size - 1) / 2))
    return views
