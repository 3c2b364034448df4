"""Labels and objects of moving cameras, each frame alone and with memory.

. tools/environment.sh
python -m benchmarks.memory --scenes 6 --frames 60 [--assets FURNITURE] [--model FILE] [--json out/memory.json]
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.memory.sequences import sequence
from benchmarks.memory.tubes import TubeScore
from jspnet_core import FrameSettings, Segmentation, Segmenter, load_segmenter
from jspnet_core.classes import INDOOR, ClassTable
from jspnet_core.memory import SceneMemory
from jspnet_core.spatial.transforms import rotation_about_z

NAMES = ("alone", "memory")


class Recording(Segmenter):
    """Segmenter that keeps its last result, to compare single frames with the memory's labels."""

    last: Segmentation

    def __init__(self, segmenter: Segmenter):
        super().__init__(settings=segmenter.settings, stages=segmenter.stages)

    def segment(self, *arrays: np.ndarray | None, **options: object) -> Segmentation:  # type: ignore[override]
        self.last = super().segment(*arrays, **options)  # type: ignore[arg-type]
        return self.last


class LabelScore:
    """Confusion of labels over all frames: rows true, columns found, the last for none."""

    def __init__(self, classes: int):
        self.counts = np.zeros((classes, classes + 1), np.int64)

    def add(self, true: np.ndarray, found: np.ndarray) -> None:
        classes = len(self.counts)
        known = true < classes
        np.add.at(self.counts, (true[known], np.minimum(found[known], classes)), 1)

    def miou(self) -> float:
        """Mean IoU in percent over the classes that occur."""
        hits = np.diag(self.counts)
        union = self.counts.sum(axis=1) + self.counts[:, :-1].sum(axis=0) - hits
        there = self.counts.sum(axis=1) > 0
        return 100.0 * float((hits / np.maximum(union, 1))[there].mean())


def main(
    scenes: Annotated[int, typer.Option(min=1)] = 6,
    frames: Annotated[int, typer.Option(min=2, help="of each scene")] = 60,
    width: Annotated[int, typer.Option(min=80, help="pixels of a frame")] = 320,
    assets: Annotated[Path | None, typer.Option(help="furniture library; without it own shapes")] = None,
    model: Annotated[Path | None, typer.Option(help="model file; without it the default")] = None,
    noise: Annotated[bool, typer.Option(help="poses off by 5 cm and 2 degrees at random")] = False,
    json_file: Annotated[Path | None, typer.Option("--json")] = None,
) -> None:
    """Score labels and tubes of moving cameras, with memory and without."""
    segmenter = Recording(load_segmenter(model, settings=FrameSettings()))
    classes = segmenter.classes
    labels = {name: LabelScore(len(classes)) for name in NAMES}
    tubes = {name: np.zeros(5, int) for name in NAMES}
    milliseconds: list[float] = []
    for number in range(scenes):
        scores = run(segmenter, classes, number, frames, assets, width, noise, labels, milliseconds)
        for name in NAMES:
            tubes[name] += [*scores[name].totals(), scores[name].switches, scores[name].seen]
    result = {
        name: {
            "miou": labels[name].miou(),
            "tube precision": tubes[name][0] / max(tubes[name][2], 1),
            "tube recall": tubes[name][0] / max(tubes[name][1], 1),
            "switches per object and 100 frames": 100.0 * tubes[name][3] / max(tubes[name][4], 1),
        }
        for name in NAMES
    }
    result["memory"]["ms"] = float(np.median(milliseconds))
    show(result)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(result, indent=1))


def run(
    segmenter: Recording,
    classes: ClassTable,
    number: int,
    frames: int,
    assets: Path | None,
    width: int,
    noise: bool,
    labels: dict[str, LabelScore],
    milliseconds: list[float],
) -> dict[str, TubeScore]:
    """One sequence."""
    memory, scores = SceneMemory(segmenter), {name: TubeScore.of(classes) for name in NAMES}
    to_model, rng = INDOOR.labels_in(classes), np.random.default_rng(number)
    table = np.full(256, 255, np.uint8)
    table[: len(to_model)] = to_model
    for i, frame in enumerate(sequence(number, frames, assets, width)):
        points, colors = frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)
        pose = disturbed(frame.T_world_camera, rng) if noise else frame.T_world_camera
        settled = memory.add(points, colors, pose, i / 10.0)
        milliseconds.append(settled.timings_ms["memory"])
        true = table[frame.label.ravel()]
        for name, found in (("alone", segmenter.last), ("memory", settled)):
            labels[name].add(true, found.label)
            scores[name].add(true, frame.instance.ravel(), found.label, found.instance)
    print(
        f"scene {number}: {len(memory)} voxels, {memory.nbytes / 1e6:.0f} MB, {len(memory.objects())} objects",
        flush=True,
    )
    return scores


def disturbed(T: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pose off by 5 cm and 2 degrees (one standard deviation each in all)."""
    off = rotation_about_z(float(rng.normal(0.0, 2.0)))
    off[:3, 3] = rng.normal(0.0, 0.05 / np.sqrt(3.0), 3)
    moved = T.copy()
    moved[:3, :3] = off[:3, :3] @ T[:3, :3]
    moved[:3, 3] = T[:3, 3] + off[:3, 3]
    return moved


def show(result: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table."""
    table = Table("", *NAMES)
    for key in result["memory"]:
        cells = [f"{result[name][key]:.2f}" if key in result[name] else "-" for name in NAMES]
        table.add_row(key, *cells)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
