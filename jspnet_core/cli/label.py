"""`jspnet label`: label clouds from files."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from jspnet_core.classes import UNLABELLED
from jspnet_core.cli import options
from jspnet_core.cli.label_jobs import Job, find_jobs
from jspnet_core.cli.label_memory import label_sequence
from jspnet_core.cli.label_summary import print_summary
from jspnet_core.cli.settings_options import OptionError, checked, options_from
from jspnet_core.cli.terminal import messages, output
from jspnet_core.errors import CloudError
from jspnet_core.io.clouds import READABLE, CloudFileError, read_cloud, write_cloud
from jspnet_core.io.units import unit_warning
from jspnet_core.pipeline.load import load_segmenter
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import SegmenterSettings
from jspnet_core.util.compilation import log_compilation

logger = logging.getLogger(__name__)

LITTLE = 0.25
"""Share of the points with a return; where fewer carry a label, something about the cloud is not as expected."""

_FAILED, _LITTLE_LABELLED = 2, 3  # exit codes


@options_from("settings", options.SETTINGS, names=options.OPTION_NAMES)
def label(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN", help=f"files ({', '.join(READABLE)}), or folders")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="a file of one of these formats but .e57, or a folder")],
    settings: dict[str, Any],
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    instances: Annotated[bool, typer.Option(help="find instances as well as classes")] = True,
    scale: Annotated[
        float, typer.Option(min=1e-6, max=1e6, help="metres of one unit of the files, as 0.001 for millimetres")
    ] = 1.0,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory",
            help="IN is one RGB-D sequence with poses (layout of 7-Scenes): labels settle over its frames, and OUT "
            "holds its map (map.ply, map.npz) and objects (objects.json) as well",
        ),
    ] = False,
    form: Annotated[
        Literal["ply", "pcd", "npz", "csv", "las", "laz"] | None,
        typer.Option("--format", help="of the files in an OUT folder; without it that of each input, .ply for .e57"),
    ] = None,
) -> None:
    """Label clouds from files: a class and an object for every point, in the order of the file.

    OUT holds all columns of IN and label (255: none), instance (0: none) and confidence. A folder keeps its
    structure. Exit code 2 where a file could not be labelled, 3 where few of its points could.
    """
    if memory and (len(inputs) != 1 or not inputs[0].is_dir() or not instances or scale != 1.0):
        raise OptionError(
            "--memory takes one folder of an RGB-D sequence as IN, and neither --scale nor --no-instances"
        )
    jobs = [] if memory else find_jobs(inputs, out, form)
    segmenter = load_segmenter(model, engine, checked(SegmenterSettings, settings))
    try:
        with log_compilation():
            if memory:
                raise typer.Exit(label_sequence(segmenter, inputs[0], out, form or "ply"))
            raise typer.Exit(_label_files(segmenter, jobs, scale, instances))
    finally:
        segmenter.close()


@dataclass(frozen=True)
class Labelled:
    """One labelled file. took_ms: milliseconds by stage, reading and writing included."""

    found: Segmentation
    took_ms: dict[str, float]
    share: float


def _label_files(segmenter: Segmenter, jobs: list[Job], scale: float, instances: bool) -> int:
    """Label one file after the other and print what was found. Returns the exit code.

    One of several that fails is named and does not end the others.
    """
    console = output()
    failures = little = 0
    for source, target in jobs:
        try:
            with messages().status(f"labelling {source.name}"):
                labelled = _label_file(segmenter, source, target, scale, instances)
        except (CloudFileError, CloudError) as error:
            if len(jobs) == 1:
                raise
            failures += 1
            logger.error("%s", error)
            continue
        console.print(f"{source} -> {target}", soft_wrap=True, markup=False)
        print_summary(console, segmenter.classes, labelled.found, labelled.took_ms, brief=len(jobs) > 1)
        little += labelled.share < LITTLE
    if failures:
        logger.error("%d of %d clouds not labelled", failures, len(jobs))
    return _FAILED if failures else _LITTLE_LABELLED if little else 0


def _label_file(segmenter: Segmenter, source: Path, target: Path, scale: float, instances: bool) -> Labelled:
    start = time.perf_counter()
    cloud = read_cloud(source, scale)
    for note in cloud.notes:
        logger.info("%s: %s", source, note)
    units = unit_warning(cloud.points)
    if units:
        logger.warning("%s: %s", source, units)
    read = time.perf_counter()
    try:
        found = segmenter.segment(cloud.points, cloud.colors, instances=instances)
    except CloudError as error:
        raise CloudError(error.reason, f"{source}: {error}") from None
    labelled = time.perf_counter()
    write_cloud(target, cloud, found, segmenter.classes)
    written = time.perf_counter()
    returns = np.isfinite(cloud.points).all(axis=1)
    share = float((found.label[returns] != UNLABELLED).mean())
    if share < LITTLE:
        left_out = f"; {found.blocks_left_out} blocks were left out (--max-blocks)" if found.blocks_left_out else ""
        hint = "; its units, its axes (--up) or its density may be others than a room's"
        logger.warning("%s: %.1f %% of its points labelled%s", source, 100 * share, left_out or hint)
    took = {"read": 1e3 * (read - start), **found.timings_ms, "write": 1e3 * (written - labelled)}
    return Labelled(found, took, share)
