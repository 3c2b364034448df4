"""Build a TensorRT engine from a model file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jspnet_core.engine.tensorrt_api import Progress, TensorRt
from jspnet_core.errors import EngineError, ModelFileError
from jspnet_core.model_file import REPAIR, ModelDescription, read_description


@dataclass(frozen=True)
class BuildOptions:
    """Options of an engine build.

    blocks: fewest, typical and most blocks of a call. memory_mb: most workspace of a layer, MiB; 0: no bound.
    Raises ValueError for blocks that are not ascending from 1 on.
    """

    blocks: tuple[int, int, int] = (1, 32, 128)
    memory_mb: int = 2048

    def __post_init__(self) -> None:
        low, typical, most = self.blocks
        if not 1 <= low <= typical <= most:
            raise EngineError(f"blocks are {self.blocks}, must be three numbers that do not fall, from 1 on")
        if self.memory_mb < 0:
            raise EngineError(f"memory_mb is {self.memory_mb}, must be 0 (no bound) or more")


def build_engine(
    trt: TensorRt,
    model: Path,
    options: BuildOptions,
    *,
    timing: bytes = b"",
    capability: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> tuple[bytes, bytes]:
    """Parse and build. Returns the serialised engine and the timing cache.

    capability: build for a GPU that is not here (TensorRT-RTX); None: for this machine's.
    Raises `ModelFileError` for a model that TensorRT does not parse, `EngineError` where building fails.
    """
    description = read_description(model)
    builder = trt.api.Builder(trt.logger)
    network = trt.create_network(builder)
    parser = trt.api.OnnxParser(network, trt.logger)
    if not parser.parse(model.read_bytes()):
        why = parser.get_error(0).desc() if parser.num_errors else "no reason given"
        raise ModelFileError(f"{trt.version} cannot parse {model}: {why}; {REPAIR}")
    config = trt.create_config(builder, options.memory_mb, progress)
    if capability is not None:
        trt.build_for(config, capability)
    config.add_optimization_profile(_profile(builder, network, description, options.blocks))
    trt.load_timing_cache(config, timing)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise EngineError(f"{trt.version} parsed {model} but built no engine; see its messages above")
    return bytes(engine), trt.timing_cache(config)


def _profile(builder: object, network: object, description: ModelDescription, blocks: tuple[int, int, int]) -> object:
    profile = builder.create_optimization_profile()  # type: ignore[attr-defined]
    for i in range(network.num_inputs):  # type: ignore[attr-defined]
        tensor = network.get_input(i)  # type: ignore[attr-defined]
        profile.set_shape(tensor.name, *(block_shape(tensor.shape, b, description) for b in blocks))
    return profile


def block_shape(shape: tuple[int, ...], blocks: int, description: ModelDescription) -> tuple[int, ...]:
    """An input's or output's shape for a number of blocks; open axes are -1: the blocks first, then the points."""
    points = description.configuration.points
    return (blocks, *(points if axis < 0 else axis for axis in tuple(shape)[1:]))
