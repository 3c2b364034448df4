"""PyTorch for a cloud that stays on the GPU: kernels and network share torch's context, one stream and the memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np
import torch

from jspnet_core.cuda.cuda_device import CudaDevice, cuda
from jspnet_core.cuda.device import Device, DeviceArray
from jspnet_core.cuda.device_network import BLOCKS_PER_CALL, batch_sizes, check_fits, network_inputs
from jspnet_core.errors import EngineError
from jspnet_core.model_file import ModelDescription


class TensorEngine(Protocol):
    """An engine that runs the network on tensors of its device."""

    description: ModelDescription
    device: torch.device

    def run_tensors(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]: ...


class TorchNetwork:
    """PyTorch as a `cuda.device_network.DeviceNetwork`. Runs each batch size at the start to capture its CUDA graph.

    sizes: numbers of blocks that calls are padded to, `most` the last; none: see `batch_sizes`.
    Raises `KernelsError` where the kernels are not available.
    """

    def __init__(self, engine: TensorEngine, most: int = BLOCKS_PER_CALL, sizes: Sequence[int] = ()):
        check_fits(engine.description.configuration)
        self.description, self.most, self._engine = engine.description, most, engine
        self._sizes = list(sizes) or batch_sizes(most)
        self._is_open, ordinal = True, engine.device.index or 0
        torch.zeros(1, device=engine.device)  # torch's context, the primary one, is there from now on
        cuda.init()
        self._context = cuda.Device(ordinal).retain_primary_context()
        with self.current():
            kernels = CudaDevice()
            self.device: Device = kernels
            self.inputs: Mapping[str, DeviceArray] = network_inputs(self.device, engine.description.configuration, most)
            self._tensors = {n: torch.as_tensor(InPlace(a), device=engine.device) for n, a in self.inputs.items()}
            self._stream = torch.cuda.ExternalStream(kernels.stream.handle, device=engine.device)
            for blocks in reversed(self._sizes):  # the largest decides how much memory they share
                self.run(blocks)
            kernels.stream.synchronize()

    @contextmanager
    def current(self) -> Iterator[None]:
        if not self._is_open:
            raise EngineError("the engine is closed")
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def run(self, blocks: int) -> tuple[DeviceArray, DeviceArray]:
        size = next(s for s in self._sizes if s >= blocks)
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            outputs = self._engine.run_tensors({name: tensor[:size] for name, tensor in self._tensors.items()})
            logits, embeddings = (x.float().contiguous() for x in outputs)
        return _array(logits), _array(embeddings)

    def close(self) -> None:
        if self._is_open:
            with self.current():
                self._tensors, self.inputs = {}, {}
                self.device.close()
            self._is_open = False


class InPlace:
    """Adapter through which torch reads pycuda memory without a copy."""

    def __init__(self, array: DeviceArray):
        self.owner = array.owner
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (array.pointer, False),
            "version": 3,
        }


def _array(tensor: torch.Tensor) -> DeviceArray:
    return DeviceArray(tensor.data_ptr(), tuple(tensor.shape), np.dtype(np.float32), tensor)
