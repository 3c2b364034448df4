"""Worst-case inputs: embeddings without clusters, a hundred clusters, one block, a huge one, hundreds.

. tools/environment.sh
python -m benchmarks.frame.worst_cases --json out/worst_cases.json --markdown docs/performance.md
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from sklearn.cluster import MeanShift
from sklearn.metrics import adjusted_rand_score

from benchmarks.common.report import machine, write_section
from benchmarks.common.timings import WHOLE
from benchmarks.scaling.growth import floor_of, resized
from jspnet_core.engine import Engine, open_engine
from jspnet_core.model_file import default_model
from jspnet_core.network import build_network
from jspnet_core.pipeline.blocks import block_features, cut_blocks
from jspnet_core.pipeline.mean_shift import labels_and_steps
from jspnet_core.pipeline.mean_shift_kernels import MAX_STEPS_IN_ALL
from jspnet_core.pipeline.pyramid import Pyramid, build_pyramid, stack_pyramids
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.voxelize import voxelize
from jspnet_core.report.render import markdown_table
from jspnet_core.settings import FrameSettings

BANDWIDTH = FrameSettings().bandwidth
BLOCKS = 3
"""Blocks of each kind of embeddings."""

SECTION = """## Worst-case inputs

Written by `benchmarks.frame.worst_cases`; to measure again:

```
python -m benchmarks.frame.worst_cases --json out/worst_cases.json --markdown docs/performance.md
```

Cores of {processor}: {cores}, 5-minute load average {load:.1f}{busy}. The clustering of one block on one core, the mean
of {blocks} blocks of {points} points, against `MeanShift(bandwidth={bandwidth}, bin_seeding=True)` on the same. A step
is one move of one seed; {bound} are the most that a block may take, and tests hold the count to it.

{clustering}

Whole clouds, blocks every half of their width, the median of three:

{clouds}
"""


BUSY = ": busy with other work, ratios are more reliable than times"


class WithoutClusters(Engine):
    """The default model's engine, but its embeddings are noise of the given standard deviation."""

    def __init__(self, engine: Engine, spread: float):
        super().__init__(engine.description, takes_fewer_points=engine.takes_fewer_points)
        self._engine, self._spread, self._rng = engine, spread, np.random.default_rng(0)

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        logits, embeddings = self._engine.run(features, pyramids)
        return logits, (self._rng.normal(size=embeddings.shape) * self._spread).astype(np.float32)


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write this script's part of docs/performance.md here")] = None,
    rooms: Annotated[int, typer.Option(min=1, help="generated rooms of the largest cloud")] = 10,
) -> None:
    """Cluster and label worst-case inputs, and print their times."""
    engine, console = open_engine("onnxruntime", default_model()), Console()
    cloud = floor_of(rooms, 1500.0)
    found = {
        "clustering": [clustering(name, blocks) for name, blocks in embeddings(engine, cloud).items()],
        "clouds": [label(name, *work) for name, work in clouds(engine, cloud).items()],
    }
    for rows in found.values():
        console.print(markdown_of(rows), soft_wrap=True)
    if json_file:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1) + "\n")
    if markdown:
        text = SECTION.format(
            **{k: machine()[k] for k in ("cores", "processor")},
            load=os.getloadavg()[1],
            blocks=BLOCKS,
            busy=BUSY if os.getloadavg()[1] > int(machine()["cores"]) else "",
            points=engine.description.configuration.points,
            bandwidth=BANDWIDTH,
            bound=MAX_STEPS_IN_ALL,
            clustering=markdown_of(found["clustering"]),
            clouds=markdown_of(found["clouds"]),
        )
        write_section(markdown, "worst cases", text)


