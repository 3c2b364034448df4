"""Solid primitives of rooms: boxes, cylinders and ellipsoids, each with class, instance and material."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import S3DIS
from jspnet_core.synthetic.primitives.materials import Material

BOX, CYLINDER, ELLIPSOID = range(3)

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Primitives:
    """P solids as arrays, ready for the compiled ray caster. World frame: metres, z up, floor at z = 0.

    kind: (P,) uint8, BOX, CYLINDER (axis along local z) or ELLIPSOID.
    center: (P, 3) float64. rotation: (P, 3, 3) float64, world from local. half: (P, 3) float64, half extents.
    radius: (P,) float64 of the bounding sphere.
    label: (P,) uint8, S3DIS class. instance: (P,) int32, from 1.
    texture: (P,) uint8. color, accent: (P, 3) float64. scale, dropout: (P,) float64. seed: (P,) int64.
    """

    kind: np.ndarray
    center: np.ndarray
    rotation: np.ndarray
    half: np.ndarray
    radius: np.ndarray
    label: np.ndarray
    instance: np.ndarray
    texture: np.ndarray
    color: np.ndarray
    accent: np.ndarray
    scale: np.ndarray
    dropout: np.ndarray
    seed: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Axis-aligned boxes of the primitives: minimum and maximum, each (P, 3) float64, metres."""
        reach = np.einsum("pij,pj->pi", np.abs(self.rotation), self.half)
        return self.center - reach, self.center + reach


def rotation_z(yaw: float) -> np.ndarray:
    """(3, 3) rotation by `yaw` radians about z."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def rotation_x(pitch: float) -> np.ndarray:
    """(3, 3) rotation by `pitch` radians about x."""
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])


def pose(x: float = 0.0, y: float = 0.0, z: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """(4, 4) transform: turn by `yaw` radians about z, then move by x y z metres."""
    transform = np.eye(4)
    transform[:3, :3] = rotation_z(yaw)
    transform[:3, 3] = x, y, z
    return transform


class Builder:
    """Collects primitives in nested frames. Solids belong to the object begun last."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.frame = np.eye(4)
        self._rows: list[tuple] = []
        self._label = 0
        self._instance = 0
        self._instances = 0

    @contextmanager
    def at(self, T_parent_local: np.ndarray) -> Iterator[None]:
        """Within the block, coordinates are in the frame `T_parent_local`, (4, 4)."""
        outer = self.frame
        self.frame = outer @ T_parent_local
        try:
            yield
        finally:
            self.frame = outer

    @contextmanager
    def instance(self, name: str) -> Iterator[None]:
        """Within the block, solids form one new instance of the S3DIS class `name`."""
        outer = self._label, self._instance
        self._instances += 1
        self._label, self._instance = S3DIS.names.index(name), self._instances
        try:
            yield
        finally:
            self._label, self._instance = outer

    def box(self, center: Triple, size: Triple, material: Material, turn: np.ndarray | None = None) -> None:
        """A box with its full extents; `turn`: (3, 3) rotation about its centre."""
        self._add(BOX, center, (size[0] / 2, size[1] / 2, size[2] / 2), material, turn)

    def rod(
        self, center: Triple, radius: float, height: float, material: Material, turn: np.ndarray | None = None
    ) -> None:
        """A cylinder, upright unless turned."""
        self._add(CYLINDER, center, (radius, radius, height / 2), material, turn)

    def blob(self, center: Triple, size: Triple, material: Material, turn: np.ndarray | None = None) -> None:
        """An ellipsoid with its full extents."""
        self._add(ELLIPSOID, center, (size[0] / 2, size[1] / 2, size[2] / 2), material, turn)

    def _add(self, kind: int, center: Triple, half: Triple, material: Material, turn: np.ndarray | None) -> None:
        if self._instance == 0:
            raise ValueError("a solid needs an object: build it inside `with builder.instance(class name)`")
        world = self.frame[:3, :3] @ np.asarray(center) + self.frame[:3, 3]
        rotation = self.frame[:3, :3] if turn is None else self.frame[:3, :3] @ turn
        self._rows.append((kind, world, rotation, half, self._label, self._instance, material))

    def finish(self) -> Primitives:
        """All solids built so far."""
        kinds, centers, rotations, halves, labels, instances, materials = zip(*self._rows, strict=True)
        half = np.array(halves, np.float64)
        kind = np.array(kinds, np.uint8)
        disc = np.hypot(half[:, 0], half[:, 2])
        radius = np.select([kind == CYLINDER, kind == ELLIPSOID], [disc, half.max(1)], np.linalg.norm(half, axis=1))
        return Primitives(
            kind=kind,
            center=np.array(centers, np.float64),
            rotation=np.ascontiguousarray(rotations, np.float64),
            half=half,
            radius=radius,
            label=np.array(labels, np.uint8),
            instance=np.array(instances, np.int32),
            texture=np.array([m.texture for m in materials], np.uint8),
            color=np.array([m.color for m in materials], np.float64),
            accent=np.array([m.accent for m in materials], np.float64),
            scale=np.array([m.scale for m in materials], np.float64),
            dropout=np.array([m.dropout for m in materials], np.float64),
            seed=self.rng.integers(0, 2**20, len(materials)),
        )
