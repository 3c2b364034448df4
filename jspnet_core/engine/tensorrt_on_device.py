"""TensorRT between kernels: they write into its input buffers, in its stream. Not executed yet: see docs/gpu.md."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from jspnet_core.cuda.cuda_device import CudaDevice
from jspnet_core.cuda.device import Device, DeviceArray

if TYPE_CHECKING:
    from jspnet_core.engine.tensorrt_engine import TensorRtEngine


class TensorRtNetwork:
    """See `cuda.device_network.DeviceNetwork`. The engine becomes the network's, which closes it.

    Raises `KernelsError` where the kernels cannot be had; the engine is as it was then.
    """

    def __init__(self, engine: TensorRtEngine):
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
