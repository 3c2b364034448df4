"""Options that several commands share, converted to settings, engines and networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jspnet_core import engine as engines
from jspnet_core.cli.settings_options import OptionError, checked, key_values
from jspnet_core.engine import ENGINES
from jspnet_core.model_file import MODELS, model_path
from jspnet_core.network_config import NetworkConfiguration, Size
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings

__all__ = ["OptionError"]

SETTINGS = {
    name: info for name, info in SegmenterSettings.model_fields.items() if name not in ("seed", "min_block_points")
}
"""Settings of a segmenter that are options of a command."""

OPTION_NAMES = {"voxel_size": "voxel", "up_axis": "up"}
Model = Annotated[
    Path | None,
    typer.Option(metavar="NAME|FILE", help=f"{', '.join(MODELS)}, as installed, or a model file (.onnx)"),
]
Engine = Annotated[str, typer.Option(help=f"inference backend of the network: {', '.join(ENGINES)}")]
Threads = Annotated[int, typer.Option(min=0, max=256, help=f"{SegmenterSettings.model_fields['threads'].description}")]

DECIDED_ELSEWHERE = ("classes", "color", "block_size", "dropout", "system")
"""Fields of a network's configuration that the rooms decide, the recipe, and --system."""


def create_segmenter(model: Path | None, engine: str | engines.Engine, **settings: Any) -> Segmenter:
    """A segmenter with the settings of the command line. Raises `OptionError` for values out of bounds."""
    return Segmenter(model, engine, checked(SegmenterSettings, settings))


def network_configuration(
    size: Size | None, system: str | None, geometry: Mapping[str, bool | float], switches: Sequence[str]
) -> NetworkConfiguration:
    """The network to train, for rooms of this geometry, with switches such as `fusion_kind=siff`.

    Raises `OptionError` for a switch that does not exist, or does not fit.
    """
    values = {"system": system or "jspnet", **geometry, **network_switches(switches)}
    return checked(lambda **given: NetworkConfiguration.of_size(size or "m", **given), values, "--network")


def changed_configuration(model: NetworkConfiguration, switches: Sequence[str]) -> NetworkConfiguration:
    """A model's configuration with switches such as `decoder_neighbors=8`. Raises `OptionError`."""
    return checked(NetworkConfiguration, {**model.model_dump(), **network_switches(switches)}, "--network")


def network_switches(switches: Sequence[str]) -> dict[str, Any]:
    """`KEY=VALUE` of --network as fields of a configuration and their values. Raises `OptionError`."""
    return key_values(
        "--network", switches, [n for n in NetworkConfiguration.model_fields if n not in DECIDED_ELSEWHERE]
    )


def load_engine(model: Path | None, engine: str, threads: int) -> engines.Engine:
    """The engine of a model file, or of a training checkpoint (.pt), which needs torch.

    Raises `ModelFileError`, `EngineError`, `CheckpointError`.
    """
    if model is not None and model.suffix == ".pt":
        from jspnet_core.engine.module_engine import NetworkEngine

        return NetworkEngine.from_checkpoint(model)
    return engines.open_engine(engine, model_path(model), threads)
