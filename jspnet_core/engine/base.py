"""The interface of all engines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from jspnet_core.cuda.device_network import DeviceNetwork
from jspnet_core.model_file import ModelDescription
from jspnet_core.pipeline.pyramid import Pyramid


class Engine(ABC):
    """A loaded model that runs the network.

    description: the metadata of the model.
    takes_fewer_points: True where `run` accepts blocks of any number of points from `levels[0]` to `points` of the
        configuration, each block another, and labels a block without its padding as it does with it. Where False, all
        blocks must have `points` points.
    about: runtime and precision, for the log; may be empty.
    """

    def __init__(self, description: ModelDescription, *, takes_fewer_points: bool = False, about: str = ""):
        self.description = description
        self.takes_fewer_points = takes_fewer_points
        self.about = about

    @abstractmethod
    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        """Compute logits and embeddings of B blocks of N points.

        features: (B, N, channels) float32. pyramids: B pyramids with local indices, see `build_pyramid`; a pyramid of
        fewer than N points marks the rest of its block's rows as padding.
        Returns logits (B, N, classes) float32 and embeddings (B, N, embedding) float32, zeros at the padding.
        """

    def on_device(self) -> DeviceNetwork | None:
        """Return this engine for a cloud that stays on the GPU, or None where the engine runs on the CPU.

        Raises `KernelsError` where the kernels around the network are not available.
        """
        return None

    def close(self) -> None:  # noqa: B027 (most engines hold nothing)
        """Free memory and threads; may be called twice."""


class RedescribedEngine(Engine):
    """An engine on the CPU with another description: a user's class table or mean instance sizes.

    The network's configuration must be that of the engine it wraps.
    """

    def __init__(self, engine: Engine, description: ModelDescription):
        super().__init__(description, takes_fewer_points=engine.takes_fewer_points, about=engine.about)
        self._engine = engine

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        return self._engine.run(features, pyramids)

    def close(self) -> None:
        self._engine.close()
