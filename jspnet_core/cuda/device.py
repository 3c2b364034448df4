"""Where kernels run: a GPU through pycuda, or the host, which compiles the same source and emulates a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

KERNELS = Path(__file__).parent / "kernels"
SOURCES = ("voxelize", "blocks", "pyramid", "mean_shift", "block_merging", "contact", "labels_to_points")
"""CUDA sources, one per algorithm."""

WARP = 32


@dataclass(frozen=True)
class DeviceArray:
    """An array in the device's memory, in C order. owner: what keeps the memory alive."""

    pointer: int
    shape: tuple[int, ...]
    dtype: np.dtype
    owner: Any

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def rows(self, begin: int, end: int) -> DeviceArray:
        """Rows of the first axis, in place."""
        at = self.pointer + begin * math.prod(self.shape[1:]) * self.dtype.itemsize
        return DeviceArray(at, (end - begin, *self.shape[1:]), self.dtype, self.owner)


INT_MAX = 2**31 - 1


Argument = DeviceArray | int | np.generic | None
"""Of a kernel: pointers (None: null), 32-bit integers, and numpy scalars of the type that the kernel takes."""


class Device(Protocol):
    """Memory and kernels of one device. Work is done in the order of the calls; downloads wait for it."""

    def empty(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray: ...

    def upload(self, target: DeviceArray, source: np.ndarray) -> None:
        """Copy `source` to the beginning of `target`."""

    def download(self, source: DeviceArray, count: int | None = None) -> np.ndarray:
        """The array, or its first `count` rows."""
        ...

    def fill(self, target: DeviceArray, byte: int) -> None: ...

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, *arguments: Argument, shared: int = 0) -> None:
        """shared: bytes of dynamic shared memory."""

    def close(self) -> None:
        """Give the memory back."""


def zeros(device: Device, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
    return filled(device, shape, dtype, 0)


def filled(device: Device, shape: tuple[int, ...], dtype: Any, byte: int) -> DeviceArray:
    """An array of which every byte is the same."""
    array = device.empty(shape, dtype)
    device.fill(array, byte)
    return array


def uploaded(device: Device, source: np.ndarray) -> DeviceArray:
    """An array of the host, on the device."""
    array = device.empty(source.shape, source.dtype)
    device.upload(array, source)
    return array


def chunks(count: int, threads: int) -> int:
    """Blocks of threads that cover `count`."""
    return max(-(-count // threads), 1)


def kernel_names(source: str) -> list[str]:
    """The kernels of one of `SOURCES`."""
    lines = (KERNELS / f"{source}.cu").read_text().splitlines()
    return [line.removeprefix("EXPORT(").removesuffix(")") for line in lines if line.startswith("EXPORT(")]
