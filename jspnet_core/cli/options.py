"""Command line options that come from `SegmenterSettings`: its descriptions, bounds and defaults, written once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from jspnet_core import engine as engines
from jspnet_core.engine import ENGINES
from jspnet_core.errors import JspnetError
from jspnet_core.evaluation.paper_protocol import BANDWIDTH
from jspnet_core.model_file import default_model
from jspnet_core.network_config import NetworkConfiguration, Size
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import FrameSettings, SegmenterSettings, UpAxis

DEFAULTS = SegmenterSettings()
FRAME_DEFAULTS = FrameSettings()


class OptionError(JspnetError):
    """Options that do not fit: one sentence."""


def _option(field: str, *names: str) -> Any:
    """A typer option with the description and the bounds of a settings field."""
    info = SegmenterSettings.model_fields[field]
    bounds = {key: getattr(limit, key) for limit in info.metadata for key in ("ge", "le") if hasattr(limit, key)}
    return typer.Option(*names, help=info.description, min=bounds.get("ge"), max=bounds.get("le"))


def _room_or_frame_option(field: str) -> Any:
    """The same for a field whose default is another one for frames of a sensor: None stands for both."""
    option = _option(field)
    room, frame = getattr(DEFAULTS, field), getattr(FRAME_DEFAULTS, field)
    option.help += f"; without it {room} for rooms, {frame} for single views"
    return option


def _protocol_option(field: str, of_paper: float) -> Any:
    """The same for a field whose default is another one in the paper's protocol: None stands for both."""
    option = _option(field)
    option.help += f"; without it {getattr(DEFAULTS, field)}, or {of_paper} with --protocol paper"
    return option


Up = Annotated[UpAxis, _option("up_axis", "--up")]
Voxel = Annotated[float, _option("voxel_size", "--voxel")]
Stride = Annotated[float, _option("stride")]
MaxBlocks = Annotated[int, _option("max_blocks")]
Bandwidth = Annotated[float, _option("bandwidth")]
Merging = Annotated[Literal["contact", "fixed", "legacy"], _option("merging")]
MinInstanceRatio = Annotated[float, _option("min_instance_ratio")]
AlwaysKept = Annotated[int, _option("always_kept")]
SplitGap = Annotated[float, _option("split_gap")]
MinClassArea = Annotated[float, _option("min_class_area")]
Turn = Annotated[float, _option("turn")]
Threads = Annotated[int, _option("threads")]
RoomOrFrameStride = Annotated[float | None, _room_or_frame_option("stride")]
RoomOrFrameMaxBlocks = Annotated[int | None, _room_or_frame_option("max_blocks")]
RoomOrFrameAlwaysKept = Annotated[int | None, _room_or_frame_option("always_kept")]
ProtocolBandwidth = Annotated[float | None, _protocol_option("bandwidth", BANDWIDTH)]
RoomOrFrameTurn = Annotated[float | None, _room_or_frame_option("turn")]
RoomOrFrameSplitGap = Annotated[float | None, _room_or_frame_option("split_gap")]
RoomOrFrameMinClassArea = Annotated[float | None, _room_or_frame_option("min_class_area")]
Model = Annotated[Path | None, typer.Option(help="model file (.onnx); without it the one that comes with jspnet")]
Engine = Annotated[str, typer.Option(help=f"what runs the network: {', '.join(ENGINES)}")]


def open_segmenter(model: Path | None, engine: str | engines.Engine, **settings: Any) -> Segmenter:
    """A segmenter with the settings of the command line. Raises `OptionError` for values out of bounds."""
    return Segmenter(model, engine, checked(**settings))


def checked(**settings: Any) -> SegmenterSettings:
    """The settings of the command line. Raises `OptionError` for values out of bounds."""
    try:
        return SegmenterSettings(**settings)
    except ValidationError as error:
        problem = error.errors()[0]
        raise OptionError(f"{problem['loc'][0]} is {problem['input']!r}: {problem['msg']}") from None


DECIDED_ELSEWHERE = ("classes", "color", "block_size", "dropout", "system")
"""Fields of a network's configuration that the rooms decide, the recipe, and --system."""


def network_configuration(
    size: Size | None, system: str | None, geometry: Mapping[str, bool | float], switches: Sequence[str]
) -> NetworkConfiguration:
    """The network to train, for rooms of this geometry, with switches such as `fusion_kind=siff`.

    Raises `OptionError` for a switch that does not exist, or does not fit.
    """
    given: dict[str, Any] = {"system": system or "jspnet", **geometry, **network_switches(switches)}
    return _fitting(lambda: NetworkConfiguration.of_size(size or "m", **given))


def changed_configuration(model: NetworkConfiguration, switches: Sequence[str]) -> NetworkConfiguration:
    """A model's configuration with switches such as `decoder_neighbors=8`. Raises `OptionError`."""
    given = {**model.model_dump(), **network_switches(switches)}
    return _fitting(lambda: NetworkConfiguration(**given))


def network_switches(switches: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` of --network as fields of a configuration and their values. Raises `OptionError`."""
    given: dict[str, Any] = {}
    known = [name for name in NetworkConfiguration.model_fields if name not in DECIDED_ELSEWHERE]
    for switch in switches:
        name, equals, text = switch.partition("=")
        if not equals or name not in known:
            raise OptionError(f"--network {switch}: must be KEY=VALUE with a KEY of {', '.join(known)}")
        given[name] = value_of(text)
    return given


def _fitting(make: Callable[[], NetworkConfiguration]) -> NetworkConfiguration:
    try:
        return make()
    except ValidationError as error:
        problem = error.errors()[0]
        where = f"{'.'.join(map(str, problem['loc']))} is {problem['input']!r}: " if problem["loc"] else ""
        raise OptionError(f"--network: {where}{problem['msg']}") from None


def value_of(text: str) -> Any:
    """A JSON value, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def load_engine(model: Path | None, engine: str, threads: int) -> engines.Engine:
    """The engine of a model file, or of a training checkpoint (.pt), which needs torch.

    Raises `ModelFileError`, `EngineError`, `CheckpointError`.
    """
    if model is not None and model.suffix == ".pt":
        from jspnet_core.engine.module_engine import NetworkEngine

        return NetworkEngine.from_checkpoint(model)
    return engines.open_engine(engine, default_model() if model is None else model, threads)
