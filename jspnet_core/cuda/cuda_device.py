"""Kernels on an NVIDIA GPU, through pycuda.

Memory comes from a pool, so that frames allocate nothing once the pool has grown. All work is in one stream, so memory
that returned to the pool is not reused before its last kernel has read it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

try:
    import pycuda.driver as cuda
    from pycuda.tools import DeviceMemoryPool
except ImportError as error:
    from jspnet_core.errors import KernelsError

    raise KernelsError(f"pycuda cannot be loaded ({error})") from error

from jspnet_core.cuda.device import SOURCES, Argument, DeviceArray, kernel_names
from jspnet_core.cuda.nvcc import compiled

SHARED_BY_DEFAULT = 32 * 1024
"""Bytes of dynamic shared memory above which a kernel asks: it may have 48 KiB without, its static ones included."""


class CudaDevice:
    """A GPU, see `cuda.device.Device`. Takes the current context, which must be current in all calls.

    stream: of pycuda; None: one of its own. Raises `KernelsError` where the kernels cannot be compiled.
    """

    def __init__(self, stream: Any = None):
        self.stream = stream or cuda.Stream()
        self._functions: dict[str, Any] = {}
        self._modules: list[Any] = []
        capability = cuda.Context.get_device().compute_capability()
        for source in SOURCES:
            module = cuda.module_from_file(str(compiled(source, capability)))
            self._modules.append(module)
            self._functions |= {kernel: module.get_function(kernel) for kernel in kernel_names(source)}
        self._pool = DeviceMemoryPool()
        self._staging = cuda.pagelocked_empty(1 << 20, np.uint8)
        self._on_its_way: list[np.ndarray] = []  # some machines read pageable memory later than the call returns

    def empty(self, shape: tuple[int, ...], dtype: Any) -> DeviceArray:
        dtype = np.dtype(dtype)
        memory = self._pool.allocate(max(math.prod(shape) * dtype.itemsize, 1))
        return DeviceArray(int(memory), tuple(shape), dtype, memory)

    def upload(self, target: DeviceArray, source: np.ndarray) -> None:
        assert source.dtype == target.dtype, f"{source.dtype} into {target.dtype}"
        assert source.nbytes <= target.nbytes, f"{source.shape} into {target.shape}"
        if source.nbytes:
            kept = np.ascontiguousarray(source)
            self._on_its_way.append(kept)
            cuda.memcpy_htod_async(target.pointer, kept, self.stream)

    def download(self, source: DeviceArray, count: int | None = None) -> np.ndarray:
        wanted = source if count is None else source.rows(0, count)
        result = np.empty(wanted.shape, wanted.dtype)
        if wanted.nbytes:
            if wanted.nbytes > len(self._staging):
                self._staging = cuda.pagelocked_empty(2 * wanted.nbytes, np.uint8)
            staged = self._staging[: wanted.nbytes]
            cuda.memcpy_dtoh_async(staged, wanted.pointer, self.stream)
            self.stream.synchronize()
            self._on_its_way.clear()
            result.reshape(-1).view(np.uint8)[:] = staged
        return result

    def fill(self, target: DeviceArray, byte: int) -> None:
        if target.nbytes:
            cuda.memset_d8_async(target.pointer, byte, target.nbytes, self.stream)

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, *arguments: Argument, shared: int = 0) -> None:
        function = self._functions[kernel]
        if shared > SHARED_BY_DEFAULT:
            function.set_attribute(cuda.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, shared)
        values = [_value(argument) for argument in arguments]
        function(*values, block=(threads, 1, 1), grid=grid, shared=shared, stream=self.stream)

    def close(self) -> None:
        """Free all memory. Arrays still in use must be released while the context is current."""
        self.stream.synchronize()
        self._pool.stop_holding()
        self._functions, self._modules, self.stream = {}, [], None
        self._staging = np.empty(0, np.uint8)


def _value(argument: Argument) -> np.generic:
    if argument is None:
        return np.uintp(0)
    if isinstance(argument, DeviceArray):
        return np.uintp(argument.pointer)
    return np.int32(argument) if isinstance(argument, int) else argument
