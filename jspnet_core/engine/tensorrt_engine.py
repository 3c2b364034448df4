"""TensorRT on an NVIDIA GPU, through pycuda: the robot's engine.

Everything is allocated when the engine opens: device buffers for the largest number of blocks, pinned host buffers, one
execution context and one recorded CUDA graph per batch size. A frame copies in, replays, copies out. Batch sizes are
powers of two; what a call has fewer is padding.

The engine has a CUDA context of its own, current only inside its methods, so that it may be opened in one thread and
run in another, and so that two engines share a GPU. This module has never been executed on a GPU: see docs/gpu.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.engine.cuda_driver import CHOICE, GraphRecorder, find_gpu
from jspnet_core.engine.engine_build import BuildOptions, block_shape, build_engine
from jspnet_core.engine.engine_cache import EngineCache, EngineKey
from jspnet_core.engine.errors import EngineError
from jspnet_core.engine.model_file import read_description
from jspnet_core.engine.tensorrt_api import Progress, TensorRt
from jspnet_core.pyramid import Pyramid, stack_pyramids


def prepare_engine(
    trt: TensorRt,
    model: Path,
    options: BuildOptions,
    *,
    cache: EngineCache | None = None,
    log: Callable[[str], None] = print,
    progress: Progress | None = None,
) -> tuple[EngineKey, bytes]:
    """The engine of a model for this machine's GPU, from the cache or built: what the node's first start waits for.

    Raises `EngineError` where there is no GPU or TensorRT, `ModelFileError` for a model that cannot be used.
    """
    gpu = find_gpu()
    description = read_description(model)
    key = EngineKey.of(model, description.precision, trt.version, gpu.name, gpu.capability, options)

    def build(timing: bytes) -> tuple[bytes, bytes]:
        return build_engine(trt, model, options, timing=timing, progress=progress)

    return key, (cache or EngineCache()).get(key, build, log)


def batch_sizes(most: int) -> list[int]:
    """Powers of two below `most`, and `most`."""
    return [*(1 << i for i in range(most.bit_length()) if 1 << i < most), most]


class TensorRtEngine:
    """See `jspnet_core.engine.Engine`. `close` frees the GPU; it may be called twice.

    Raises `EngineError` where GPU, driver, TensorRT or pycuda are missing, `ModelFileError` for an unusable model.
    """

    def __init__(self, model: Path, options: BuildOptions | None = None, log: Callable[[str], None] = print):
        self._context: Any = None
        self._stream: Any = None
        self._runtime: Any = None
        self._engine: Any = None
        self._arena: Any = None
        self._device: dict[str, Any] = {}
        self._host: dict[str, np.ndarray] = {}
        self._contexts: dict[int, Any] = {}
        self._graphs: dict[int, GraphRecorder] = {}
        self.description = read_description(model)
        self._trt, self._options = TensorRt(log=log), options or BuildOptions()
        _, plan = prepare_engine(self._trt, model, self._options, log=log)
        self._cuda = _pycuda()
        self._context = self._cuda.Device(0).make_context()
        try:
            self._open(plan)
        except BaseException:
            self._context.pop()
            self.close()
            raise
        self._context.pop()

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        c = self.description.configuration
        logits = np.empty((*features.shape[:2], c.classes), np.float32)
        embeddings = np.empty((*features.shape[:2], c.embedding), np.float32)
        most = self._options.blocks[2]
        with self._current():
            for begin in range(0, len(features), most):
                part = slice(begin, begin + most)
                stacked = {**stack_pyramids(pyramids[part], c), "features": features[part]}
                logits[part], embeddings[part] = self._run(stacked, len(features[part]))
        return logits, embeddings

    def close(self) -> None:
        if self._context is None:
            return
        self._context.push()
        self._context.synchronize()
        for graph in self._graphs.values():
            graph.close()
        self._graphs, self._contexts, self._engine, self._runtime = {}, {}, None, None  # TensorRT's before CUDA's
        self._device, self._host, self._arena, self._stream = {}, {}, None, None
        self._context.pop()
        self._context.detach()
        self._context = None

    def __del__(self) -> None:
        self.close()

    @contextmanager
    def _current(self) -> Iterator[None]:
        if self._context is None:
            raise EngineError("the engine is closed")
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def _open(self, plan: bytes) -> None:
        api = self._trt.api
        self._stream = self._cuda.Stream()
        self._runtime = api.Runtime(self._trt.logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise EngineError(f"{self._trt.version} does not take the engine that it built; {CHOICE}")
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._inputs: list[str] = [n for n in names if self._engine.get_tensor_mode(n) == api.TensorIOMode.INPUT]
        most = self._options.blocks[2]
        self._shapes: dict[str, tuple[int, ...]] = {
            n: block_shape(self._engine.get_tensor_shape(n), 1, self.description)[1:] for n in names
        }
        types = {n: np.dtype(api.nptype(self._engine.get_tensor_dtype(n))) for n in names}
        self._host = {n: self._cuda.pagelocked_zeros((most, *self._shapes[n]), types[n]) for n in names}
        self._device = {n: self._cuda.mem_alloc(self._host[n].nbytes) for n in names}
        for name in names:
            self._cuda.memset_d8(self._device[name], 0, self._host[name].nbytes)
        size = max(int(getattr(self._engine, "device_memory_size_v2", 0)), 256)
        self._arena = self._cuda.mem_alloc(size)
        for blocks in batch_sizes(most):
            self._record(blocks, size)

    def _record(self, blocks: int, size: int) -> None:
        """A context for one batch size, its shapes set and its work recorded; all share one arena."""
        strategy = self._trt.api.ExecutionContextAllocationStrategy.USER_MANAGED
        context = self._engine.create_execution_context(strategy)
        context.set_device_memory(int(self._arena), size)
        for name, buffer in self._device.items():
            if name in self._inputs and not context.set_input_shape(name, (blocks, *self._shapes[name])):
                raise EngineError(f"{self._trt.version} refuses {blocks} blocks for input {name}")
            context.set_tensor_address(name, int(buffer))
        context.execute_async_v3(self._stream.handle)  # what is done once happens outside the recording
        self._stream.synchronize()
        graph = GraphRecorder(self._stream.handle)
        with graph:
            context.execute_async_v3(self._stream.handle)
        self._contexts[blocks], self._graphs[blocks] = context, graph

    def _run(self, inputs: dict[str, np.ndarray], blocks: int) -> tuple[np.ndarray, np.ndarray]:
        size = next(s for s in self._graphs if s >= blocks)
        for name in self._inputs:
            host = self._host[name]
            host[:blocks] = inputs[name]
            self._cuda.memcpy_htod_async(self._device[name], host[:blocks], self._stream)
        self._graphs[size].replay()
        for name in ("logits", "embeddings"):
            self._cuda.memcpy_dtoh_async(self._host[name][:blocks], self._device[name], self._stream)
        self._stream.synchronize()
        return self._host["logits"][:blocks], self._host["embeddings"][:blocks]


def _pycuda() -> Any:
    try:
        import pycuda.driver as cuda
    except ImportError as error:
        raise EngineError(f"pycuda cannot be loaded ({error}); {CHOICE}") from error
    cuda.init()
    return cuda
