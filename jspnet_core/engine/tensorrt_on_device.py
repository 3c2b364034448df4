"""TensorRT for a cloud that stays on the GPU: kernels write to its input buffers. Not executed yet: see docs/gpu.md."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from jspnet_core.cuda.cuda_device import CudaDevice
from jspnet_core.cuda.device import Device, DeviceArray
from jspnet_core.cuda.device_network import check_fits
from jspnet_core.model_file import ModelDescription


class BufferedEngine(Protocol):
    """An engine with device buffers of its own, which `replay` reads and writes."""

    description: ModelDescription
    most: int
    stream: Any
    arrays: dict[str, DeviceArray]

    @property
    def is_open(self) -> bool: ...

    def current(self) -> AbstractContextManager[None]: ...

    def replay(self, blocks: int) -> None: ...

    def close(self) -> None: ...


class TensorRtNetwork:
    """TensorRT as a `cuda.device_network.DeviceNetwork`. Takes the engine over and closes it.

    Raises `KernelsError` where the kernels are not available, and leaves the engine open.
    """

    def __init__(self, engine: BufferedEngine):
        check_fits(engine.description.configuration)
        self.description, self.most, self._engine = engine.description, engine.most, engine
        with engine.current():
            self.device: Device = CudaDevice(engine.stream)
        outputs = ("logits", "embeddings")
        self.inputs: Mapping[str, DeviceArray] = {n: a for n, a in engine.arrays.items() if n not in outputs}

    def current(self) -> AbstractContextManager[None]:
        return self._engine.current()

    def run(self, blocks: int) -> tuple[DeviceArray, DeviceArray]:
        self._engine.replay(blocks)
        return self._engine.arrays["logits"], self._engine.arrays["embeddings"]

    def close(self) -> None:
        if self._engine.is_open:
            with self._engine.current():
                self.device.close()
            self.inputs = {}
            self._engine.close()
