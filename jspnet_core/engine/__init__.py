"""Engines run the network: features and pyramids in, logits and embeddings out. All have one interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from jspnet_core.engine.model_file import ModelDescription
from jspnet_core.errors import EngineError
from jspnet_core.pipeline.pyramid import Pyramid

ENGINES = ("onnxruntime", "openvino", "tensorrt", "torch")
"""Names of the engines that `open_engine` knows."""


class Engine(Protocol):
    """A loaded model.

    One that has a method `on_device` gives itself as a `cuda.device_network.DeviceNetwork`, for a frame that
    stays on the GPU, or None where it runs on the CPU. One that has a method `close` wants it called.

    One that has an attribute `takes_fewer_points`, and it is true, labels blocks of any number of points from
    `levels[0]` to `points` of its configuration, each block another, and labels a block without its padding as it does
    with it. To others all blocks are of `points` points.
    One that has an attribute `about` says in it, for the log, what it computes with.
    """

    description: ModelDescription

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        """Label B blocks of N points.

        features: (B, N, channels) float32. pyramids: B pyramids with local indices, as `build_pyramid` makes them; one
        of fewer points than N says that the block is its first rows alone.
        Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32, zeros behind a block's points.
        """
        ...


def open_engine(name: str, model: Path, threads: int = 0) -> Engine:
    """Load a model file into an engine.

    name: one of `ENGINES`. threads: CPU threads of engines that run on the CPU; 0: one per core.
    Steps that take long are logged with their progress, level INFO.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that is not available.
    """
    if name == "onnxruntime":
        from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model, threads)
    if name == "openvino":
        from jspnet_core.engine.openvino_engine import OpenVinoEngine

        return OpenVinoEngine(model, threads)
    if name == "tensorrt":
        from jspnet_core.cuda.device_network import AT_ONCE
        from jspnet_core.engine.tensorrt_engine import TensorRtEngine

        return TensorRtEngine(model, at_once=AT_ONCE)
    if name == "torch":
        if model.suffix != ".pt":
            raise EngineError(f"engine 'torch' reads a checkpoint (best.pt) of jspnet train, found {model}")
        try:
            from jspnet_core.engine.torch_engine import TorchEngine
        except ModuleNotFoundError as error:
            raise EngineError(f"engine 'torch' needs {error.name}, which is not installed here") from error
        return TorchEngine.open(model)
    raise EngineError(f"engine is {name!r}, must be one of {', '.join(ENGINES)}")


__all__ = ["ENGINES", "Engine", "ModelDescription", "open_engine"]
