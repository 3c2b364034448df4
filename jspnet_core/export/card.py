"""The card of a model: what it is, what it learned from, and its licence, as Markdown."""

from __future__ import annotations

from pathlib import Path

from jspnet_core.io.atomic import replacing
from jspnet_core.model_file import ModelDescription
from jspnet_core.training.recipe import Recipe


def write_card(model: Path, description: ModelDescription) -> Path:
    """Write the card of a model that was just trained beside it, with the scores of its last validation."""
    path = model.with_suffix(".md")
    with replacing(path) as file:
        file.write("\n".join([*head(model, description), *validation(description), ""]).encode())
    return path


def head(model: Path, description: ModelDescription) -> list[str]:
    """Describe the model, its training and its licence."""
    c, recipe = description.configuration, Recipe(**description.training["recipe"])
    augmentation = recipe.augmentation
    return [
        f"# {description.name}",
        "",
        f"JSPNet for the classes {', '.join(description.class_table().names)}.",
        "",
        f"- **Licence of the weights**: {description.licence}.",
        f"- **Trained on**: {description.training['data']}.",
        f"- **Training**: {description.training['blocks']:,} blocks in total, the last ones in batches of "
        f"{recipe.batch} with {recipe.optimizer}, a {recipe.schedule} schedule from {recipe.learning_rate}, averaged "
        f"weights (ema {recipe.ema}), class weights (share ** -{recipe.class_weight}) and dropout {recipe.dropout}; "
        f"{augmentation.views:.0%} of the blocks cut from simulated depth-camera views, {augmentation.balance:.0%} "
        f"around a point of a class that is drawn first, {augmentation.color_drop:.0%} without colour; random rotation "
        f"about z and mirroring. The paper trains on about 1.7 million blocks.",
        f"- **Network**: blocks of {c.block_size:g} m with {c.points} points, levels "
        f"{', '.join(map(str, c.levels))}, fusion width {c.fusion}, "
        f"PIFF d_k {c.d_k}, d_v {c.d_v}, {c.piff_key_count} keys; "
        f"{'with' if c.color else 'without'} colour.",
        f"- **File**: `{model.name}`, {model.stat().st_size / 1e6:.1f} MB, float16 weights on disk, float32 when run; "
        f"`{checkpoint_of(model)}` holds the same weights for `jspnet train --init`.",
        *excluded(description),
        f"- **Voxels**: {100 * description.voxel_size:.0f} cm.",
        "",
    ]


def excluded(description: ModelDescription) -> list[str]:
    """List the classes that the model never predicts."""
    training = description.training
    names = ", ".join(training.get("excluded_classes", training.get("never", [])))
    return [f"- **Excluded classes**: {names} (`jspnet export --exclude`); `--init` may train them."] if names else []


def checkpoint_of(model: Path) -> str:
    """Name of the checkpoint beside a model file: of the same name, or the best one of its run."""
    beside = model.with_suffix(".pt")
    return beside.name if beside.is_file() or not (model.parent / "best.pt").is_file() else "best.pt"


def validation(description: ModelDescription) -> list[str]:
    """Tabulate the last validation: mIoU in percent on blocks of rooms and of single views, by source."""
    metrics = description.training["validation"]
    if not metrics:
        return []
    sources = metrics.get("sources", {"all": metrics})
    lines = [
        "Last validation, mIoU in percent on blocks of rooms that did not train (`jspnet evaluate` scores whole rooms):"
    ]
    lines += ["", "| | rooms | single views |", "|---|---|---|"]
    for name, score in sources.items():
        shown = ("-" if value is None else f"{100 * value:.1f}" for value in (score["miou"], score["view_miou"]))
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return lines
