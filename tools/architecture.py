"""The project's structure as data: steps of a cloud, layers of rooms, allowed imports. docs/architecture.md shows it.

python -m tools.architecture      # rewrites the tables of docs/architecture.md; run it when a room or a step moves

tests/docs/test_architecture.py holds the code to it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"


@dataclass(frozen=True)
class Step:
    """One step of a cloud. cpu, device, kernels: files that hold it, relative to the root; empty: there is none."""

    name: str
    result: str
    cpu: tuple[str, ...]
    device: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()


CORE, KERNELS = "jspnet_core", "jspnet_core/cuda/kernels"
STEPS = (
    Step(
        "read",
        "`points` (N, 3) in metres, `colors` (N, 3) or none",
        (f"{CORE}/io/clouds.py", "jspnet_ros/messages/point_cloud.py"),
    ),
    Step(
        "voxels",
        "one representative point per voxel, and the voxel of every input point",
        (f"{CORE}/pipeline/voxelize.py",),
        (f"{CORE}/cuda/voxelize.py",),
        (f"{KERNELS}/voxelize.cu",),
    ),
    Step(
        "gravity",
        "`T_gravity_input`: z up, floor at z = 0",
        (f"{CORE}/pipeline/gravity/estimate.py",),
        (f"{CORE}/cuda/voxelize.py",),
        (f"{KERNELS}/voxelize.cu",),
    ),
    Step(
        "blocks",
        "square columns of voxels and their features",
        (f"{CORE}/pipeline/blocks.py",),
        (f"{CORE}/cuda/blocks.py",),
        (f"{KERNELS}/blocks.cu",),
    ),
    Step(
        "pyramid",
        "sampling and grouping indices of every block",
        (f"{CORE}/pipeline/pyramid.py",),
        (f"{CORE}/cuda/pyramid.py",),
        (f"{KERNELS}/pyramid.cu",),
    ),
    Step(
        "network",
        "class logits and an embedding per block point",
        (f"{CORE}/pipeline/inference.py", f"{CORE}/engine/"),
        (f"{CORE}/cuda/device_network.py",),
    ),
    Step(
        "votes",
        "a class and a confidence per voxel",
        (f"{CORE}/pipeline/voting.py",),
        (f"{CORE}/cuda/voting.py",),
        (f"{KERNELS}/voting.cu",),
    ),
    Step(
        "clusters",
        "a cluster per block point, by mean shift on the embeddings",
        (f"{CORE}/pipeline/mean_shift.py",),
        (f"{CORE}/cuda/mean_shift.py",),
        (f"{KERNELS}/mean_shift.cu",),
    ),
    Step(
        "merging",
        "an instance per voxel, across the borders of blocks",
        (f"{CORE}/pipeline/merging/",),
        (f"{CORE}/cuda/merging/",),
        (f"{KERNELS}/contact.cu", f"{KERNELS}/block_merging.cu"),
    ),
    Step(
        "labels to points",
        "`Segmentation`: label, instance and confidence of every input point",
        (f"{CORE}/pipeline/labels_to_points.py",),
        (f"{CORE}/cuda/labels_to_points.py",),
        (f"{KERNELS}/labels_to_points.cu",),
    ),
)

LAYERS: dict[str, str] = {
    "cli": "the `jspnet` command, one module per sub-command",
    "report": "pages about training runs, pictures of clouds",
    "export": "checkpoint to ONNX, checked against PyTorch",
    "training": "the training loop, its data sets, losses and recipes",
    "evaluation": "scores: IoU, coverage, precision, recall, average precision; the paper's protocol",
    "memory": "memory over frames: a voxel map whose labels settle, objects that keep their ids",
    "data": "data sets become folders of labelled rooms",
    "cuda": "a whole frame on the GPU: the steps of `pipeline` around CUDA kernels, and their emulation on the host",
    "pipeline": "the steps of one cloud, in order",
    "engine": "engines that run the network: ONNX Runtime, OpenVINO, TensorRT, PyTorch; engine cache",
    "network": "JSPNet and the systems it is compared with, in PyTorch",
    "synthetic": "furnished worlds of meshes: assets, layout, render, sensors, scans; simpler rooms in primitives",
    "io": "cloud files, RGB-D sequences, atomic writes",
    "spatial": "grid, k-d buckets, ball query, nearest neighbours, farthest point sampling, union-find",
    "util": "threads, stage timer, cache folder",
}
"""Rooms of jspnet_core from top to bottom, with what each holds. A room imports from rooms below it."""

BASICS = ("classes", "errors", "model_file", "network_config", "segmentation", "settings")
"""Modules beside the rooms that every room may import; they import each other only."""

UPWARD = {
    ("pipeline", "cuda"): "load.py imports the GPU's stages inside a function, where an engine can feed them",
    ("engine", "pipeline"): "an engine takes pyramids as pyramid.py builds them",
    ("engine", "cuda"): "an engine of the GPU hands its arrays on the device to the kernels",
    ("engine", "training"): "the engine `torch` reads checkpoints",
}
"""Imports that run upward, and why."""

WITHOUT_TORCH = ("pipeline", "engine", "io", "spatial", "util", "cuda")
"""Rooms of the robot: no torch when they are imported, but for the files of `TORCH_FILES`."""

TORCH_FILES = ("engine.module_engine", "engine.torch_engine", "engine.torch_on_device")


@dataclass(frozen=True)
class Import:
    """One import. importer: a module of the project; imported: a module, or a name in one; lazy: inside a function."""

    importer: str
    imported: str
    lazy: bool
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def modules() -> dict[str, Path]:
    """All modules of both packages by dotted name."""
    found = {}
    for package in ("jspnet_core", "jspnet_ros"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports() -> list[Import]:
    """All imports of all modules, read from the source; those for type checkers alone are left out."""
    return [found for name, path in modules().items() for found in _imports_of(name, ast.parse(path.read_text()))]


def module_of(imported: str, known: dict[str, Path]) -> str | None:
    """The project's module that an imported name belongs to; None for other packages."""
    while imported and imported not in known:
        imported = imported.rpartition(".")[0]
    return imported or None


