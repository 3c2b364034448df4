"""OpenVINO on the CPU: bfloat16 where the CPU multiplies it (AVX512-BF16, AMX), which halves memory traffic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

import numpy as np

from jspnet_core.engine.base import Engine
from jspnet_core.engine.per_block import run_each
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.model_file import REPAIR, read_description
from jspnet_core.pipeline.pyramid import Pyramid, pyramid_names
from jspnet_core.util.threads import available_cores, create_pool


class OpenVinoEngine(Engine):
    """OpenVINO on the CPU. Each block runs on one thread, several blocks in parallel.

    threads: 0: one per core. precision: None: bf16 where the CPU has it, else f32.
    Raises `EngineError` where OpenVINO is not installed, `ModelFileError` for an unusable model.
    """

    def __init__(self, model: Path, threads: int = 0, precision: Literal["bf16", "f32"] | None = None):
        try:
            import openvino  # a second to import
        except ModuleNotFoundError as error:
            raise EngineError(
                "engine 'openvino' needs OpenVINO, which is not installed here: pip install 'jspnet[openvino]', or "
                "choose engine:=onnxruntime"
            ) from error
        description = read_description(model)
        threads = threads or available_cores()
        core = openvino.Core()
        native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision: str = precision or ("bf16" if native else "f32")
        about = f"OpenVINO {openvino.__version__.split('-')[0]}, {self.precision}"
        if not (native or precision):
            about += " (this CPU has no bf16)"
        fewer = description.configuration.piff_samples  # see `OnnxRuntimeEngine`
        super().__init__(description, takes_fewer_points=fewer, about=about)
        hints = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        try:
            compiled = core.compile_model(core.read_model(model), "CPU", hints)
        except RuntimeError as error:
            raise ModelFileError(f"{model} is not a model that OpenVINO can use; {REPAIR}") from error
        named = set().union(*(port.get_names() for port in compiled.inputs))  # a port has those of what it feeds, too
        self._inputs = [name for name in pyramid_names() if name in named]
        self._executor = create_pool(threads)
        self._idle: SimpleQueue = SimpleQueue()
        for _ in range(threads):
            self._idle.put(compiled.create_infer_request())

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        c = self.description.configuration
        widths = c.classes, c.embedding
        return run_each(self._run_block, self._inputs, features, pyramids, widths, self._executor)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    def _run_block(self, feed: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        request = self._idle.get()
        result = request.infer(feed, share_inputs=True)
        logits, embeddings = result["logits"], result["embeddings"]
        self._idle.put(request)
        return logits, embeddings
