"""Recipes: all settings of a training run.

`PAPER` follows section 4 of the paper and its released command; `MODERN` adds what later work on PointNet++ found
useful, and blocks cut from simulated depth-camera views. `resolve` builds a recipe from a name or file and settings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jspnet_core.data.depth_view import DepthCamera
from jspnet_core.errors import JspnetError

WARM_UP_SHARE = 0.05
"""Longest warm-up as a share of the time, where a recipe has a time."""


class RecipeError(JspnetError):
    """A recipe or setting that is not accepted."""


class Augmentation(BaseModel):
    """Cutting and augmentation of training blocks. Shares are of the blocks, 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cut: Literal["around", "grid", "random"] = Field(
        "around",
        description="around: a column around a drawn point; grid: the paper's columns, every 0.5 m from a room's "
        "corner; random: as many columns at random places (the other reading of the paper's random sampling)",
    )
    shuffle: Literal["all", "rooms"] = Field(
        "all", description="order of grid and random: over all rooms; rooms: one room after the other, as released"
    )
    redraw: bool = Field(True, description="grid: draw a block's points again in each epoch (random sampling), or once")
    voxels: bool = Field(True, description="one point per voxel, as at runtime; off: all points, as in the paper")
    replacement: bool = Field(False, description="draw points with replacement, as the paper's code")
    voxel_size: float = Field(0.03, gt=0, description="metres, edge of the voxels; as at runtime")

    views: float = Field(0.5, ge=0, le=1, description="share of blocks cut from simulated depth-camera views")
    view: DepthCamera = Field(DepthCamera(), description="the simulated camera: view.noise, view.tilt, ...")
    edge_color: float = Field(
        0.0, ge=0, le=1, description="share of views without colour outside the colour camera's view"
    )
    balance: float = Field(0.0, ge=0, le=1, description="share of blocks whose class is drawn first, all classes alike")

    turn: bool = Field(True, description="rotate about z by any angle")
    mirror: bool = Field(True, description="mirror half of the blocks")
    scale: float = Field(0.0, ge=0, lt=1, description="largest relative change of size")
    jitter: float = Field(
        0.0, ge=0, description="metres, standard deviation of noise on each coordinate, clipped at five"
    )
    color_drop: float = Field(0.15, ge=0, le=1, description="share of blocks without colours")
    color_gain: float = Field(0.15, ge=0, le=1, description="largest relative change of each colour channel")
    contrast: float = Field(0.0, ge=0, le=1, description="share of blocks with stretched contrast")

    @model_validator(mode="after")
    def _only_cut_around_has_views(self) -> Augmentation:
        if self.cut != "around" and (self.views or self.balance):
            raise ValueError(f"cut={self.cut} cuts whole rooms without views or balancing: set views=0 and balance=0")
        return self


