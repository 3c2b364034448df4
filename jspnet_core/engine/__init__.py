"""Engines run the network: features and pyramids in, logits and embeddings out."""

from __future__ import annotations

from pathlib import Path

from jspnet_core.engine.base import Engine, RedescribedEngine
from jspnet_core.errors import EngineError

ENGINES = ("onnxruntime", "openvino", "tensorrt", "torch")
"""Names of the engines that `open_engine` knows."""


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
        from jspnet_core.cuda.device_network import BLOCKS_PER_CALL
        from jspnet_core.engine.tensorrt_engine import TensorRtEngine

        return TensorRtEngine(model, at_once=BLOCKS_PER_CALL)
    if name == "torch":
        if model.suffix != ".pt":
            raise EngineError(f"engine 'torch' reads a checkpoint (best.pt) of jspnet train, found {model}")
        try:
            from jspnet_core.engine.torch_engine import TorchEngine
        except ModuleNotFoundError as error:
            raise EngineError(f"engine 'torch' needs {error.name}, which is not installed here") from error
        return TorchEngine.open(model)
    raise EngineError(f"engine is {name!r}, must be one of {', '.join(ENGINES)}")


__all__ = ["ENGINES", "Engine", "RedescribedEngine", "open_engine"]
