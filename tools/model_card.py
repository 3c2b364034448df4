#!/usr/bin/env python3
"""Write the card of a model from its file and from results of `jspnet evaluate --json`.

python tools/model_card.py MODEL.onnx EVALUATION.json [--also LABEL=OTHER.json ...] > CARD.md
python tools/model_card.py MODEL.onnx --worlds TABLE.md [--note TEXT ...] > CARD.md

EVALUATION.json must contain single views (`--views`). TABLE.md is what `benchmarks.accuracy.worlds --markdown` wrote.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from jspnet_core.engine import open_engine
from jspnet_core.export.card import head

MEANS = ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec")


def main() -> None:
    """Print the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("evaluation", type=Path, nargs="?")
    parser.add_argument("--worlds", type=Path, help="table of scores in several worlds")
    parser.add_argument("--note", action="append", default=[], help="a sentence before the scores")
    parser.add_argument("--also", action="append", default=[], metavar="LABEL=FILE", help="a further evaluation")
    arguments = parser.parse_args()
    description = open_engine("onnxruntime", arguments.model).description
    if arguments.worlds is not None:
        notes = [line for note in arguments.note for line in (note, "")]
        print("\n".join([*head(arguments.model, description), *notes, arguments.worlds.read_text()]), end="")
        return
    if arguments.evaluation is None:
        parser.error("give EVALUATION.json or --worlds TABLE.md")
    evaluation = json.loads(arguments.evaluation.read_text())
    others = [text.split("=", 1) for text in arguments.also]
    rows = [
        ("default settings", evaluation),
        *((label, json.loads(Path(path).read_text())) for label, path in others),
    ]
    table = [*scores(rows), *views(evaluation), "", *of_present_classes(rows)]
    print("\n".join([*head(arguments.model, description), *table, *by_class(evaluation)]))


def scores(rows: list[tuple[str, dict]]) -> list[str]:
    """Tabulate the means in percent, one row per evaluation."""
    scored = [room["name"] for room in rows[0][1]["per_room"]]
    different = len(set(scored))
    drawn = f" with {len(scored) // different} seeds, pooled" if len(scored) > different else ""
    lines = [
        f"Scores in percent on {different} validation rooms{drawn}; whole rooms, counted per point of the room",
        "(`jspnet evaluate`; formulas in docs/evaluation.md):",
        "",
        f"| | {' | '.join(MEANS)} |",
        f"|---{'|---' * len(MEANS)}|",
    ]
    for label, evaluation in rows:
        lines.append(f"| {label} | {' | '.join(percent(evaluation[name]) for name in MEANS)} |")
    return lines


def views(evaluation: dict) -> list[str]:
    """Tabulate the single views, and their scores divided by those of the rooms."""
    found = evaluation["views"]
    label = f"single views, {len(found['per_room'])} simulated depth-camera frames of these rooms"
    return [
        f"| {label} | {' | '.join(percent(found[name]) for name in MEANS)} |",
        f"| views / rooms | {' | '.join(percent(found['ratio'][name]) for name in MEANS)} |",
    ]


def of_present_classes(rows: list[tuple[str, dict]]) -> list[str]:
    """State the mIoU without classes that no room has, which count 0 if any point is predicted as one of them."""
    parts = []
    for label, evaluation in [*rows, ("views", rows[0][1]["views"])]:
        classes, confusion = evaluation["classes"], evaluation["confusion"]
        predicted = [n for n, score in classes.items() if not score["true_points"] and score["iou"] is not None]
        if predicted:
            points = sum(row[i] for row in confusion for i, n in enumerate(classes) if n in predicted)
            share, mean = points / sum(map(sum, confusion)), percent(mean_iou_of_present(evaluation))
            parts.append(f"{label} {mean} ({share:.2%} of the points predicted as {', '.join(predicted)})")
    if not parts:
        return []
    return [
        "A class without true points counts with an IoU of 0 if a point is predicted as it. mIoU without these: "
        f"{'; '.join(parts)}.",
        "",
    ]


def mean_iou_of_present(evaluation: dict) -> float:
    shares = [score["iou"] for score in evaluation["classes"].values() if score["true_points"]]
    return sum(shares) / len(shares)


def by_class(evaluation: dict) -> list[str]:
    """Tabulate IoU, precision and recall of each class."""
    keys = ("iou", "precision", "recall")
    lines = ["| class | IoU | precision | recall |", "|---|---|---|---|"]
    for name, score in evaluation["classes"].items():
        lines.append(f"| {name} | {' | '.join(percent(score[key]) for key in keys)} |")
    never = ", ".join(evaluation["never_predicted"])
    return [*lines, *(["", f"Never predicted as an instance, counted as precision 0: {never}."] if never else [])]


def percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
