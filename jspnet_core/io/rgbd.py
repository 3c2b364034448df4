"""RGB-D images to organised clouds: depth, intrinsics, and folders in the layout of the 7-Scenes data set.

Reading images needs Pillow (extra `viz`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.errors import JspnetError
from jspnet_core.spatial.transforms import transform_points

MILLIMETRE = 0.001
NO_DEPTH = 65535
"""Value of 16-bit depth images, beside 0, where the sensor saw nothing (7-Scenes)."""


class RgbdError(JspnetError):
    """An image, pose or folder that cannot be used; the message names it and what was expected."""


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera without distortion, in pixels."""

    focal_x: float
    focal_y: float
    center_x: float
    center_y: float

    @classmethod
    def read(cls, path: Path | str) -> Intrinsics:
        """Read a text file with the 3 x 3 camera matrix."""
        k = _read_matrix(Path(path), (3, 3))
        return cls(float(k[0, 0]), float(k[1, 1]), float(k[0, 2]), float(k[1, 2]))


@dataclass(frozen=True)
class RgbdFrame:
    """One view as an organised cloud.

    points: (H, W, 3) float32, metres, optical frame (x right, y down, z forward), NaN for no return.
    colors: (H, W, 3) uint8, red green blue.
    T_world_camera: (4, 4) float64, pose of the optical frame, or None where it is not known.
    """

    name: str
    points: np.ndarray
    colors: np.ndarray
    T_world_camera: np.ndarray | None = None

    def world_points(self) -> np.ndarray:
        """(N, 3) float32, metres, world frame, returns and NaN alike. Raises `RgbdError` without a pose."""
        if self.T_world_camera is None:
            raise RgbdError(f"{self.name} has no pose")
        return transform_points(self.T_world_camera, self.points.reshape(-1, 3))


def organised_points(depth: np.ndarray, intrinsics: Intrinsics, scale: float = MILLIMETRE) -> np.ndarray:
    """A depth image as points in the camera's optical frame.

    depth: (H, W), distance along the optical axis in units of `scale` metres; 0, 65535, negative or not finite: no
    return. Returns (H, W, 3) float32, metres, x right, y down, z forward, NaN for no return.
    """
    if depth.ndim != 2:
        raise RgbdError(f"depth has shape {depth.shape}, must be (H, W)")
    z = depth.astype(np.float32)
    no_return = (z <= 0) | (z == NO_DEPTH) | ~np.isfinite(z)
    z = np.where(no_return, np.float32(np.nan), z * np.float32(scale))
    u, v = np.arange(depth.shape[1], dtype=np.float32), np.arange(depth.shape[0], dtype=np.float32)
    x = z * ((u - intrinsics.center_x) / intrinsics.focal_x)
    y = z * ((v[:, None] - intrinsics.center_y) / intrinsics.focal_y)
    return np.stack([x, y, z], axis=-1).astype(np.float32)


def read_frame(color: Path | str, depth: Path | str, intrinsics: Intrinsics, scale: float = MILLIMETRE) -> RgbdFrame:
    """A colour image and the 16-bit depth image to it. Raises `RgbdError` for files that cannot be used."""
    colors, millimetres = _read_image(Path(color)), _read_image(Path(depth))
    if colors.ndim != 3 or colors.dtype != np.uint8:
        raise RgbdError(f"{color}: {colors.dtype} {colors.shape} found, an 8-bit colour image is needed")
    if millimetres.ndim != 2 or millimetres.dtype == np.uint8:
        raise RgbdError(f"{depth}: {millimetres.dtype} {millimetres.shape} found, a 16-bit depth image is needed")
    if colors.shape[:2] != millimetres.shape:
        raise RgbdError(f"{color} has {colors.shape[:2]} pixels, {depth} has {millimetres.shape}: they must be equal")
    return RgbdFrame(Path(color).name, organised_points(millimetres, intrinsics, scale), colors[..., :3])


def read_sequence(folder: Path | str, intrinsics: Intrinsics | None = None) -> Iterator[RgbdFrame]:
    """The frames of a folder in the layout of 7-Scenes, in order.

    frame-000000.color.png (or .jpg), .depth.png in millimetres, .pose.txt: (4, 4), world from camera. intrinsics:
    None to read camera-intrinsics.txt in the folder. Raises `RgbdError` where there is nothing to read.
    """
    folder = Path(folder)
    depths = sorted(folder.glob("frame-*.depth.png"))
    if not depths:
        raise RgbdError(f"{folder} holds no frame-*.depth.png; a folder in the layout of 7-Scenes is needed")
    camera = intrinsics or Intrinsics.read(folder / "camera-intrinsics.txt")
    for depth in depths:
        name = depth.name.removesuffix(".depth.png")
        colors = sorted(folder.glob(f"{name}.color.*"))
        if not colors:
            raise RgbdError(f"{depth} has no {name}.color.png or .jpg beside it")
        frame = read_frame(colors[0], depth, camera)
        yield RgbdFrame(name, frame.points, frame.colors, _read_matrix(folder / f"{name}.pose.txt", (4, 4)))


def _read_matrix(path: Path, shape: tuple[int, int]) -> np.ndarray:
    try:
        matrix = np.loadtxt(path)
    except (OSError, ValueError) as error:
        raise RgbdError(f"{path} cannot be read: {error}") from error
    if matrix.shape != shape:
        raise RgbdError(f"{path} holds {matrix.shape} numbers, {shape} are needed")
    return matrix


def _read_image(path: Path) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return np.asarray(image)
    except (OSError, UnidentifiedImageError) as error:
        raise RgbdError(f"{path} cannot be read: {error}") from error