class Recipe(BaseModel):
    """Settings of a training run. Budgets and decays are counted in blocks, independent of the batch size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int = Field(2_000_000, ge=1, description="blocks to train on in total, rounded up to whole steps")
    minutes: float | None = Field(
        None, gt=0, description="training time instead of samples, including data loading, validation and export"
    )
    batch: int = Field(12, ge=1, description="blocks of a step, over all processes")
    seed: int = Field(0, ge=0, description="of weights, order, augmentation and dropout")
    generated_rooms: int = Field(0, ge=0, description="rooms of the scene generator in addition to the given ones")

    optimizer: Literal["adam", "adamw"] = Field("adam", description="adamw: with decoupled weight decay")
    weight_decay: float = Field(0.0, ge=0, description="of adamw")
    learning_rate: float = Field(1e-3, gt=0, description="at the start, or after the warm-up")
    min_learning_rate: float = Field(1e-5, ge=0, description="lower bound of the learning rate after the warm-up")
    schedule: Literal["step", "cosine"] = Field(
        "step", description="step: halved every decay_samples, as in the paper; cosine: to the end"
    )
    decay_samples: int = Field(300_000, ge=1, description="blocks after which rate (step) and norm momentum halve")
    warmup_samples: int = Field(0, ge=0, description="blocks of linear warm-up from a tenth of the learning rate")
    clip_norm: float = Field(0.0, ge=0, description="largest norm of the gradient; 0: no clipping")
    norm_momentum: float = Field(
        0.5, gt=0, le=1, description="batch norm momentum at the start; halved every decay_samples, at least 0.01"
    )
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the moving average of the weights; 0: no average")
    mixed_precision: bool = Field(False, description="bfloat16 autocast, where GPU or CPU supports it natively")

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="of the semantic loss")
    class_weight: float = Field(0.0, ge=0, le=1, description="e: weight of a class = (share of the points) ** -e")
    dropout: float | None = Field(None, ge=0, lt=1, description="before the last layers; null: that of the network")
    teacher: str | None = Field(None, description="checkpoint of a trained network, for distillation")
    distillation: float = Field(1.0, gt=0, description="weight of the distillation loss")

    validate_every: int = Field(3000, ge=1, description="blocks between validations")
    checkpoint_minutes: float = Field(10.0, gt=0, description="longest time between two checkpoints")
    select: Literal["rooms", "both"] = Field(
        "rooms", description="best.pt by mIoU on blocks of whole rooms, or by the mean of rooms and views"
    )
    patience: int = Field(
        0, ge=0, description="early stopping after this many validations without a better one; 0: off"
    )
    augmentation: Augmentation = Augmentation()

    def learning_rate_at(self, samples: int, progress: float | None = None) -> float:
        """Return the learning rate after a number of blocks.

        progress: elapsed share of the time, for training by time: the cosine schedule then follows it, and the warm-up
        lasts at most a twentieth of it.
        """
        done = samples / self.samples if progress is None else progress
        if self.schedule == "cosine":
            share = 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
        else:
            share = 0.5 ** (samples // self.decay_samples)
        warmed = samples / self.warmup_samples if self.warmup_samples else 1.0
        if progress is not None:
            warmed = max(warmed, progress / WARM_UP_SHARE)
        return max(self.min_learning_rate, self.learning_rate * share) * min(1.0, 0.1 + 0.9 * warmed)

    def ema_decay_at(self, samples: int) -> float:
        """Return the decay of the averaged weights: lower at first, so that initial weights are soon forgotten."""
        steps = samples // self.batch
        return min(self.ema, (1 + steps) / (10 + steps))

    def norm_momentum_at(self, samples: int) -> float:
        """Return the batch norm momentum, in PyTorch's sense; at least 0.01."""
        return max(0.01, self.norm_momentum * 0.5 ** (samples // self.decay_samples))


PAPER = Recipe(
    samples=1_673_300,  # 100 epochs of the 16,733 blocks that Areas 1, 2, 3, 4 and 6 are cut into
    augmentation=Augmentation(
        cut="grid",
        shuffle="rooms",
        voxels=False,
        replacement=True,
        views=0.0,
        turn=False,
        mirror=False,
        color_drop=0.0,
        color_gain=0.0,
    ),
)
"""Section 4.2 and the released code: Adam at 0.001, halved every 300,000 blocks, batches of 12, no augmentation."""

MODERN = Recipe(
    samples=400_000,
    optimizer="adamw",
    weight_decay=1e-2,
    learning_rate=2e-3,
    schedule="cosine",
    warmup_samples=2000,
    clip_norm=10.0,
    norm_momentum=0.1,
    decay_samples=100_000,
    ema=0.998,
    mixed_precision=True,
    label_smoothing=0.1,
    class_weight=0.4,
    dropout=0.2,
    select="both",
    augmentation=Augmentation(
        views=0.5,
        view=DepthCamera(tilt=0.035),
        edge_color=0.5,
        balance=0.4,
        scale=0.1,
        jitter=0.003,
        color_drop=0.2,
        color_gain=0.15,
        contrast=0.2,
    ),
)
"""AdamW, cosine schedule, class weights, balanced sampling, averaged weights and simulated camera views."""

RECIPES = {"paper": PAPER, "modern": MODERN}


def resolve(base: Recipe | str | Path, settings: Iterable[str] = ()) -> Recipe:
    """Build a recipe from a name, a JSON file (recipe.json of a run) or another recipe, and settings as `ema=0.99`.

    Keys of `augmentation` need no prefix; those of the camera are `view.noise` etc. Raises `RecipeError`.
    """
    content = (base if isinstance(base, Recipe) else _named(str(base))).model_dump(mode="json")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(f"setting is {setting!r}, must be KEY=VALUE, as ema=0.99")
        _assign(content, key, _value(text))
    return _checked(content, "the recipe")


def _named(name: str) -> Recipe:
    if name in RECIPES:
        return RECIPES[name]
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"recipe is {name!r}, must be {', '.join(RECIPES)} or a JSON file") from None
    except (OSError, ValueError) as error:
        raise RecipeError(f"recipe {name}: not a JSON file ({error})") from None
    return _checked(content, f"recipe {name}")


def _assign(content: dict[str, Any], key: str, value: Any) -> None:
    groups = {
        "": content,
        "augmentation": content["augmentation"],
        "augmentation.view": content["augmentation"]["view"],
    }
    group, _, name = key.rpartition(".")
    group = "augmentation.view" if group == "view" else group
    if not group and name not in content:
        group = "augmentation"
    if name not in groups.get(group, {}) or name in ("augmentation", "view"):
        known = [k for k in (*content, *content["augmentation"]) if k not in ("augmentation", "view")]
        known += [f"view.{k}" for k in content["augmentation"]["view"]]
        raise RecipeError(f"setting {key!r} does not exist; accepted are {', '.join(known)}")
    groups[group][name] = value


def _value(text: str) -> Any:
    """Parse a JSON value; other text is a string."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _checked(content: Any, name: str) -> Recipe:
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"])) or "settings"
        raise RecipeError(f"{name}: {where} is {problem['input']!r}: {problem['msg']}") from None
