#!/usr/bin/env python3
"""Write a model's card from the model file and from what `jspnet evaluate --json` measured.

python tools/model_card.py MODEL.onnx EVALUATION.json [--also LABEL=OTHER.json ...] [--before BEFORE.md] > CARD.md

EVALUATION.json holds single views as well (`--views`). --before: rows of an earlier model's table to stand beside.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from jspnet_core.engine import open_engine
from jspnet_core.model_file import ModelDescription
from jspnet_core.training.recipe import Recipe

MEANS = ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec")


def main() -> None:
    """Print the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("evaluation", type=Path)
    parser.add_argument("--also", action="append", default=[], metavar="LABEL=FILE", help="a further evaluation")
    parser.add_argument("--before", type=Path, help="rows of an earlier model, as in its card")
    arguments = parser.parse_args()
    description = open_engine("onnxruntime", arguments.model).description
    evaluation = json.loads(arguments.evaluation.read_text())
    others = [text.split("=", 1) for text in arguments.also]
    rows = [
        ("default settings", evaluation),
        *((label, json.loads(Path(path).read_text())) for label, path in others),
    ]
    before = [] if arguments.before is None else arguments.before.read_text().splitlines()
    table = [*scores(rows), *views(evaluation), *before, "", *of_present_classes(rows)]
    print("\n".join([*head(arguments.model, description), *table, *by_class(evaluation)]))


def head(model: Path, description: ModelDescription) -> list[str]:
    """What the model is, what it was trained on, and its licence."""
    c, recipe = description.configuration, Recipe(**description.training["recipe"])
    augmentation = recipe.augmentation
    return [
        f"# {description.name}",
        "",
        f"JSPNet for the classes {', '.join(description.class_table().names)}.",
        "",
        f"- **Licence of the weights**: {description.licence}.",
        f"- **Trained on**: {description.training['data']}.",
        f"- **Training**: {description.training['blocks']:,} blocks in all, at the end in batches of "
        f"{recipe.batch} with {recipe.optimizer}, a {recipe.schedule} schedule from {recipe.learning_rate}, averaged "
        f"weights (ema {recipe.ema}), class weights (share ** -{recipe.class_weight}) and dropout {recipe.dropout}; "
        f"{augmentation.views:.0%} of the blocks as a simulated depth camera sees them, {augmentation.balance:.0%} "
        f"around a point of a drawn class, {augmentation.color_drop:.0%} without colour; rooms turned and mirrored at "
        f"random. The paper trains on some 1.7 million blocks.",
        f"- **Network**: blocks of {c.block_size:g} m with {c.points} points, levels "
        f"{', '.join(map(str, c.levels))}, fusion width {c.fusion}, "
        f"PIFF d_k {c.d_k}, d_v {c.d_v}, {c.piff_key_count} keys; "
        f"{'with' if c.color else 'without'} colour. Half as wide as the paper's network, in blocks "
        f"{'as wide' if c.block_size == 1 else f'{c.block_size:g} times as wide'}.",
        f"- **File**: `{model.name}`, {model.stat().st_size / 1e6:.1f} MB, float16 weights on disk, float32 when run; "
        f"`{model.with_suffix('.pt').name}` holds the same weights for `jspnet train --init`.",
        *never(description),
        f"- **Voxels**: meant for {100 * description.voxel_size:.0f} cm.",
        "",
    ]


def never(description: ModelDescription) -> list[str]:
    """The classes that the model was told not to say."""
    names = ", ".join(description.training.get("never", []))
    return [f"- **Never said**: {names} (`jspnet export --never`); `--init` may train it."] if names else []


def scores(rows: list[tuple[str, dict]]) -> list[str]:
    """The means, in percent, one row per evaluation."""
    scored = [room["name"] for room in rows[0][1]["per_room"]]
    different = len(set(scored))
    drawn = f", by {len(scored) // different} seeds, pooled" if len(scored) > different else ""
    lines = [
        f"Scores on {different} validation rooms{drawn}, whole rooms, counted per point of the room, in percent",
        "(`jspnet evaluate`; formulas in docs/evaluation.md):",
        "",
        f"| | {' | '.join(MEANS)} |",
        f"|---{'|---' * len(MEANS)}|",
    ]
    for label, evaluation in rows:
        lines.append(f"| {label} | {' | '.join(percent(evaluation[name]) for name in MEANS)} |")
    return lines


def views(evaluation: dict) -> list[str]:
    """Rows of the single views, and their share of the whole rooms' scores."""
    found = evaluation["views"]
    label = f"single views, {len(found['per_room'])} simulated depth-camera frames of these rooms"
    return [
        f"| {label} | {' | '.join(percent(found[name]) for name in MEANS)} |",
        f"| views / rooms | {' | '.join(percent(found['ratio'][name]) for name in MEANS)} |",
    ]


def of_present_classes(rows: list[tuple[str, dict]]) -> list[str]:
    """What mIoU is without the classes that no room has, each of which counts 0 as soon as one point is given it."""
    parts = []
    for label, evaluation in [*rows, ("views", rows[0][1]["views"])]:
        classes, confusion = evaluation["classes"], evaluation["confusion"]
        said = [n for n, score in classes.items() if not score["true_points"] and score["iou"] is not None]
        if said:
            points = sum(row[i] for row in confusion for i, n in enumerate(classes) if n in said)
            share, mean = points / sum(map(sum, confusion)), percent(mean_iou_of_present(evaluation))
            parts.append(f"{label} {mean} ({share:.2%} of the points said to be {', '.join(said)})")
    if not parts:
        return []
    return [
        "A class that no room has counts with an IoU of 0 where a point is said to be of it. mIoU without: "
        f"{'; '.join(parts)}.",
        "",
    ]


def mean_iou_of_present(evaluation: dict) -> float:
    shares = [score["iou"] for score in evaluation["classes"].values() if score["true_points"]]
    return sum(shares) / len(shares)


def by_class(evaluation: dict) -> list[str]:
    """IoU, precision and recall of each class."""
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
