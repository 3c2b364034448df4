"""Engines run the network: features and pyramids in, logits and embeddings out. All have one interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from jspnet_core.engine.model_file import ModelDescription, ModelFileError
from jspnet_core.pyramid import Pyramid

ENGINES = ("onnxruntime", "tensorrt")
"""Names of the engines that `open_engine` knows."""


class EngineError(ValueError):
    """An engine that cannot be had on this machine: one sentence with the choice that is left."""


class Engine(Protocol):
    """A loaded model."""

    description: ModelDescription

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        """Label B blocks of N points.

        features: (B, N, channels) float32. pyramids: B pyramids with local indices, as `build_pyramid` makes them.
        Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32.
        """
        ...


def open_engine(name: str, model: Path, threads: int = 0) -> Engine:
    """Load a model file into an engine.

    threads: CPU threads of engines that run on the CPU; 0: one per core.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that cannot be had.
    """
    if name == "onnxruntime":
        from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine

        return OnnxRuntimeEngine(model, threads)
    if name == "tensorrt":
        raise EngineError("engine 'tensorrt' is not part of this version; choose engine 'onnxruntime'")
    raise EngineError(f"engine is {name!r}, must be one of {', '.join(ENGINES)}")


__all__ = ["ENGINES", "Engine", "EngineError", "ModelDescription", "ModelFileError", "open_engine"]
