"""Milliseconds per stage for one depth frame on the CPU, beside the straightforward route of the references.

    . tools/environment.sh
    python benchmarks/frame.py --input auto --input synthetic --json out/frame.json --markdown docs/performance.md

Both routes label the same frame with the same trained weights, in turns in one process, so that whatever else the
machine does falls on both.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from frames import Frame, load_frame
from reference_route import ReferenceRoute
from report import machine, page, sentences, table
from rich.console import Console
from rich.progress import Progress

from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine
from jspnet_core.segmenter import Segmenter, default_model
from jspnet_core.settings import FrameSettings

WHOLE = "whole frame"


@dataclass
class Timings:
    """Milliseconds of every stage, and of the whole frame, by frame."""

    frames: list[dict[str, float]] = field(default_factory=list)

    def add(self, begin: float, stages: dict[str, float]) -> None:
        self.frames.append({**stages, WHOLE: 1e3 * (time.perf_counter() - begin)})

    def percentile(self, stage: str, percent: float) -> float:
        return float(np.percentile([frame[stage] for frame in self.frames], percent))

    def summary(self) -> dict[str, dict[str, float]]:
        return {s: {"median": self.percentile(s, 50), "p95": self.percentile(s, 95)} for s in self.frames[0]}


def main(
    sources: Annotated[
        list[str] | None, typer.Option("--input", help="auto (if none is given), bag, synthetic, or a cloud file")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="how often to label each input")] = 20,
    reference_frames: Annotated[int, typer.Option(min=1, help="how many of them by the reference's route too")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the first input's figures here")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write the page docs/performance.md here")] = None,
) -> None:
    """Time both routes, on one frame after the other."""
    console = Console()
    results = []
    for frame in map(load_frame, sources or ["auto"]):
        console.print(f"{frame.source}; {reference_frames} of {frames} frames by the reference's route too")
        results.append(compare(frame, frames, min(reference_frames, frames), console))
        console.print(table(results[-1]), sentences(results[-1]))
    text = json.dumps({**results[0], "further_inputs": results[1:]}, indent=2) + "\n"
    for path, content in ((json_file, text), (markdown, page(results))):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)


def compare(frame: Frame, frames: int, reference_frames: int, console: Console) -> dict:
    """Label the frame by both routes in turns; the first frame of this project's, which compiles, is not counted."""
    settings = FrameSettings()
    description = OnnxRuntimeEngine(default_model()).description
    segmenter, reference = Segmenter(settings=settings), ReferenceRoute(description, settings)
    colors = np.zeros(frame.points.shape, np.uint8) if frame.colors is None else frame.colors
    segmenter.segment(frame.points, colors)
    ours, theirs = Timings(), Timings()
    turns = set(np.linspace(0, frames, reference_frames, endpoint=False).astype(int))
    with Progress(console=console, transient=True) as progress:
        for turn in progress.track(range(frames), description="labelling"):
            begin = time.perf_counter()
            segmentation = segmenter.segment(frame.points, colors)
            ours.add(begin, segmentation.timings_ms)
            if turn in turns:
                begin = time.perf_counter()
                label, instance, stages = reference.segment(frame.points, colors)
                theirs.add(begin, stages)
    seen = segmentation.label != 255
    return {
        "ratio_to_reference": theirs.percentile(WHOLE, 50) / ours.percentile(WHOLE, 50),
        "ratio_is": "median ms of the reference's route / median ms of this project, for the whole frame",
        "input": frame.source,
        "points": int(np.isfinite(frame.points).all(axis=1).sum()),
        "blocks": segmentation.blocks,
        "instances": {"ours": len(segmentation.instances), "reference": int(instance.max())},
        "labels_alike": float((segmentation.label == label)[seen].mean()),
        "frames": {"ours": len(ours.frames), "reference": len(theirs.frames)},
        "ours_ms": ours.summary(),
        "reference_ms": theirs.summary(),
        "model": description.name,
        "points_per_block": description.configuration.points,
        "settings": settings.model_dump(),
        "machine": machine(),
        "load_average": os.getloadavg()[1],
    }


if __name__ == "__main__":
    typer.run(main)
