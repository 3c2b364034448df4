"""ONNX Runtime on the CPU: the engine that runs anywhere."""

from __future__ import annotations

from collections.abc import Sequence
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

from jspnet_core.engine.model_file import REPAIR, ModelDescription, ModelFileError
from jspnet_core.pyramid import Pyramid


class OnnxRuntimeEngine:
    """See `jspnet_core.engine.Engine`.

    Blocks go through one by one: on a CPU a batch is not faster, and one block's attention is what fits the cache.
    """

    def __init__(self, model: Path, threads: int = 0):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        if not model.is_file():
            raise ModelFileError(f"{model} does not exist; name an existing model file, or leave the default")
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplemented) as error:
            raise ModelFileError(f"{model} is truncated or not an ONNX model; {REPAIR}") from error
        self.description = ModelDescription.from_metadata(model, self._session.get_modelmeta().custom_metadata_map)
        self._inputs = [value.name for value in self._session.get_inputs() if value.name != "features"]

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        c = self.description.configuration
        logits = np.empty((*features.shape[:2], c.classes), np.float32)
        embeddings = np.empty((*features.shape[:2], c.embedding), np.float32)
        for b, pyramid in enumerate(pyramids):
            feed = {name: pyramid[name][None] for name in self._inputs}  # one block: local indices are flat already
            feed["features"] = features[b : b + 1]
            logits[b : b + 1], embeddings[b : b + 1] = self._session.run(["logits", "embeddings"], feed)
        return logits, embeddings
