"""Differences between TensorRT 10.3 (JetPack 6), 11 and TensorRT-RTX.

TensorRT 11 builds strongly typed networks only and has no flag for it; TensorRT 10 needs the flag. TensorRT-RTX is the
same interface under another name: it needs no GPU to build, and compiles the last step when an engine is loaded.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from typing import Any

from jspnet_core.engine.cuda_driver import CHOICE, OLDEST_DRIVER, Gpu
from jspnet_core.errors import EngineError

logger = logging.getLogger(__name__)

PACKAGES = ("tensorrt", "tensorrt_rtx", "tensorrt_rtx_bindings")
"""Python packages of the interface, in order of preference."""

OLDEST = (10, 3)

Progress = Callable[[str, float], None]
"""Called with the phase of a build and its share done, 0 to 1."""


class TensorRt:
    """The installed TensorRT. Raises `EngineError` where there is none, or one too old.

    packages: names to look for, in order.
    """

    def __init__(self, packages: Sequence[str] = PACKAGES):
        found = next((name for name in packages if find_spec(name)), None)
        if found is None:
            raise EngineError(f"TensorRT is not installed ({' or '.join(packages[:2])}, Python packages); {CHOICE}")
        try:
            self.api: Any = import_module(found)
        except ImportError as error:
            raise EngineError(f"TensorRT is installed but cannot be loaded ({error}); {CHOICE}") from error
        self.is_rtx = "rtx" in found
        self.version = f"{'TensorRT-RTX' if self.is_rtx else 'TensorRT'} {self.api.__version__}"
        numbers = tuple(int(part) for part in self.api.__version__.split(".")[:2])
        if not self.is_rtx and numbers < OLDEST:
            raise EngineError(f"{self.version} is too old, 10.3 is the oldest that is taken; {CHOICE}")
        self.logger = _logger(self.api)
        self.oldest_driver = max(1000 * _cuda_major(found), OLDEST_DRIVER)
        """CUDA that the GPU's driver must take, 12000 for 12.0: newer minor versions run on it."""

    def check_gpu(self, gpu: Gpu) -> None:
        """Raise `EngineError` for data-centre GPUs: TensorRT-RTX builds engines for them but cannot run these."""
        if not self.is_rtx:
            return
        known = sorted((int(n[2:-1]), int(n[-1])) for n in self.api.ComputeCapability.__members__ if n.startswith("SM"))
        if gpu.capability in known or gpu.capability > known[-1]:
            return
        found, *takes = (f"{major}.{minor}" for major, minor in (gpu.capability, *known))
        raise EngineError(
            f"{self.version} does not run on {gpu.name}, of compute capability {found}: it takes {', '.join(takes)} "
            f"and above; install TensorRT, or {CHOICE}"
        )

    def create_network(self, builder: Any) -> Any:
        """Create a strongly typed network: its data types are those of the model file."""
        flags = self.api.NetworkDefinitionCreationFlag
        return builder.create_network(1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0)

    def create_config(self, builder: Any, memory_mb: int, progress: Progress | None) -> Any:
        """memory_mb: most workspace that a layer may ask for; 0: no bound."""
        config = builder.create_builder_config()
        config.profiling_verbosity = self.api.ProfilingVerbosity.DETAILED
        if memory_mb:
            config.set_memory_pool_limit(self.api.MemoryPoolType.WORKSPACE, memory_mb << 20)
        if progress is not None:
            config.progress_monitor = _monitor(self.api, progress)
        return config

    def build_for(self, config: Any, capability: tuple[int, int]) -> None:
        """Build for a GPU that this machine need not have; TensorRT-RTX alone can."""
        name = f"SM{capability[0]}{capability[1]}"
        if not self.is_rtx or name not in self.api.ComputeCapability.__members__:
            raise EngineError(
                f"{self.version} cannot build for compute capability {capability[0]}.{capability[1]} here"
            )
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(self.api.ComputeCapability, name), 0)

    def load_timing_cache(self, config: Any, data: bytes) -> None:
        """Measurements of earlier builds, empty for none. TensorRT-RTX measures nothing when it builds."""
        if self.is_rtx:
            return
        cache = config.create_timing_cache(data) or config.create_timing_cache(b"")  # a damaged one is as good as none
        if cache is None or not config.set_timing_cache(cache, ignore_mismatch=False):
            config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)

    def timing_cache(self, config: Any) -> bytes:
        cache = None if self.is_rtx else config.get_timing_cache()
        return b"" if cache is None else bytes(cache.serialize())

    def execution_context(self, engine: Any) -> Any:
        """Create an execution context without memory of its own.

        TensorRT-RTX compiles the kernels of each shape now: a CUDA graph captured before would keep the slow ones.
        """
        strategy = self.api.ExecutionContextAllocationStrategy.USER_MANAGED
        if not self.is_rtx:
            return engine.create_execution_context(strategy)
        config = engine.create_runtime_config()
        config.set_execution_context_allocation_strategy(strategy)
        config.dynamic_shapes_kernel_specialization_strategy = self.api.DynamicShapesKernelSpecializationStrategy.EAGER
        return engine.create_execution_context(config)

    def activation_bytes(self, engine: Any, context: Any) -> int:
        """Memory that a context needs for the shapes it was given; where it cannot be asked, for the largest ones."""
        if hasattr(context, "update_device_memory_size_for_shapes"):
            return int(context.update_device_memory_size_for_shapes())
        return int(getattr(engine, "device_memory_size_v2", None) or engine.device_memory_size)

    def is_capturable(self, context: Any, stream: int) -> bool:
        """Return whether a CUDA graph can be captured from a context; always true for TensorRT here."""
        return not self.is_rtx or bool(context.is_stream_capturable(stream))

    def layers(self, engine: Any) -> str:
        """Layer information of a loaded engine, JSON."""
        return engine.create_engine_inspector().get_engine_information(self.api.LayerInformationFormat.JSON)


def _cuda_major(package: str) -> int:
    """Major CUDA version that a package is built for, from its distribution's name (tensorrt_cu13); 0: not named."""
    names = " ".join(packages_distributions().get(package, []))
    found = re.search(r"cu(\d\d)", names)
    return int(found.group(1)) if found else 0


def _logger(api: Any) -> Any:
    """TensorRT's logger, which forwards warnings and errors to this module's."""
    levels = {api.ILogger.WARNING: logging.WARNING}

    class Logger(api.ILogger):
        def __init__(self) -> None:
            api.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if int(severity) <= int(api.ILogger.WARNING):
                logger.log(levels.get(severity, logging.ERROR), "%s", message)

    return Logger()


def _monitor(api: Any, progress: Progress) -> Any:
    class Monitor(api.IProgressMonitor):
        def __init__(self) -> None:
            api.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None:
            self.steps[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            progress(phase_name, (step + 1) / max(self.steps.get(phase_name, 1), 1))
            return True  # go on

        def phase_finish(self, phase_name: str) -> None:
            progress(phase_name, 1.0)

    return Monitor()
