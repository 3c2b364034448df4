"""Time of a network of each size on this CPU, and scores of the trained ones on validation rooms.

. tools/environment.sh
python -m benchmarks.scaling.sizes ROOMS --checkpoint m=jspnet_core/models/jspnet_s3dis.pt \
    --markdown docs/performance.md

Besides the sizes it measures what could make the trained networks cheaper without training: 8-bit weights, half the
points, keys of PIFF from fewer or more points.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import typer
from onnxruntime.quantization import QuantType, quantize_dynamic
from rich.console import Console

from benchmarks.common.ceilings import large_product_gflops, large_products
from benchmarks.common.report import machine, write_section
from benchmarks.frame.frames import blocks_of, synthetic_frame
from benchmarks.frame.narrow_attention import with_narrow_attention
from benchmarks.gpu.work import work_of_a_block
from jspnet_core.classes import S3DIS
from jspnet_core.data.rooms import room_paths
from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine
from jspnet_core.evaluation.evaluate import evaluate_rooms, evaluate_views
from jspnet_core.evaluation.metrics import summarise
from jspnet_core.export.onnx_export import describe, export_onnx
from jspnet_core.network import build_network
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import Pyramid, build_pyramid
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.report.render import markdown_table
from jspnet_core.settings import FrameSettings, SegmenterSettings
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.util.threads import available_cores

SCORES = ("mIoU", "mPre", "mRec")
KEYS = {"level1": "level 1", "points": "all points"}
"""Where PIFF's keys could come from, if not from level 2."""

HEAD = (
    "network",
    "weights",
    "trained on, blocks",
    "block, m",
    "points",
    "GFLOP a block",
    "ms a block",
    "of peak GEMM",
    "ms a square metre",
    *(f"{name}, rooms" for name in SCORES),
    *(f"{name}, views" for name in SCORES),
)

SECTION = """## Sizes

Written by `benchmarks.scaling.sizes`; to measure again:

```
python -m benchmarks.scaling.sizes ROOMS {checkpoints} \
    --markdown docs/performance.md
```

{cores} cores of {processor}. Milliseconds are of the network alone in ONNX Runtime, float32 except in rows marked
8 bits, the median of {repeats} passes over the fuller half of a generated frame's blocks, padded to full ones, on all
cores, the networks in turns.
"Of peak GEMM" is the rate of a block's products, as if they took all its time, as a share of that of a product of large
matrices in the same runtime just before, the median of as many. A square metre is one of ground. Scores are of
{rooms} validation rooms and of {views} views of each, in per cent, with the default settings; a network without scores
has not been trained, one of few blocks began with another's weights ([how](training.md#fine-tuning)).
"Distilled" was trained with a trained `m` as its teacher (`--teacher`). 8 bits: dynamic quantisation, of the weights by
channel. A row marked "not trained for it" runs the weights of its size as they are. mIoU is of the classes that the
rooms have, because only some of the networks exclude the others (`--exclude`).

{table}
"""


@dataclass(frozen=True)
class Candidate:
    """A network to measure. checkpoint: None for one without training. eight_bits: as ONNX Runtime quantises it."""

    title: str
    configuration: NetworkConfiguration
    checkpoint: Checkpoint | None
    eight_bits: bool = False


