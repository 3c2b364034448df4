"""`jspnet build-engine`: build a model file's TensorRT engine ahead of the node's first start."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import output
from jspnet_core.engine import engine_build
from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.engine.engine_cache import EngineCache
from jspnet_core.engine.prebuild import build_ahead
from jspnet_core.engine.tensorrt_api import TensorRt
from jspnet_core.io.atomic import replacing
from jspnet_core.model_file import model_path, read_description


def build_engine(
    model: Annotated[
        Path | None, typer.Argument(help="model file (.onnx); without it the one that comes along")
    ] = None,
    min_blocks: Annotated[int, typer.Option(help="fewest blocks of a call")] = 1,
    opt_blocks: Annotated[int, typer.Option(help="blocks that the engine is tuned for")] = 32,
    max_blocks: Annotated[int, typer.Option(help="most blocks of a call")] = 128,
    memory_mb: Annotated[int, typer.Option(help="most workspace of a layer, MiB; 0: no bound")] = 2048,
    cache: Annotated[
        Path | None, typer.Option(help="folder of engines; without it JSPNET_CACHE, ~/.cache/jspnet")
    ] = None,
    capability: Annotated[
        str | None,
        typer.Option(help="with TensorRT-RTX, on any machine: build for a GPU of this compute capability, 8.6"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="with --capability: write the engine to this file")] = None,
) -> None:
    """Build and cache the engine of this machine's GPU and its kernels; those in the cache are kept."""
    options = BuildOptions((min_blocks, opt_blocks, max_blocks), memory_mb)
    model, console = model_path(model), output()
    description = read_description(model)
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("building", total=1.0)

        def show(phase: str, share: float) -> None:
            progress.update(task, description=phase, completed=share)

        if capability is None:
            build_ahead("tensorrt", model, options=options, cache=EngineCache(cache), progress=show)
            return
        engine = engine_build.build_engine(
            TensorRt(("tensorrt_rtx", "tensorrt_rtx_bindings")),
            model,
            options,
            capability=_capability(capability),
            progress=show,
        )[0]
    if out is not None:
        with replacing(out) as file:
            file.write(engine)
    where = str(out or "not written: name a file with --out")
    console.print(f"{description.name}, {description.precision}: engine of {len(engine) / 1e6:.1f} MB, {where}")


def _capability(text: str) -> tuple[int, int]:
    major, dot, minor = text.partition(".")
    if not (dot and major.isdigit() and minor.isdigit()):
        raise OptionError(f"--capability is {text!r}, must be two numbers like 8.6")
    return int(major), int(minor)
