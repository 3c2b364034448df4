"""Pieces: meshes with the properties that a layout needs, from a library or of own shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jspnet_core.synthetic.meshes import Mesh

if TYPE_CHECKING:
    from jspnet_core.synthetic.assets.own.shape import Shape


@dataclass(frozen=True)
class Surface:
    """Horizontal place for things: height z and rectangle in the frame of the mesh, metres.

    clearance: free height above, inf where open. round: whether only the inscribed ellipse is surely solid.
    """

    z: float
    x: tuple[float, float]
    y: tuple[float, float]
    clearance: float = np.inf
    round: bool = False


@dataclass(frozen=True)
class Piece:
    """One model that can be placed.

    size: width, depth, height in metres. wall: whether it is fixed to a wall. elevation: usual height of its bottom
    above the floor, metres, or None. materials: see `PlacedMesh`.
    """

    kind: str
    mesh: Mesh
    size: tuple[float, float, float]
    surfaces: tuple[Surface, ...] = ()
    elevation: float | None = None
    parts: tuple[str, ...] = ()
    source: str = "own"
    placement: str = "floor_free"


def own_piece(
    kind: str,
    shape: Shape,
    surfaces: Sequence[Surface] = (),
    elevation: float | None = None,
    placement: str = "floor_free",
) -> Piece:
    """Piece of a finished own shape, moved so that its origin is the middle of its footprint, at the bottom."""
    mesh = shape.mesh()
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    shift = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]], np.float32)
    mesh.vertices[:] -= shift
    moved = tuple(
        Surface(s.z - shift[2], (s.x[0] - shift[0], s.x[1] - shift[0]), (s.y[0] - shift[1], s.y[1] - shift[1]),
                s.clearance, s.round)
        for s in surfaces
    )  # fmt: skip
    width, depth, height = (float(v) for v in high - low)
    return Piece(kind, mesh, (width, depth, height), moved, elevation, (), "own", placement)
