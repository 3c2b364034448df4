"""Create a CPU or GPU segmenter for an engine."""

from __future__ import annotations

import logging
from pathlib import Path

from jspnet_core.engine import Engine, open_engine
from jspnet_core.errors import KernelsError
from jspnet_core.model_file import model_path
from jspnet_core.pipeline.cpu_stages import CpuStages
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.stages import Stages
from jspnet_core.settings import SegmenterSettings
from jspnet_core.util.kernel_cache import tolerate_cache_errors

logger = logging.getLogger(__name__)


def load_segmenter(
    model: Path | str | None = None,
    engine: str = "onnxruntime",
    settings: SegmenterSettings | None = None,
) -> Segmenter:
    """Create a segmenter: every step on the GPU where engine and kernels allow it, else all but the network on the CPU.

    model: a name of `MODELS` or a model file; None: the default. engine: one of `jspnet_core.engine.ENGINES`.
    Slow steps are logged. A warning gives the reason where only the network runs on the GPU.
    Raises `ModelFileError` for a file that cannot be used, `EngineError` for an engine that is not available.
    """
    tolerate_cache_errors()
    settings = settings or SegmenterSettings()
    loaded = open_engine(engine, model_path(model), settings.threads)
    return Segmenter(settings=settings, stages=stages_for(loaded, settings.threads))


def stages_for(engine: Engine, threads: int = 0) -> Stages:
    """Stages on the device of an engine, or on the CPU. They take the engine over and close it.

    threads: of the CPU; 0: one per core.
    """
    try:
        network = engine.on_device()
        if network is not None:
            from jspnet_core.cuda.stages import CudaStages

            return CudaStages(network, about=engine.about)
    except KernelsError as error:
        logger.warning("only the network runs on the GPU, the rest of a frame on the CPU: %s", error)
    return CpuStages(engine, threads, owns_engine=True)
