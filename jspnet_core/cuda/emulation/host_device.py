"""Kernels on the host, for tests: the CUDA sources compiled by g++, a grid run thread after thread."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.cuda.constants import compiler_defines
from jspnet_core.cuda.device import KERNELS, SOURCES, Argument, DeviceArray, kernel_names

FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-ffp-contract=off", "-Wno-unknown-pragmas", "-x", "c++")


class HostDevice:
    """The host as a `cuda.device.Device`.

    folder: where the compiled kernels are kept. reverse: run threads and blocks in reverse order, which must not change
    a result. Raises `OSError` where there is no g++, `subprocess.CalledProcessError` where a source does not compile.
    """

    def __init__(self, folder: Path, reverse: bool = False):
        self._reverse = int(reverse)
        self._kernels: dict[str, ctypes.CDLL] = {}
        for source in SOURCES:
            library = ctypes.CDLL(str(compile_for_host(source, folder)))
            self._kernels |= dict.fromkeys(kernel_names(source), library)

    def empty(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
        array = np.empty(shape, dtype)
        array.view(np.uint8).reshape(-1)[:] = 0xFE  # not zeros: they would hide what is not written
        return DeviceArray(array.ctypes.data, tuple(shape), array.dtype, array)

    def upload(self, target: DeviceArray, source: np.ndarray) -> None:
        assert source.dtype == target.dtype, f"{source.dtype} into {target.dtype}"
        assert source.nbytes <= target.nbytes, f"{source.shape} into {target.shape}"
        _bytes(target)[: source.nbytes] = np.ascontiguousarray(source).reshape(-1).view(np.uint8)

    def download(self, source: DeviceArray, count: int | None = None) -> np.ndarray:
        wanted = source if count is None else source.rows(0, count)
        return _bytes(wanted).copy().view(wanted.dtype).reshape(wanted.shape)

    def fill(self, target: DeviceArray, byte: int) -> None:
        _bytes(target)[:] = byte

    def close(self) -> None:
        """Do nothing: the host's arrays free themselves."""

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, *arguments: Argument, shared: int = 0) -> None:
        values = [_c_value(argument) for argument in arguments]
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        function = getattr(self._kernels[kernel], f"launch_{kernel}")
        function((ctypes.c_uint * 2)(*grid), threads, shared, self._reverse, pointers)


def _bytes(array: DeviceArray) -> np.ndarray:
    """(bytes,) uint8: the array's memory itself."""
    if array.nbytes == 0:
        return np.empty(0, np.uint8)
    return np.ctypeslib.as_array((ctypes.c_uint8 * array.nbytes).from_address(array.pointer))


def compile_for_host(name: str, folder: Path) -> Path:
    """A source as a shared library, compiled once for each version of it."""
    compiler = shutil.which("g++")
    if compiler is None:
        raise OSError("g++ is not installed")
    source = KERNELS / f"{name}.cu"
    text = source.read_bytes() + (KERNELS / "cuda_or_host.h").read_bytes()
    options = [*FLAGS, *compiler_defines()]
    digest = hashlib.sha256(text + " ".join(options).encode()).hexdigest()[:16]
    library = folder / f"{name}-{digest}.so"
    if not library.exists():
        subprocess.run(
            [compiler, *options, str(source), "-o", str(library)], check=True, capture_output=True, text=True
        )
    return library


def _c_value(argument: Argument) -> Any:
    if argument is None:
        return ctypes.c_void_p(None)
    if isinstance(argument, DeviceArray):
        return ctypes.c_void_p(argument.pointer)
    if isinstance(argument, int):
        return ctypes.c_int(argument)
    return np.ctypeslib.as_ctypes_type(argument.dtype)(argument.item())
