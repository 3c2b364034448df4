"""Where kernels run: a GPU through pycuda, or the host, which compiles the same source and emulates a grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

KERNELS = Path(__file__).parent / "kernels"
SOURCES = ("voxels", "blocks", "pyramid", "mean_shift", "merging", "painting")
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
        return int(np.prod(self.shape)) * self.dtype.itemsize


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


def chunks(count: int, threads: int) -> int:
    """Blocks of threads that cover `count`."""
    return max(-(-count // threads), 1)


def kernel_names(source: str) -> list[str]:
    """The kernels of one of `SOURCES`."""
    lines = (KERNELS / f"{source}.cu").read_text().splitlines()
    return [line.removeprefix("EXPORT(").removesuffix(")") for line in lines if line.startswith("EXPORT(")]