def embeddings(engine: Engine, cloud: tuple[np.ndarray, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Embeddings (N, D) of some blocks by kind."""
    c, rng = engine.description.configuration, np.random.default_rng(0)
    voxels = voxelize(cloud[0], 0.03).representative
    points, colors = cloud[0][voxels], cloud[1][voxels]
    cut = cut_blocks(
        points,
        points_per_block=c.points,
        block_size=c.block_size,
        stride=c.block_size,
        min_points=c.points,
        max_blocks=BLOCKS,
        rng=rng,
    )
    features = block_features(points, colors, cut.index, color=c.color, block_size=c.block_size)
    pyramids = [build_pyramid(f[:, :3], c) for f in features]
    torch.manual_seed(0)
    untrained = build_network(c).eval()
    tensors = {name: torch.from_numpy(array) for name, array in stack_pyramids(pyramids, c).items()}
    with torch.inference_mode():
        loose = untrained(torch.from_numpy(features), tensors)[1].numpy()
    centers = rng.uniform(-8, 8, (150, c.embedding))
    of = rng.integers(0, 150, (len(features), c.points))
    noise = rng.normal(size=(len(features), c.points, c.embedding))
    return {
        "trained network": list(engine.run(features, pyramids)[1]),
        "untrained network": list(loose),
        "untrained network, spread to unit variance": list(loose / loose.std()),
        "150 clusters": list((centers[of] + 0.05 * noise).astype(np.float32)),
        "no clusters, deviation 0.5": list((0.5 * noise).astype(np.float32)),
        "no clusters, deviation 2": list((2.0 * noise).astype(np.float32)),
    }


def clustering(name: str, blocks: list[np.ndarray]) -> dict[str, float | str]:
    """This project's clusters and scikit-learn's of each block."""
    labels_and_steps(blocks[0], BANDWIDTH)  # compiled
    ours = [timed(lambda b=block: labels_and_steps(b, BANDWIDTH)) for block in blocks]
    theirs = [timed(lambda b=block: scikit_learns(b)) for block in blocks]
    ms, other = (1e3 * float(np.mean([seconds for seconds, _ in runs])) for runs in (ours, theirs))
    agreement = [adjusted_rand_score(b, a[0]) for (_, a), (_, b) in zip(ours, theirs, strict=True)]
    return {
        "embeddings": name,
        "clusters": float(np.mean([a[0].max() + 1 for _, a in ours])),
        "ms": ms,
        "steps": float(np.mean([a[1] for _, a in ours])),
        "scikit-learn, ms": other,
        "times as fast": other / ms,
        "least ARI": float(min(agreement)),
    }


def scikit_learns(points: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # every point in a bin of its own
        return MeanShift(bandwidth=BANDWIDTH, bin_seeding=True).fit(points).labels_


def clouds(engine: Engine, cloud: tuple[np.ndarray, np.ndarray]) -> dict[str, tuple]:
    """Clouds by kind: points, colours, engine and most blocks."""
    points, colors = cloud
    size = 0.98 * engine.description.configuration.block_size
    inside = (points[:, :2] < size).all(axis=1)
    one = points[inside], colors[inside]
    return {
        "one block": (*one, engine, 1),
        "one block of a million points": (*resized(*one, 1_000_000), engine, 1),
        "up to 20 blocks": (*cloud, engine, 20),
        "up to 200 blocks": (*cloud, engine, 200),
        "up to 200 blocks, embeddings without clusters": (*cloud, WithoutClusters(engine, 0.5), 200),
    }


def label(name: str, points: np.ndarray, colors: np.ndarray, engine: Engine, blocks: int) -> dict[str, float | str]:
    segmenter = Segmenter(engine=engine, settings=FrameSettings(up_axis="z", max_blocks=blocks, stride=0.5))
    runs = sorted((timed(lambda: segmenter.segment(points, colors)) for _ in range(3)), key=lambda run: run[0])
    seconds, found = runs[1]
    slowest = max(found.timings_ms, key=lambda stage: found.timings_ms[stage])
    return {
        "cloud": name,
        "points": float(len(points)),
        "blocks": float(found.blocks),
        f"{WHOLE}, ms": 1e3 * seconds,
        "ms per block": 1e3 * seconds / found.blocks,
        "clusters, ms per block": found.timings_ms["clusters"] / found.blocks,
        "slowest stage": slowest,
    }


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def markdown_of(rows: list[dict]) -> str:
    return markdown_table([tuple(_cell(v) for v in row.values()) for row in rows], tuple(rows[0]))


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.3f}" if 0 < value < 1.5 else f"{value:,.1f}".removesuffix(".0")


if __name__ == "__main__":
    typer.run(main)
