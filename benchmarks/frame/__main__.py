"""Milliseconds per stage of labelling a cloud on the CPU, beside the references' route and the machine's limits.

    . tools/environment.sh
    python -m benchmarks.frame --json out/frame.json --markdown docs/performance.md --picture docs/performance.png

Both routes label the same cloud with the same trained weights, in turns in one process, so that whatever else the
machine does falls on both; the ceilings are measured in the same run.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from benchmarks.common.ceilings import attention, copy_gigabytes, gflop_per_block, sgemm_gflops
from benchmarks.common.reference_route import ReferenceRoute
from benchmarks.common.report import frame_section, machine, sentences, table, write_section
from benchmarks.common.timings import WHOLE, PeakMemory, Timings
from benchmarks.frame.engines import Recorder, time_engines
from benchmarks.frame.frames import Frame, load_frames
from benchmarks.frame.limits import limits_ms
from benchmarks.node.message_stages import MessageStages
from jspnet_core.engine import open_engine
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.util.threads import available_cores

SOURCES = ("bag", "7scenes", "room", "synthetic")
ENGINE_BLOCKS = 8

FEWEST_BLOCKS = 4
"""And at least, repeated where a frame has fewer of the largest: what the cores do with a block each is compared."""

SPINNING = 0.3
"""Seconds after which the threads that the reference's libraries leave waiting no longer spin on this route's cores."""


def main(
    sources: Annotated[
        list[str] | None, typer.Option("--input", help=f"of {', '.join(SOURCES)} (if none is given: all), or a file")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="how often to label each input")] = 20,
    reference_frames: Annotated[int, typer.Option(min=1, help="how many of them by the reference's route too")] = 3,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="write the figures, the first input's on top")
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="write this script's part of docs/performance.md here")] = None,
    note: Annotated[str, typer.Option(help="a sentence about the machine for the page")] = "",
    picture: Annotated[Path | None, typer.Option(help="write the stages as stacked bars (PNG) here")] = None,
) -> None:
    """Time both routes on one cloud after the other, and measure the machine's ceilings."""
    console, results = Console(), []
    found = {"note": note, **measure_machine()}
    for frame in load_frames(sources or list(SOURCES), console.print):
        console.print(f"{frame.source}; {reference_frames} of {frames} by the reference's route too")
        results.append(compare(frame, frames, min(reference_frames, frames), console, found))
        console.print(table(results[-1]), sentences(results[-1]))
    if not results:
        raise typer.BadParameter("no input is left", param_hint="--input")
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps({**results[0], "further_inputs": results[1:], **found}, indent=1) + "\n")
    if picture:
        from benchmarks.common.chart import draw

        draw(results, picture)
    if markdown:
        write_section(markdown, "frame", frame_section(found, results, picture))


def measure_machine() -> dict:
    """Peak performance of the machine, and the work of the network."""
    threads = available_cores()
    checkpoint = Checkpoint.load(default_model().with_suffix(".pt"))
    attention_ms, attention_gflops = attention(checkpoint.configuration, threads)
    return {
        "machine": machine(),
        "ceilings": {
            "copy_gb_per_s": copy_gigabytes(threads),
            "sgemm_gflop_per_s": sgemm_gflops(threads),
            "attention_ms": attention_ms,
            "attention_gflop_per_s": attention_gflops,
        },
        "gflop_per_block": gflop_per_block(checkpoint.build().eval(), checkpoint.configuration.points),
    }


def compare(frame: Frame, frames: int, reference_frames: int, console: Console, found: dict) -> dict:
    """Label the cloud by both routes in turns; the first frame of this project's, which compiles, is not counted."""
    settings = frame.settings
    engine = open_engine("onnxruntime", default_model())
    recorder = Recorder(engine)
    colors = np.zeros(frame.points.shape, np.uint8) if frame.colors is None else frame.colors
    Segmenter(engine=recorder, settings=settings).segment(frame.points, colors)
    segmenter, reference = Segmenter(engine=engine, settings=settings), ReferenceRoute(engine.description, settings)
    messages, memory = MessageStages.of(frame.points, colors, segmenter.classes), PeakMemory()
    ours, theirs = Timings(), Timings()
    turns = set(np.linspace(0, frames, reference_frames, endpoint=False).astype(int))
    with Progress(console=console, transient=True) as progress:
        for turn in progress.track(range(frames), description="labelling"):
            with memory.of("ours"), ours.frame() as stages:
                segmentation = segmenter.segment(frame.points, colors)
                stages.update(segmentation.timings_ms)
            ours.frames[-1].update(messages.time(segmentation) if messages else {})
            if turn in turns:
                with memory.of("reference"), theirs.frame() as stages:
                    label, instance, by_stage = reference.segment(frame.points, colors)
                    stages.update(by_stage)
                time.sleep(SPINNING)
    seen = segmentation.label != 255
    c, finite = engine.description.configuration, int(np.isfinite(frame.points).all(axis=1).sum())
    voxels = len(voxelize(frame.points, settings.voxel_size).representative)
    per_size = {size: gflop_per_block(reference.network, size) for size in set(recorder.sizes)}
    asked = sum(per_size[size] for size in recorder.sizes)
    largest = recorder.largest()
    recorded = (largest * FEWEST_BLOCKS)[: max(FEWEST_BLOCKS, min(len(largest), ENGINE_BLOCKS))]
    return {
        "ratio_to_reference": theirs.percentile(WHOLE, 50) / ours.percentile(WHOLE, 50),
        "ratio_is": "median ms of the reference's route / median ms of this project, for the whole frame",
        "input": frame.source,
        "points": finite,
        "blocks": segmentation.blocks,
        "instances": {"ours": len(segmentation.instances), "reference": int(instance.max())},
        "labels_alike": float((segmentation.label == label)[seen].mean()),
        "frames": {"ours": len(ours.frames), "reference": len(theirs.frames)},
        "ours_ms": ours.summary(),
        "reference_ms": theirs.summary(),
        "limit_ms": limits_ms(len(frame.points), voxels, segmentation.blocks, c, asked, found["ceilings"]),
        "memory_mib": memory.mebibytes,
        "engines": time_engines(
            np.stack([block for block, _ in recorded]),
            [pyramid for _, pyramid in recorded],
            reference.network,
            per_size[max(recorder.sizes)],
            rounds=min(frames, 20),
        ),
        "model": engine.description.name,
        "points_per_block": c.points,
        "settings": settings.model_dump(),
        "machine": found["machine"],
        "load_average": os.getloadavg()[1],
    }


if __name__ == "__main__":
    typer.run(main)
