"""Kernels on an NVIDIA GPU, through pycuda, which compiles them with nvcc once and keeps the result.

This module has never been executed on a GPU: see docs/gpu.md.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pycuda.driver as cuda
from pycuda.compiler import SourceModule

from jspnet_core.gpu.device import KERNELS, SOURCES, Argument, DeviceArray, kernel_names

FLAGS = ("-std=c++17", "-fmad=false")
"""Without contraction into fused multiply-adds results are those of the CPU, bit by bit where order is of no matter."""


class CudaDevice:
    """See `jspnet_core.gpu.device.Device`. The context that is current becomes the device's."""

    def __init__(self, stream: Any = None):
        self.stream = stream or cuda.Stream()
        self._functions: dict[str, Any] = {}
        for source in SOURCES:
            text = (KERNELS / f"{source}.cu").read_text()
            module = SourceModule(text, options=list(FLAGS), include_dirs=[str(KERNELS)], no_extern_c=True)
            self._functions |= {kernel: module.get_function(kernel) for kernel in kernel_names(source)}

    def empty(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
        dtype = np.dtype(dtype)
        memory = cuda.mem_alloc(max(math.prod(shape) * dtype.itemsize, 1))
        return DeviceArray(int(memory), tuple(shape), dtype, memory)

    def upload(self, target: DeviceArray, source: np.ndarray) -> None:
        assert source.dtype == target.dtype, f"{source.dtype} into {target.dtype}"
        assert source.nbytes <= target.nbytes, f"{source.shape} into {target.shape}"
        cuda.memcpy_htod_async(target.pointer, np.ascontiguousarray(source), self.stream)

    def download(self, source: DeviceArray, count: int | None = None) -> np.ndarray:
        shape = source.shape if count is None else (count, *source.shape[1:])
        host = cuda.pagelocked_empty(shape, source.dtype)
        cuda.memcpy_dtoh_async(host, source.pointer, self.stream)
        self.stream.synchronize()
        return host

    def fill(self, target: DeviceArray, byte: int) -> None:
        cuda.memset_d8_async(target.pointer, byte, target.nbytes, self.stream)

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, *arguments: Argument, shared: int = 0) -> None:
        function = self._functions[kernel]
        if shared > 48 * 1024:
            function.set_attribute(cuda.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)
        values = [_value(argument) for argument in arguments]
        function(*values, block=(threads, 1, 1), grid=grid, shared=shared, stream=self.stream)


def _value(argument: Argument) -> np.generic:
    if argument is None:
        return np.uintp(0)
    if isinstance(argument, DeviceArray):
        return np.uintp(argument.pointer)
    return np.int32(argument) if isinstance(argument, int) else argument
