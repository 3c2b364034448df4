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

from jspnet_core.engine.model_file import REPAIR, ModelFileError, read_description
from jspnet_core.pyramid import Pyramid


class OnnxRuntimeEngine:
    """See `jspnet_core.engine.Engine`.

    Blocks go through one by one: on a CPU a batch is not faster, and one block's attention is what fits the cache.
    """

    def __init__(self, model: Path, threads: int = 0):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.description = read_description(model)
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except NotImplemented as error:
            raise ModelFileError(
                f"{model} computes in {self.description.precision}, for which ONNX Runtime has no operators on this "
                "CPU; choose engine 'tensorrt', or export with --precision fp32"
            ) from error
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf) as error:
            raise ModelFileError(f"{model} is truncated or not an ONNX model; {REPAIR}") from error

        # Where all points offer PIFF's keys, a repeated one weighs double: without the padding labels would change.
        self.takes_fewer_points = self.description.configuration.piff_keys == "level1"

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        return run_blocks(self._session, features, pyramids)


def run_blocks(
    session: onnxruntime.InferenceSession, features: np.ndarray, pyramids: Sequence[Pyramid]
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and embeddings of B blocks, one after the other: see `jspnet_core.engine.Engine.run`."""
    inputs = [value.name for value in session.get_inputs() if value.name != "features"]
    widths = {value.name: value.shape[-1] for value in session.get_outputs()}
    logits, embeddings = (
        np.empty((*features.shape[:2], widths[name]), np.float32) for name in ("logits", "embeddings")
    )
    for b, pyramid in enumerate(pyramids):
        feed = {name: pyramid[name][None] for name in inputs}  # one block: local indices are flat already
        feed["features"] = features[b : b + 1]
        logits[b : b + 1], embeddings[b : b + 1] = session.run(["logits", "embeddings"], feed)
    return logits, embeddings
