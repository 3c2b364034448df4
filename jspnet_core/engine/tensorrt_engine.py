"""TensorRT on an NVIDIA GPU, through pycuda: the robot's engine.

Device buffers, one execution context and one recorded CUDA graph per batch size are there when the engine opens, so a
frame copies in, replays, copies out. Batch sizes are powers of two; what a call has fewer is padding.

The engine has a CUDA context of its own, current only inside its methods, so that it may be opened in one thread, run
in another and closed in a third, and so that two engines share a GPU. No engine has been loaded by this module yet, for
want of a TensorRT that ran on the GPU at hand: see docs/gpu.md.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jspnet_core.cuda.device import DeviceArray
from jspnet_core.cuda.device_network import DeviceNetwork, batch_sizes
from jspnet_core.engine.base import Engine
from jspnet_core.engine.cuda_driver import CHOICE, GraphRecorder, find_gpu
from jspnet_core.engine.engine_build import BuildOptions, block_shape, build_engine
from jspnet_core.engine.engine_cache import EngineCache, EngineKey
from jspnet_core.engine.progress_log import ProgressLog
from jspnet_core.engine.tensorrt_api import Progress, TensorRt
from jspnet_core.errors import EngineError
from jspnet_core.model_file import read_description
from jspnet_core.pipeline.pyramid import Pyramid, stack_pyramids

logger = logging.getLogger(__name__)


def prepare_engine(
    trt: TensorRt,
    model: Path,
    options: BuildOptions,
    *,
    cache: EngineCache | None = None,
    progress: Progress | None = None,
) -> tuple[EngineKey, bytes]:
    """The engine of a model for this machine's GPU, from the cache or built, which delays the node's first start.

    Raises `EngineError` where there is no GPU or TensorRT, `ModelFileError` for a model that cannot be used.
    """
    gpu = find_gpu(oldest=trt.oldest_driver)
    trt.check_gpu(gpu)
    description = read_description(model)
    key = EngineKey.of(model, description.precision, trt.version, gpu.name, gpu.capability, options)

    def build(timing: bytes) -> tuple[bytes, bytes]:
        return build_engine(trt, model, options, timing=timing, progress=progress)

    return key, (cache or EngineCache()).get(key, build)


class TensorRtEngine(Engine):
    """TensorRT on the GPU. `close` frees the GPU; it may be called twice.

    at_once: most blocks that go through together, by which memory goes; None: the profile's most.
    arrays: inputs and outputs on the device by name, for `most` blocks.
    Raises `EngineError` where GPU, driver, TensorRT or pycuda are missing, `ModelFileError` for an unusable model.
    """

    def __init__(
        self,
        model: Path,
        options: BuildOptions | None = None,
        progress: Progress | None = None,
        at_once: int | None = None,
    ):
        self._context: Any = None  # `close` reads it, whatever fails below
        super().__init__(read_description(model))
        self.stream: Any = None
        self._runtime: Any = None
        self._engine: Any = None
        self._arena: Any = None
        self.arrays: dict[str, DeviceArray] = {}
        self._inputs: list[str] = []
        self._host: dict[str, np.ndarray] = {}
        self._contexts: dict[int, Any] = {}
        self._graphs: dict[int, GraphRecorder] = {}
        find_gpu()  # before TensorRT, which may end the process where there is none
        self._trt, self._options = TensorRt(), options or BuildOptions()
        self.most = min(at_once or self._options.blocks[2], self._options.blocks[2])
        self._cuda = _pycuda()
        prepare = partial(prepare_engine, self._trt, model, self._options, progress=progress or ProgressLog())
        key, plan = prepare()
        self._context = self._cuda.Device(0).make_context()
        try:
            if not self._deserialize(plan):
                logger.warning("%s does not take the engine that is kept for it: building it again", self._trt.version)
                EngineCache().discard(key)
                if not self._deserialize(prepare()[1]):
                    raise EngineError(f"{self._trt.version} does not take the engine that it built; {CHOICE}")
            self._open()
        except BaseException:
            self._context.pop()
            self.close()
            raise
        self._context.pop()

    @property
    def is_open(self) -> bool:
        return self._context is not None

    def on_device(self) -> DeviceNetwork:
        """Return this engine as a network for kernels that share its buffers. Raises `KernelsError` if unavailable."""
        from jspnet_core.engine.tensorrt_on_device import TensorRtNetwork

        return TensorRtNetwork(self)

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        c = self.description.configuration
        logits = np.empty((*features.shape[:2], c.classes), np.float32)
        embeddings = np.empty((*features.shape[:2], c.embedding), np.float32)
        with self.current():
            for begin in range(0, len(features), self.most):
                part = slice(begin, begin + self.most)
                stacked = {**stack_pyramids(pyramids[part], c), "features": features[part]}
                logits[part], embeddings[part] = self._run(stacked, len(features[part]))
        return logits, embeddings

    def replay(self, blocks: int) -> None:
        """Enqueue the network for the first so many blocks of `arrays`; the context must be current."""
        size = next(s for s in self._contexts if s >= blocks)
        if size in self._graphs:
            self._graphs[size].replay()
        else:
            self._execute(size)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the engine's context current in the calling thread. Raises `EngineError` once the engine is closed."""
        if self._context is None:
            raise EngineError("the engine is closed")
        self._context.push()
        try:
            yield
        finally:
            self._context.pop()

    def close(self) -> None:
        if self._context is None:
            return
        context, self._context = self._context, None
        context.push()
        try:
            context.synchronize()
            for graph in self._graphs.values():
                graph.close()
        finally:
            self._graphs, self._contexts, self._engine, self._runtime = {}, {}, None, None  # TensorRT's before CUDA's
            self.arrays, self._host, self._arena, self.stream = {}, {}, None, None
            context.detach()  # while it is current: pycuda leaks it in any thread but the one that made it

    def __del__(self) -> None:
        self.close()

    def _deserialize(self, plan: bytes) -> bool:
        self._runtime = self._trt.api.Runtime(self._trt.logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        return self._engine is not None

    def _open(self) -> None:
        api, cuda = self._trt.api, self._cuda
        self.stream = cuda.Stream()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._inputs = [n for n in names if self._engine.get_tensor_mode(n) == api.TensorIOMode.INPUT]
        for name in names:
            shape = block_shape(self._engine.get_tensor_shape(name), self.most, self.description)
            dtype = np.dtype(api.nptype(self._engine.get_tensor_dtype(name)))
            memory = cuda.mem_alloc(math.prod(shape) * dtype.itemsize)
            self.arrays[name] = DeviceArray(int(memory), shape, dtype, memory)
            cuda.memset_d8(self.arrays[name].pointer, 0, self.arrays[name].nbytes)  # padding's indices are in range
        sizes = batch_sizes(self.most)
        self._contexts = {blocks: self._context_for(blocks) for blocks in sizes}
        bytes_needed = max(self._trt.activation_bytes(self._engine, context) for context in self._contexts.values())
        self._arena = cuda.mem_alloc(max(bytes_needed, 256))  # one for all: they work one after the other
        for blocks, context in self._contexts.items():
            context.set_device_memory(int(self._arena), max(bytes_needed, 256))
            self._record(blocks)

    def _context_for(self, blocks: int) -> Any:
        """An execution context for one batch size, its shapes and addresses set."""
        context = self._trt.execution_context(self._engine)
        for name, array in self.arrays.items():
            if name in self._inputs and not context.set_input_shape(name, (blocks, *array.shape[1:])):
                raise EngineError(f"{self._trt.version} refuses {blocks} blocks for input {name}")
            context.set_tensor_address(name, array.pointer)
        return context

    def _record(self, blocks: int) -> None:
        self._execute(blocks)  # what is done once happens outside the recording
        self.stream.synchronize()
        if self._trt.is_capturable(self._contexts[blocks], self.stream.handle):
            graph = GraphRecorder(self.stream.handle)
            with graph:
                self._execute(blocks)
            self._graphs[blocks] = graph

    def _execute(self, blocks: int) -> None:
        if not self._contexts[blocks].execute_async_v3(self.stream.handle):
            raise EngineError(f"{self._trt.version} cannot run {blocks} blocks; see its messages above")

    def _run(self, inputs: dict[str, np.ndarray], blocks: int) -> tuple[np.ndarray, np.ndarray]:
        cuda = self._cuda
        if not self._host:
            self._host = {n: cuda.pagelocked_zeros(a.shape, a.dtype) for n, a in self.arrays.items()}
        for name in self._inputs:
            host = self._host[name]
            host[:blocks] = inputs[name]
            cuda.memcpy_htod_async(self.arrays[name].pointer, host[:blocks], self.stream)
        self.replay(blocks)
        for name in ("logits", "embeddings"):
            cuda.memcpy_dtoh_async(self._host[name][:blocks], self.arrays[name].pointer, self.stream)
        self.stream.synchronize()
        return self._host["logits"][:blocks], self._host["embeddings"][:blocks]


def _pycuda() -> Any:
    try:
        import pycuda.driver as cuda
    except ImportError as error:
        raise EngineError(f"pycuda cannot be loaded ({error}); {CHOICE}") from error
    cuda.init()
    return cuda
