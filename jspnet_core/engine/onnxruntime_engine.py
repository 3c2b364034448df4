"""ONNX Runtime on the CPU, the default engine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NotImplemented,
)

from jspnet_core.engine.base import Engine
from jspnet_core.engine.per_block import RunBlock, run_each
from jspnet_core.errors import ModelFileError
from jspnet_core.model_file import REPAIR, read_description
from jspnet_core.pipeline.pyramid import Pyramid
from jspnet_core.util.threads import available_cores, create_pool

MAX_STREAMS = 8
"""Blocks that go through at the same time, at most: each has its own activations in memory."""


class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on the CPU.

    Blocks run one at a time per thread: the layers are too small for parallel execution to pay, and the attention of
    one block just fits a cache. A single block uses all threads.
    """

    def __init__(self, model: Path, threads: int = 0):
        description = read_description(model)
        # Where all points offer PIFF's keys, a repeated one weighs double: without the padding labels would change.
        super().__init__(description, takes_fewer_points=description.configuration.piff_samples)
        self._model, self._file = model, model.read_bytes()  # the file may be another one when `_wide` is opened
        self._threads = threads or available_cores()
        self._streams = min(self._threads, MAX_STREAMS)
        self._session = self._open(self._threads - self._streams + 1)  # what the streams leave over helps them all
        self._wide: onnxruntime.InferenceSession | None = None  # all threads on one block, opened when first needed
        self._executor = create_pool(self._streams)

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        alone = None
        if self._streams > 1 and len(pyramids) % self._streams == 1:
            alone = self._wide = self._wide or self._open(self._threads)
        return run_session(self._session, features, pyramids, self._executor, alone)

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    def _open(self, threads: int) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Its threads spin between the operators of a block, and would go on when the block is done: beside them the
        # other stages take half as long again.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            return onnxruntime.InferenceSession(self._file, options, providers=["CPUExecutionProvider"])
        except NotImplemented as error:
            raise ModelFileError(
                f"{self._model} computes in {self.description.precision}, for which ONNX Runtime has no operators on "
                "this CPU; choose engine 'tensorrt', or export with --precision fp32"
            ) from error
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise ModelFileError(f"{self._model} is truncated or not an ONNX model; {REPAIR}") from error


def run_session(
    session: onnxruntime.InferenceSession,
    features: np.ndarray,
    pyramids: Sequence[Pyramid],
    executor: Executor | None = None,
    alone: onnxruntime.InferenceSession | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of B blocks: see `jspnet_core.engine.per_block.run_each`."""
    names = [value.name for value in session.get_inputs() if value.name != "features"]
    width = {value.name: value.shape[-1] for value in session.get_outputs()}
    widths = width["logits"], width["embeddings"]
    return run_each(_one(session), names, features, pyramids, widths, executor, alone and _one(alone))


def _one(session: onnxruntime.InferenceSession) -> RunBlock:
    return lambda feed: session.run(["logits", "embeddings"], feed)
