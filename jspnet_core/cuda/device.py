"""Devices that run kernels: a GPU through pycuda, or the host, which compiles the same sources and emulates a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

KERNELS = Path(__file__).parent / "kernels"
SOURCES = ("voxelize", "blocks", "pyramid", "voting", "mean_shift", "block_merging", "contact", "labels_to_points")
"""CUDA sources in the order of the stages."""

WARP = 32
"""Threads of a warp."""

THREADS = 256
"""Threads of a block where each of them has work of its own."""

MAX_THREADS = 1024
"""Threads of a block that works as one."""

INT_MAX = 2**31 - 1


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


Argument = DeviceArray | int | np.generic | None
"""Argument of a kernel: a pointer (None: null), a 32-bit integer, or a numpy scalar of the type that it takes."""


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
        """Free all memory."""


def zeros(device: Device, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
    return filled(device, shape, dtype, 0)


def filled(device: Device, shape: tuple[int, ...], dtype: Any, byte: int) -> DeviceArray:
    """Allocate an array whose bytes all have one value."""
    array = device.empty(shape, dtype)
    device.fill(array, byte)
    return array


def uploaded(device: Device, source: np.ndarray) -> DeviceArray:
    """Copy an array of the host to the device."""
    array = device.empty(source.shape, source.dtype)
    device.upload(array, source)
    return array


def chunks(count: int, threads: int) -> int:
    """Number of blocks of `threads` threads that cover `count` items."""
    return max(-(-count // threads), 1)


def kernel_names(source: str) -> list[str]:
    """Names of the kernels of one of `SOURCES`."""
    lines = (KERNELS / f"{source}.cu").read_text().splitlines()
    return [line.removeprefix("EXPORT(").removesuffix(")") for line in lines if line.startswith("EXPORT(")]
