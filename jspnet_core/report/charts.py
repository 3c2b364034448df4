"""Charts of the report: figures in, PNG files out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure

from jspnet_core.evaluation.metrics import Score
from jspnet_core.report.runs import Curve, RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {
    "validation mIoU": ("validation/miou", "validation/view_miou"),
    "validation accuracy": ("validation/accuracy", "validation/view_accuracy"),
    "loss": ("train/total", None),
    "semantic loss": ("train/semantic", "validation/semantic"),
    "pull": ("train/pull", "validation/pull"),
    "push": ("train/push", "validation/push"),
    "learning rate": ("train/rate", None),
}
"""Title of a panel, what is drawn solid, and what dashed."""

BINS = 150
"""Points of a curve; longer ones are averaged to so many."""


def draw_curves(path: Path, runs: Sequence[RunRecord]) -> bool:
    """One panel per quantity, one colour per run. False, and no file, where no run logged anything."""
    tags = {tag for run in runs for tag in run.curves}
    panels = {title: pair for title, pair in PANELS.items() if tags & set(pair)}
    if not panels:
        return False
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = _figure(4.2 * columns, 2.7 * rows + 0.35)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, (title, pair) in zip(axes.flat, panels.items(), strict=False):
        for run, color in zip(runs, _colors(len(runs)), strict=True):
            for tag, line in zip(pair, ("-", "--"), strict=True):
                if tag in run.curves:
                    curve = averaged(run.curves[tag])
                    mark = "." if len(curve.blocks) < 20 else ""
                    axis.plot(curve.blocks / 1000, curve.values, line, color=color, marker=mark, linewidth=1.3)
        _plain(axis, title)
        axis.set_xlabel("thousand blocks", fontsize=8)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    if len(runs) > 1:
        handles = [axes[0, 0].plot([], [], color=color)[0] for color in _colors(len(runs))]
        figure.legend(handles, [run.name for run in runs], loc="outside upper center", ncols=6, frameon=False)
    figure.savefig(path)
    return True


def draw_classes(path: Path, scores: Mapping[str, Score]) -> None:
    """IoU of each class, a bar per run, the best class of the first run first."""
    first = next(iter(scores.values()))
    order = sorted(range(len(first.classes)), key=lambda i: -(first.classes[i].iou or 0.0))
    figure = _figure(9.5, 0.5 + 0.3 * len(order) * max(1.0, 0.55 * len(scores)))
    axis = figure.subplots()
    height = 0.8 / len(scores)
    for k, ((name, score), color) in enumerate(zip(scores.items(), _colors(len(scores)), strict=True)):
        values = [100 * (score.classes[i].iou or 0.0) for i in order]
        place = np.arange(len(order)) + (k + 0.5) * height - 0.4
        axis.barh(place, values, height, color=color, label=name)
        for y, i, value in zip(place, order, values, strict=True):
            absent = "not in these rooms" if score.classes[i].iou is None else "not in these rooms, but predicted"
            text = f"{value:.0f}" if score.classes[i].true_points else absent
            axis.text(value + 0.7, y, text, va="center", fontsize=7, color="0.35")
    axis.set_yticks(range(len(order)), [first.classes[i].name for i in order])
    axis.invert_yaxis()
    axis.set_xlim(0, 105)
    _plain(axis, "IoU by class, per cent")
    axis.grid(axis="y", visible=False)
    if len(scores) > 1:
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(path)


def draw_confusion(path: Path, score: Score) -> None:
    """Confusion matrix of the classes, in per cent of each true class."""
    names = [c.name for c in score.classes]
    shares = 100.0 * score.confusion / np.maximum(score.confusion.sum(axis=1, keepdims=True), 1)
    nothing = shares[:, -1].max() < 0.5
    shares = shares[:, :-1] if nothing else shares
    side = 1.6 + 0.42 * len(names)
    figure = _figure(side + 0.6, side)
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.5:
            axis.text(
                column,
                row,
                f"{share:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if share > 55 else "black",
            )
    columns = names if nothing else [*names, "no label"]
    axis.set_xticks(range(len(columns)), columns, rotation=60, ha="right", fontsize=8)
    absent = [" (absent)" if c.true_points == 0 else "" for c in score.classes]
    axis.set_yticks(range(len(names)), [name + note for name, note in zip(names, absent, strict=True)], fontsize=8)
    axis.set_xlabel("predicted", fontsize=8)
    axis.set_ylabel("true", fontsize=8)
    axis.tick_params(length=0)
    figure.savefig(path)


def averaged(curve: Curve, bins: int = BINS) -> Curve:
    """The means of `bins` equal parts of a curve; the curve itself where it is short."""
    if len(curve.blocks) <= 2 * bins:
        return curve
    parts = [(curve.blocks, np.float64), (curve.values, np.float64)]
    edges = np.linspace(0, len(curve.blocks), bins + 1).astype(int)
    blocks, values = (np.add.reduceat(x.astype(kind), edges[:-1]) / np.diff(edges) for x, kind in parts)
    return Curve(blocks, values)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=110, facecolor="white", layout="constrained")


def _colors(count: int) -> list[str]:
    cycle = rcParams["axes.prop_cycle"].by_key()["color"]
    return [cycle[k % len(cycle)] for k in range(count)]


def _plain(axis: Axes, title: str) -> None:
    axis.set_title(title, fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
    axis.grid(color="0.9", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
