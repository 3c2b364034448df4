"""`jspnet label`: label clouds from files."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from jspnet_core.classes import NO_INSTANCE, UNLABELLED, ClassTable
from jspnet_core.cli import options
from jspnet_core.cli.options import DEFAULTS, OptionError
from jspnet_core.errors import CloudError
from jspnet_core.io.clouds import READABLE, WRITABLE, CloudFileError, check_writable, read_cloud, write_cloud
from jspnet_core.pipeline.load import load_segmenter
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Segmentation


def label(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN", help=f"{', '.join(READABLE)} files, or folders")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help=f"a {' or '.join(WRITABLE)} file, or a folder")],
    up: options.Up = DEFAULTS.up_axis,
    stride: options.Stride = DEFAULTS.stride,
    turn: options.Turn = DEFAULTS.turn,
    voxel: options.Voxel = DEFAULTS.voxel_size,
    max_blocks: options.MaxBlocks = DEFAULTS.max_blocks,
    bandwidth: options.Bandwidth = DEFAULTS.bandwidth,
    merging: options.Merging = DEFAULTS.merging,
    min_instance_ratio: options.MinInstanceRatio = DEFAULTS.min_instance_ratio,
    always_kept: options.AlwaysKept = DEFAULTS.always_kept,
    split_gap: options.SplitGap = DEFAULTS.split_gap,
    min_class_area: options.MinClassArea = DEFAULTS.min_class_area,
    threads: options.Threads = DEFAULTS.threads,
    model: options.Model = None,
    engine: options.Engine = "onnxruntime",
    instances: Annotated[bool, typer.Option(help="find instances as well as classes")] = True,
    form: Annotated[Literal["ply", "npz"], typer.Option("--format", help="of the files in an OUT folder")] = "ply",
) -> None:
    """Label clouds from files: a class and an object for every point, in the order of the file.

    OUT holds the coordinates and colours of IN and label (255: none), instance (0: none) and confidence.
    """
    jobs = _jobs(inputs, out, form)
    settings = options.checked(
        up_axis=up,
        stride=stride,
        voxel_size=voxel,
        max_blocks=max_blocks,
        bandwidth=bandwidth,
        merging=merging,
        min_instance_ratio=min_instance_ratio,
        always_kept=always_kept,
        split_gap=split_gap,
        turn=turn,
        min_class_area=min_class_area,
        threads=threads,
    )
    segmenter = load_segmenter(model, engine, settings)
    try:
        _label_files(segmenter, jobs, instances)
    finally:
        segmenter.close()


def _label_files(segmenter: Segmenter, jobs: list[tuple[Path, Path]], instances: bool) -> None:
    """Label one file after the other and say what was found; one of several that fails is named at the end."""
    console, failed = Console(), Console(stderr=True, soft_wrap=True, highlight=False)
    failures = 0
    for source, target in jobs:
        try:
            with console.status(f"labelling {source.name}"):
                found, took = _label_file(segmenter, source, target, instances)
        except (CloudFileError, CloudError) as error:
            if len(jobs) == 1:
                raise
            failures += 1  # the others are worth having
            failed.print(f"jspnet: {_naming(source, error)}", markup=False)
            continue
        console.print(f"{source} -> {target}", highlight=False, soft_wrap=True, markup=False)
        _print_summary(console, segmenter.classes, found, took, brief=len(jobs) > 1)
    if failures:
        failed.print(f"jspnet: {failures} of {len(jobs)} clouds not labelled", markup=False)
        raise typer.Exit(2)


def _label_file(
    segmenter: Segmenter, source: Path, target: Path, instances: bool
) -> tuple[Segmentation, dict[str, float]]:
    """Label one file. Returns the labels and the milliseconds by stage, reading and writing included."""
    start = time.perf_counter()
    cloud = read_cloud(source)
    read = time.perf_counter()
    try:
        found = segmenter.segment(cloud.points, cloud.colors, instances=instances)
    except CloudError as error:
        raise CloudError(error.reason, f"{source}: {error}") from None
    labelled = time.perf_counter()
    write_cloud(target, cloud, found, segmenter.classes)
    written = time.perf_counter()
    took = {"read": 1e3 * (read - start), **found.timings_ms, "write": 1e3 * (written - labelled)}
    return found, took


def _jobs(inputs: list[Path], out: Path, form: str) -> list[tuple[Path, Path]]:
    """Pairs of input and output file, all of them known to be writable."""
    sources: list[Path] = []
    for path in inputs:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix.lower() in READABLE)
            if not inside:
                raise CloudFileError(f"{path}: no {', '.join(READABLE)} files in this folder")
            sources += inside
        elif path.exists():
            sources.append(path)
        else:
            raise CloudFileError(f"{path}: no such file")
    if out.suffix.lower() in WRITABLE or not (len(sources) > 1 or out.is_dir()):
        if len(sources) > 1:
            raise OptionError(f"{len(sources)} clouds cannot go to the one file {out}; name a folder as OUT")
        check_writable(out)
        return [(sources[0], out)]
    targets = [out / f"{source.stem}.{form}" for source in sources]
    twice = {target.name for target in targets if targets.count(target) > 1}
    if twice:
        raise OptionError(f"several inputs would be written to {', '.join(sorted(twice))} in {out}")
    out.mkdir(parents=True, exist_ok=True)
    for target in targets:
        check_writable(target)
    return list(zip(sources, targets, strict=True))


def _naming(source: Path, error: ValueError) -> str:
    return str(error) if str(source) in str(error) else f"{source}: {error}"


def _print_summary(
    console: Console, classes: ClassTable, found: Segmentation, took: dict[str, float], brief: bool
) -> None:
    labelled = int((found.label != UNLABELLED).sum())
    things = sum(classes.is_thing(instance.label) for instance in found.instances)
    console.print(
        f"  {len(found.label):,} points, {labelled / max(len(found.label), 1):.1%} labelled; "
        f"{len(found.instances)} instances, {things} of them objects; {sum(took.values()) / 1e3:.2f} s",
        highlight=False,
    )
    console.print(
        f"  gravity: {found.gravity_source}", highlight=False, style="" if found.gravity_is_sure else "yellow"
    )
    if found.blocks_left_out:
        console.print(
            f"  {found.blocks_left_out} of {found.blocks + found.blocks_left_out} blocks left out (--max-blocks)"
        )
    if not brief:
        console.print(_class_table(classes, found))
        stages = ", ".join(f"{stage} {ms:.0f}" for stage, ms in took.items())
        console.print(f"  ms: {stages} ({found.blocks} blocks)", highlight=False)


def _class_table(classes: ClassTable, found: Segmentation) -> Table:
    """Points, share, instances and confidence of each class that was found."""
    table = Table("class", box=None, padding=(0, 2))
    for heading in ("points", "share", "instances", "confidence"):
        table.add_column(heading, justify="right")
    points = np.bincount(found.label, minlength=256)
    confidence = np.bincount(found.label, found.confidence, 256) / np.maximum(points, 1)
    instances = np.bincount([instance.label for instance in found.instances], minlength=256)
    for i, name in enumerate(classes.names):
        if points[i]:
            share = f"{points[i] / len(found.label):.1%}"
            table.add_row(name, f"{points[i]:,}", share, str(instances[i]), f"{confidence[i]:.2f}")
    if points[UNLABELLED]:
        table.add_row("no label", f"{points[UNLABELLED]:,}", f"{points[UNLABELLED] / len(found.label):.1%}", "", "")
    outside = int(((found.instance == NO_INSTANCE) & (found.label != UNLABELLED)).sum())
    if outside:
        table.add_row("labelled, in no instance", f"{outside:,}", f"{outside / len(found.label):.1%}", "", "")
    return table
