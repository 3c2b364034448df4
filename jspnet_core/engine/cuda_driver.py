"""NVIDIA driver through its C library: the GPU, its capability, and the graph calls that pycuda lacks.

TensorRT without a working driver ends the process instead of raising, so this is asked before TensorRT is touched.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from jspnet_core.errors import EngineError

CHOICE = "choose engine:=onnxruntime, which needs no GPU"
OLDEST_DRIVER = 12000  # CUDA 12.0, what TensorRT 10.3 is built for
OLDEST_CAPABILITY = (7, 5)

_MAJOR, _MINOR = 75, 76  # CUdevice_attribute


@dataclass(frozen=True)
class Gpu:
    """A GPU: its name, compute capability (major, minor), and the newest CUDA its driver takes (12040 is 12.4)."""

    name: str
    capability: tuple[int, int]
    driver: int


def find_gpu(ordinal: int = 0, oldest: int = OLDEST_DRIVER) -> Gpu:
    """Find the GPU that engines use. oldest: CUDA version that its driver must support, 12000 for 12.0.

    Raises `EngineError` where there is none, or its driver is too old.
    """
    driver = load_driver()
    version = ctypes.c_int()
    check(driver.cuDriverGetVersion(ctypes.byref(version)), "asking for the driver's version")
    if version.value < oldest:
        raise EngineError(
            f"the GPU's driver is too old: it supports CUDA {_dotted(version.value)}, "
            f"{_dotted(oldest)} is needed; {CHOICE}"
        )
    count = ctypes.c_int()
    check(driver.cuDeviceGetCount(ctypes.byref(count)), "counting GPUs")
    if count.value <= ordinal:
        raise EngineError(f"GPU {ordinal} is asked for, found {count.value}; {CHOICE}")
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    check(driver.cuDeviceGet(ctypes.byref(device), ordinal), "opening the GPU")
    check(driver.cuDeviceGetName(name, len(name), device), "asking for the GPU's name")
    capability = (_attribute(driver, _MAJOR, device), _attribute(driver, _MINOR, device))
    gpu = Gpu(name.value.decode(), capability, version.value)
    if capability < OLDEST_CAPABILITY:
        raise EngineError(f"{gpu.name} has compute capability {capability[0]}.{capability[1]}, 7.5 is needed; {CHOICE}")
    return gpu


def load_driver() -> ctypes.CDLL:
    """libcuda, initialised. Raises `EngineError` where there is no NVIDIA driver, or no GPU behind it."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise EngineError(f"no NVIDIA driver is installed on this machine (libcuda.so.1); {CHOICE}") from None
    code = driver.cuInit(0)
    if code:
        raise EngineError(f"the NVIDIA driver finds no usable GPU (cuInit returned {code}); {CHOICE}")
    return driver


def check(code: int, doing: str) -> None:
    """Raise `EngineError`, naming the failed step, unless a driver call returned 0."""
    if code:
        raise EngineError(f"{doing} failed: the NVIDIA driver returned {code}; {CHOICE}")


class GraphRecorder:
    """CUDA graph of the work enqueued on a stream inside `with`; `replay` enqueues it again in one call.

    stream: the handle of a pycuda or torch stream. Buffers must stay where they are while the graph lives.
    """

    _RELAXED = 2

    def __init__(self, stream: int):
        self._driver, self._stream = load_driver(), ctypes.c_void_p(stream)
        self._graph, self._instance = ctypes.c_void_p(), ctypes.c_void_p()

    def __enter__(self) -> GraphRecorder:
        check(self._driver.cuStreamBeginCapture_v2(self._stream, self._RELAXED), "recording a CUDA graph")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        code = self._driver.cuStreamEndCapture(self._stream, ctypes.byref(self._graph))
        if kind is not None:
            return
        check(code, "ending a CUDA graph")
        instantiate = self._driver.cuGraphInstantiateWithFlags
        check(
            instantiate(ctypes.byref(self._instance), self._graph, ctypes.c_ulonglong(0)), "instantiating a CUDA graph"
        )

    def replay(self) -> None:
        check(self._driver.cuGraphLaunch(self._instance, self._stream), "launching a CUDA graph")

    def close(self) -> None:
        """Free the graph; the stream's context must be current."""
        for handle, free in (
            (self._instance, self._driver.cuGraphExecDestroy),
            (self._graph, self._driver.cuGraphDestroy),
        ):
            if handle.value:
                check(free(handle), "freeing a CUDA graph")
                handle.value = None


def _attribute(driver: ctypes.CDLL, which: int, device: ctypes.c_int) -> int:
    value = ctypes.c_int()
    check(driver.cuDeviceGetAttribute(ctypes.byref(value), which, device), "asking for the compute capability")
    return value.value


def _dotted(version: int) -> str:
    return f"{version // 1000}.{version % 1000 // 10}"