def main(
    rooms_dir: Annotated[Path, typer.Argument(metavar="ROOMS", help="folder of rooms, scored on their split val")],
    checkpoint: Annotated[list[str] | None, typer.Option(metavar="SIZE=FILE.pt", help="a trained network")] = None,
    views: Annotated[int, typer.Option(min=1, help="views of each room to score")] = 4,
    repeats: Annotated[int, typer.Option(min=1, help="passes that are timed")] = 7,
    limit: Annotated[int, typer.Option(min=0, help="score this many rooms only; 0: all")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures here")] = None,
    keep_scores: Annotated[bool, typer.Option("--keep-scores", help="as the JSON file has them: time alone")] = False,
    markdown: Annotated[Path | None, typer.Option(help="write this script's part of docs/performance.md here")] = None,
) -> None:
    """Measure every candidate, and print one row of each."""
    files = [item.split("=", 1) for item in checkpoint or []]
    unknown = {size for size, *_ in files} - {"s", "m", "l"}
    if unknown:
        raise typer.BadParameter(f"--checkpoint: sizes are s, m and l, found {', '.join(sorted(unknown))}")
    rooms = room_paths(rooms_dir, "val")[: limit or None]
    console, figures = Console(), []
    trained = [(size, Checkpoint.load(Path(file))) for size, file in files]
    known = {f["title"]: f for f in scored_before(json_file) if f["rooms"]} if keep_scores else {}
    product = large_products(available_cores())["onnxruntime"]
    with tempfile.TemporaryDirectory() as folder:
        timed = [Timed.of(c, Path(folder) / str(i)) for i, c in enumerate(candidates(trained))]
        for turn in range(repeats * len(timed)):
            timed[turn % len(timed)].run(product)
        for network in timed:
            figures.append(figures_of(network, rooms, views, known.get(network.candidate.title)))
            console.print(" | ".join(row(figures[-1])), soft_wrap=True)
    if json_file is not None:
        json_file.write_text(json.dumps({"machine": machine(), "networks": figures}, indent=1))
    if markdown is not None:
        given = " ".join(f"--checkpoint {size}={Path(file).name}" for size, file in files)
        about = {key: machine()[key] for key in ("cores", "processor")}
        write_section(
            markdown,
            "sizes",
            SECTION.format(
                checkpoints=given,
                repeats=repeats,
                rooms=len(rooms),
                views=views,
                **about,
                table=markdown_table([row(f) for f in figures], HEAD),
            ),
        )


def scored_before(json_file: Path | None) -> list[dict]:
    """The networks of a JSON file of this script."""
    if json_file is None or not json_file.is_file():
        raise typer.BadParameter(f"--keep-scores: --json must name a file of scores, found {json_file}")
    return json.loads(json_file.read_text())["networks"]


def candidates(trained: Sequence[tuple[str, Checkpoint]]) -> list[Candidate]:
    """Candidates of all sizes; after each trained one for CPUs, its variants that need no training."""
    found = []
    for size in ("s", "m", "l"):
        states = [state for name, state in trained if name == size]
        if not states:
            found.append(Candidate(size, NetworkConfiguration.of_size(size), None))
        for state in states:
            forms = [] if size == "l" else cheaper(titled(size, state), state)
            found += [Candidate(titled(size, state), state.configuration, state), *forms]
    return found


def titled(size: str, state: Checkpoint) -> str:
    return f"{size}, distilled" if state.recipe.get("teacher") else size


def cheaper(size: str, state: Checkpoint) -> list[Candidate]:
    """Changes to a trained network that need no training."""
    c, found = state.configuration, []
    levels = [max(n // 2, c.encoder_neighbors) for n in c.levels[:3]] + [c.levels[3] // 2]
    half = {"points": c.points // 2, "levels": levels}
    found.append(Candidate(f"{size}, 8 bits", c, state, eight_bits=True))
    found.append(Candidate(f"{size}, half the points, not trained for it", changed(c, **half), state))
    for keys, named in KEYS.items():
        if keys != c.piff_keys:
            other = changed(c, piff_keys=keys)
            found.append(Candidate(f"{size}, keys of {named}, not trained for it", other, state))
    if c.has_piff:
        narrow = changed(c, d_k=c.d_k // 2, d_v=c.d_v // 2)
        weights = with_narrow_attention(state.weights, narrow)
        title = f"{size}, attention half as wide, not trained for it"
        found.append(Candidate(title, narrow, replace(state, network=weights, average=None)))
    return found


def changed(c: NetworkConfiguration, **fields: object) -> NetworkConfiguration:
    return NetworkConfiguration(**{**c.model_dump(), **fields})


@dataclass
class Timed:
    """A candidate with blocks of a generated frame, several of them, run in turns with the others: what else the
    machine does falls on all alike.

    ms: milliseconds of a full block, by pass. ceilings: GFLOP/s of a large product, each taken just before.
    """

    candidate: Candidate
    engine: OnnxRuntimeEngine
    features: np.ndarray
    pyramids: list[Pyramid]
    ms: list[float]
    ceilings: list[float]

    @classmethod
    def of(cls, candidate: Candidate, folder: Path) -> Timed:
        """Create the engine, and run it once without timing."""
        folder.mkdir()
        c, engine = candidate.configuration, OnnxRuntimeEngine(model_file(candidate, folder))
        features, counts = blocks_of(synthetic_frame(), c, SegmenterSettings().voxel_size)
        features = features[np.argsort(-counts)[: (len(counts) + 1) // 2]]
        features = np.concatenate([features] * 8)[: max(len(features), 2 * available_cores())]
        pyramids = [build_pyramid(f[:, :3], c) for f in features]
        engine.run(features, pyramids)
        return cls(candidate, engine, features, pyramids, [], [])

    def run(self, product: Callable[[], object]) -> None:
        self.ceilings.append(large_product_gflops(product))
        begin = time.perf_counter()
        self.engine.run(self.features, self.pyramids)
        self.ms.append(1e3 * (time.perf_counter() - begin) / len(self.features))


def figures_of(network: Timed, rooms: list[Path], views: int, known: dict | None) -> dict:
    """Cost of a candidate, and its scores where it is trained, or those `known`."""
    candidate, engine = network.candidate, network.engine
    c, state = candidate.configuration, candidate.checkpoint
    gflop = 1e-9 * work_of_a_block(c, padded=False).total()
    shares = [1e3 * gflop / ms / ceiling for ms, ceiling in zip(network.ms, network.ceilings, strict=True)]
    return {
        "title": candidate.title,
        "weights": sum(p.numel() for p in build_network(c).parameters()),
        "blocks": state.samples if state is not None else 0,
        "block_size": c.block_size,
        "points": c.points,
        "gflop": gflop,
        "ms": float(np.median(network.ms)),
        "of_large_product": None if candidate.eight_bits else float(np.median(shares)),
        "rooms": known["rooms"] if known else None if state is None else scores(engine, rooms, None),
        "views": known["views"] if known else None if state is None else scores(engine, rooms, views),
    }


def model_file(candidate: Candidate, folder: Path) -> Path:
    """The candidate as a model file; without training its weights are random."""
    c, path = candidate.configuration, folder / "model.onnx"
    state = candidate.checkpoint
    network = build_network(c)
    if state is None:
        state = Checkpoint(
            c, S3DIS, network.state_dict(), None, 0, {"augmentation": {"voxel_size": 0.03}}, {}, [None] * c.classes
        )
    network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.weights.items()})
    network.mask_classes([state.classes.names.index(name) for name in state.excluded_classes])
    description = describe(replace(state, configuration=c), candidate.title)
    export_onnx(network, description, path, half_weights=False)
    if not candidate.eight_bits:
        return path
    quantize_dynamic(path, folder / "int8.onnx", weight_type=QuantType.QInt8, per_channel=True)
    model = onnx.load(folder / "int8.onnx")
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load(path).metadata_props)
    onnx.save(model, path)
    return path


def scores(engine: OnnxRuntimeEngine, rooms: list[Path], views: int | None) -> dict[str, float]:
    """mIoU of the classes that are there, mPre and mRec of whole rooms, or of views of them."""
    if views is None:
        segmenter = Segmenter(engine=engine, settings=SegmenterSettings(up_axis="z"))
        results = list(evaluate_rooms(segmenter, rooms))
    else:
        segmenter = Segmenter(engine=engine, settings=FrameSettings(up_axis="z"))
        results = list(evaluate_views(segmenter, rooms, views))
    score = summarise([result.score for result in results], segmenter.classes.names)
    shares = [c.iou or 0.0 for c in score.classes if c.true_points]
    return {name: float(score.figures()[name] or 0.0) for name in SCORES} | {"mIoU": float(np.mean(shares))}


def row(f: dict) -> tuple[str, ...]:
    share = "" if f["of_large_product"] is None else f"{100 * f['of_large_product']:.0f} %"
    cells = [
        f["title"],
        f"{f['weights']:,}",
        f"{f['blocks']:,}",
        f"{f['block_size']:g}",
        str(f["points"]),
        f"{f['gflop']:.2f}",
        f"{f['ms']:.1f}",
        share,
        f"{f['ms'] / f['block_size'] ** 2:.1f}",
    ]
    for part in ("rooms", "views"):
        cells += ["" if f[part] is None else f"{100 * f[part][name]:.1f}" for name in SCORES]
    return tuple(cells)


if __name__ == "__main__":
    typer.run(main)
