"""Pre-build engine and kernels, which a first start would otherwise wait for."""

from __future__ import annotations

import logging
from pathlib import Path

from jspnet_core.cuda.nvcc import compile_all
from jspnet_core.engine.cuda_driver import find_gpu
from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.engine.engine_cache import EngineCache
from jspnet_core.engine.progress_log import ProgressLog
from jspnet_core.engine.tensorrt_api import Progress, TensorRt
from jspnet_core.engine.tensorrt_engine import prepare_engine
from jspnet_core.errors import EngineError, KernelsError
from jspnet_core.model_file import read_description

logger = logging.getLogger(__name__)


def build_ahead(
    engine: str,
    model: Path,
    *,
    options: BuildOptions | None = None,
    cache: EngineCache | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build the engine of this machine's GPU unless it is cached, and compile the kernels. Returns the engine's file.

    progress: called with the phase of the build and its share done; None: progress is logged.
    Raises `EngineError` for an engine that needs no building and where GPU or TensorRT are missing, `ModelFileError`
    for a model that cannot be used. A missing compiler for the kernels is a warning: the engine runs without them.
    """
    if engine != "tensorrt":
        raise EngineError(f"engine {engine!r} needs no building; engine:=tensorrt does")
    description = read_description(model)
    gpu = find_gpu()  # before TensorRT, which may end the process where there is none
    store = cache or EngineCache()
    key, plan = prepare_engine(
        TensorRt(), model, options or BuildOptions(), cache=store, progress=progress or ProgressLog()
    )
    try:
        compile_all(gpu.capability, store.folder)
    except KernelsError as error:
        logger.warning("only the network will run on the GPU, the rest of a frame on the CPU: %s", error)
    size = len(plan) / 1e6
    logger.info("%s, %s: engine of %.1f MB is in %s", description.name, description.precision, size, store.path(key))
    return store.path(key)