def room(module: str) -> str:
    """The room of a module: the folder below the package, or the module's own name where it stands in no folder."""
    return module.split(".")[1] if "." in module else ""


def steps_table() -> str:
    """The steps as a table in Markdown."""
    lines = ["| | step | gives | on the CPU | on the GPU | kernels |", "|---|---|---|---|---|---|"]
    for number, step in enumerate(STEPS, 1):
        cells = (_files(step.cpu), _files(step.device), _files(step.kernels))
        lines.append(f"| {number} | {step.name} | {step.result} | {' | '.join(cells)} |")
    return "\n".join(lines)


def layers_table() -> str:
    """The rooms from top to bottom as a table in Markdown."""
    lines = ["| room | holds |", "|---|---|"]
    return "\n".join([*lines, *(f"| `jspnet_core/{name}/` | {holds} |" for name, holds in LAYERS.items())])


def upward_table() -> str:
    """The imports that run upward as a table in Markdown."""
    lines = ["| from | to | why |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{a}` | `{b}` | {why} |" for (a, b), why in UPWARD.items())])


def with_tables(page: str) -> str:
    """The page with every table between its marks."""
    for name, table in (("steps", steps_table()), ("layers", layers_table()), ("upward", upward_table())):
        begin, end = f"<!-- {name}: written by tools.architecture -->", f"<!-- end of {name} -->"
        if begin not in page or end not in page:
            raise ValueError(f"docs/architecture.md lacks the marks {begin} and {end}")
        page = re.sub(f"(?s){begin}.*{end}", lambda _, b=begin, t=table, e=end: f"{b}\n{t}\n{e}", page)  # type: ignore[misc]
    return page


def _imports_of(importer: str, tree: ast.Module) -> Iterator[Import]:
    for node, lazy in _walk(tree, lazy=False):
        if isinstance(node, ast.Import):
            yield from (Import(importer, name.name, lazy, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (Import(importer, f"{node.module}.{name.name}", lazy, node.lineno) for name in node.names)


def _walk(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        inside = lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield child, inside
        yield from _walk(child, inside)


def _files(paths: tuple[str, ...]) -> str:
    shortened = (path.removeprefix(f"{KERNELS}/").removeprefix(f"{CORE}/") for path in paths)
    return ", ".join(f"`{path}`" for path in shortened)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
    print(PAGE.relative_to(ROOT))
