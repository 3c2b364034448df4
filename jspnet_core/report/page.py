"""Put the report together: one HTML file that needs nothing else, and Markdown beside its pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jspnet_core.evaluation.metrics import Score
from jspnet_core.evaluation.results import Evaluation, ratios
from jspnet_core.io.atomic import replacing
from jspnet_core.report.charts import draw_classes, draw_confusion, draw_curves
from jspnet_core.report.paper_rows import PAPER_ROWS
from jspnet_core.report.render import render
from jspnet_core.report.room_pictures import RoomPicture
from jspnet_core.report.runs import RunRecord

FIGURES = ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec", "AP", "AP50", "AP25")
CLASS_SCORES = {"IoU": "iou", "Pre": "precision", "Rec": "recall", "AP50": "ap50"}
"""Headings of the table by class, and the scores under them."""


@dataclass(frozen=True)
class RunResult:
    """A run with what became of it: its evaluation, and pictures of rooms."""

    run: RunRecord
    evaluation: Evaluation
    pictures: list[RoomPicture]


def write_report(out: Path, results: Sequence[RunResult], rooms: str, rooms_sha256: str, split: str) -> list[Path]:
    """Write the charts, report.html and report.md into `out`.

    rooms, rooms_sha256, split: what the runs were evaluated on. Returns the paths of the two pages.
    """
    scores = {result.run.name: result.evaluation.score() for result in results}
    curves = draw_curves(out / "curves.png", [result.run for result in results])
    draw_classes(out / "classes.png", scores)
    for name, score in scores.items():
        draw_confusion(out / f"{name}-confusion.png", score)
    content: dict[str, Any] = {
        "results": results,
        "scores": scores,
        "view_scores": _view_scores(results),
        "curves": curves,
        "figures": FIGURES,
        "class_scores": CLASS_SCORES,
        "paper_rows": PAPER_ROWS,
        "rooms": rooms,
        "split": split,
        "rooms_sha256": rooms_sha256,
        "room_count": len(results[0].evaluation.rooms),
        "written": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "facts": _side_by_side([result.run.facts() for result in results]),
        "settings": _side_by_side([result.run.settings() for result in results]),
    }
    pages = {"report.html": lambda file: _inline(out / file), "report.md": lambda file: file}
    for page, image in pages.items():
        text = render("jspnet_core.report", f"{page}.j2", image=image, **content)
        with replacing(out / page) as file:
            file.write(text.encode())
    return [out / page for page in pages]


def _view_scores(results: Sequence[RunResult]) -> dict[str, tuple[Score, dict[str, float | None]]]:
    """Score of the single views and its ratio to that of the rooms, by run, where views were evaluated."""
    scores = {}
    for result in results:
        if result.evaluation.views:
            score = result.evaluation.view_score()
            scores[result.run.name] = score, ratios(result.evaluation.score(), score)
    return scores


def _side_by_side(columns: Sequence[dict[str, str]]) -> list[tuple[str, list[str], bool]]:
    """Rows of a table from one dictionary per run: key, a value per run, and whether the runs differ."""
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [(key, [column.get(key, "-") for column in columns]) for key in keys]
    return [(key, values, len(set(values)) > 1) for key, values in rows]


def _inline(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
