"""The segmenter that fits an engine: a whole frame on the GPU where it can be had, else the CPU around the network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np

from jspnet_core.classes import ClassTable
from jspnet_core.engine import Engine, open_engine
from jspnet_core.engine.model_file import ModelDescription, default_model
from jspnet_core.errors import KernelsError
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import SegmenterSettings

logger = logging.getLogger(__name__)


class AnySegmenter(Protocol):
    """What `Segmenter` and `GpuSegmenter` have in common. Not for several threads at once.

    settings: may be replaced between two clouds. about: what its engine says of itself for the log, or nothing.
    """

    settings: SegmenterSettings
    description: ModelDescription
    classes: ClassTable
    model_name: str
    about: str

    def segment(
        self,
        points: np.ndarray,
        colors: np.ndarray | None = None,
        *,
        T_gravity_input: np.ndarray | None = None,
        instances: bool = True,
    ) -> Segmentation:
        """See `pipeline.segmenter.Segmenter.segment`."""
        ...

    def close(self) -> None:
        """Free what it holds; may be called twice."""


def load_segmenter(
    model: Path | str | None = None,
    engine: str | Engine = "onnxruntime",
    settings: SegmenterSettings | None = None,
) -> AnySegmenter:
    """A segmenter for the engine: a `GpuSegmenter` where the engine runs on a GPU and the kernels can be had there.

    model, engine, settings: as of `Segmenter`; an engine that is loaded already keeps the CPU around it. Steps that
    take long are logged, and a warning says why no more than the network runs on the GPU where that is so.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that is not available.
    """
    settings = settings or SegmenterSettings()
    if not isinstance(engine, str) or engine == "onnxruntime":
        return Segmenter(model, engine, settings)
    loaded = open_engine(engine, default_model() if model is None else Path(model), settings.threads)
    return around(loaded, settings)


def around(loaded: Engine, settings: SegmenterSettings) -> AnySegmenter:
    """The segmenter that fits a loaded engine, and closes it with itself."""
    if hasattr(loaded, "on_device"):
        from jspnet_core.cuda.device_network import check_fits
        from jspnet_core.cuda.segmenter import GpuSegmenter

        try:
            check_fits(loaded.description.configuration)
            network = loaded.on_device()
            if network is not None:
                return GpuSegmenter(network, settings)
        except KernelsError as error:
            logger.warning("only the network runs on the GPU, the rest of a frame on the CPU: %s", error)
    segmenter = Segmenter(engine=loaded, settings=settings)
    segmenter.owns_engine = True
    return segmenter
