"""Report of the demo: tables and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from jspnet_core.classes import ClassTable
from jspnet_core.evaluation.metrics import Score, summarise
from jspnet_core.report.cloud_pictures import Row, frame_picture
from jspnet_ros.demo_support.listener import GROUPS, Heard


def print_report(console: Console, heard: Heard) -> None:
    """Print frames, times, and agreement with the truth. A point without a label counts as wrong."""
    console.print(_frames(heard))
    console.print(_times(heard))
    if heard.scores and heard.classes is not None:
        score = summarise(heard.scores, heard.classes.names)
        console.print(_classes(score, heard))
        console.print(
            f"agreement with the truth over {score.rooms} frames: {score.overall_accuracy:.1%} of the points, "
            f"mIoU {score.mean_iou:.3f}, mPre {score.mean_precision:.3f}, mRec {score.mean_recall:.3f}",
            soft_wrap=True,
        )


def write_picture(path: Path, heard: Heard, classes: ClassTable) -> None:
    """Draw the view of median agreement with its truth: the node's labels, and the truth below."""
    view = sorted(heard.views, key=lambda seen: seen.agreement)[len(heard.views) // 2]
    rows = [Row("node", view.label, view.instance), Row("truth", view.true_label, view.true_instance)]
    title = f"the median of {len(heard.views)} labelled frames: {view.agreement:.0%} of its points agree with the truth"
    total = heard.times_ms["total"]
    if total:
        title += f"; median {np.median(total):.0f} ms per frame"
    frame_picture(path, view.colors, rows, classes, title, view.depth)


def _frames(heard: Heard) -> Table:
    counts = heard.counts
    table = Table("clouds", "count", title="Frames", title_justify="left")
    table.add_row("sent by the camera", str(heard.sent))
    table.add_row("received by the node", str(counts.get("received", 0)))
    table.add_row("labelled by the node", str(counts.get("labelled", 0)))
    table.add_row("labelled clouds that came back", f"{heard.labelled} instances, {heard.semantic} semantic")
    table.add_row("skipped, a newer one came", str(counts.get("skipped", 0)))
    table.add_row("lost on the way to the node", str(counts.get("lost", 0)))
    table.add_row("refused", str(counts.get("refused", 0)))
    return table


def _times(heard: Heard) -> Table:
    """Milliseconds: groups of every frame, stages of at most one frame a second."""
    table = Table("ms", "p50", "p95", "frames", title="Time per frame", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, values in heard.stages_ms.items():
        table.add_row(name, *_quantiles(values))
    table.add_section()
    for group in (*GROUPS, "age", "latency"):
        if heard.times_ms[group]:
            table.add_row(group, *_quantiles(heard.times_ms[group]))
    return table


def _quantiles(values: list[float]) -> tuple[str, str, str]:
    middle, high = np.percentile(values, [50, 95])
    return f"{middle:.1f}", f"{high:.1f}", str(len(values))


def _classes(score: Score, heard: Heard) -> Table:
    """One line for each class in the truth or in the labels."""
    table = Table(
        "class",
        "true points",
        "IoU",
        "true objects",
        "found",
        "objects labelled",
        title="Classes",
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for c in score.classes:
        if c.name in score.absent:
            continue
        found = "" if c.recall is None else f"{round(c.recall * c.true_instances)}"
        iou = "" if c.iou is None else f"{c.iou:.2f}"
        reported = heard.objects.get(c.name, 0)
        table.add_row(c.name, f"{c.true_points:,}", iou, str(c.true_instances), found, str(reported or ""))
    return table
