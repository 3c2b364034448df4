"""Recipes: every ingredient of a training run as a named switch.

`PAPER` is section 4 of the paper and its released command; `MODERN` is what later work on PointNet++ showed to matter,
with blocks as a robot's depth camera sees them. `resolve` makes a recipe from a name or file and single settings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from jspnet_core.data.depth_view import View
from jspnet_core.errors import JspnetError

WARM_UP_SHARE = 0.05
"""Longest warm-up as a share of the time, where a recipe has a time."""


class RecipeError(JspnetError):
    """A recipe that cannot be used: one sentence naming the setting, what was found and what is accepted."""


class Augmentation(BaseModel):
    """How a training block is cut from a room, and what happens to it. Shares are of the blocks, 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cut: Literal["around", "grid", "random"] = Field(
        "around",
        description="around: a column around a drawn point; grid: the paper's columns, every 0.5 m from a room's "
        "corner; random: as many columns at random places (the other reading of the paper's random sampling)",
    )
    shuffle: Literal["all", "rooms"] = Field(
        "all", description="order of grid and random: over all rooms; rooms: one room after the other, as released"
    )
    redraw: bool = Field(True, description="grid: draw a block's points anew in each epoch (random sampling), or once")
    voxels: bool = Field(True, description="one point per voxel, as the runtime; off: any points, as the paper")
    replacement: bool = Field(False, description="draw points with replacement, as the paper's code")
    voxel_size: float = Field(0.03, gt=0, description="metres; as the runtime's")

    views: float = Field(0.5, ge=0, le=1, description="share of blocks cut from what a depth camera would see")
    view: View = Field(View(), description="that camera: view.noise, view.tilt, ...")
    edge_color: float = Field(0.0, ge=0, le=1, description="share of views without colour where the lens sees none")
    balance: float = Field(0.0, ge=0, le=1, description="share of blocks around a point of a class drawn first")

    turn: bool = Field(True, description="turn about z by any angle")
    mirror: bool = Field(True, description="mirror half of the blocks")
    scale: float = Field(0.0, ge=0, lt=1, description="largest change of size, as a share")
    jitter: float = Field(0.0, ge=0, description="metres, standard deviation of noise on each coordinate; cut at 5")
    color_drop: float = Field(0.15, ge=0, le=1, description="share of blocks whose colours are taken away")
    color_gain: float = Field(0.15, ge=0, le=1, description="largest change of brightness, as a share")
    contrast: float = Field(0.0, ge=0, le=1, description="share of blocks whose colours are stretched")

    @model_validator(mode="after")
    def _views_are_cut_around_points(self) -> Augmentation:
        if self.cut != "around" and (self.views or self.balance):
            raise ValueError(f"cut={self.cut} is of whole rooms and of all points alike: set views=0 and balance=0")
        return self


class Recipe(BaseModel):
    """How to train. Budgets and decays are counted in blocks, not in steps: they hold for any batch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: int = Field(2_000_000, ge=1, description="blocks to train on in all, rounded up to whole steps")
    minutes: float | None = Field(
        None, gt=0, description="time to train in, instead of samples: data, validation and export are inside it"
    )
    batch: int = Field(12, ge=1, description="blocks of a step, over all processes")
    seed: int = Field(0, ge=0, description="of weights, order, augmentation and dropout")
    generated_rooms: int = Field(0, ge=0, description="rooms of the scene generator beside the real ones")

    optimizer: Literal["adam", "adamw"] = Field("adam", description="adamw: with weight_decay apart from the gradient")
    weight_decay: float = Field(0.0, ge=0, description="of adamw")
    learning_rate: float = Field(1e-3, gt=0, description="at the start, or after the warm-up")
    min_learning_rate: float = Field(1e-5, ge=0, description="the learning rate never falls below, but for the warm-up")
    schedule: Literal["step", "cosine"] = Field("step", description="step: halves, as in the paper; cosine: to the end")
    decay_samples: int = Field(300_000, ge=1, description="blocks after which rate (step) and norm momentum halve")
    warmup_samples: int = Field(0, ge=0, description="blocks in which the rate rises from a tenth")
    clip_norm: float = Field(0.0, ge=0, description="largest norm of the gradient; 0: any")
    norm_momentum: float = Field(0.5, gt=0, le=1, description="of batch norm at the start; halves; never below 0.01")
    ema: float = Field(0.0, ge=0, lt=1, description="averaged weights, how much a step keeps of them; 0: none")
    mixed_precision: bool = Field(False, description="bfloat16 where GPU or CPU multiplies it natively; else nothing")

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="of the semantic loss")
    class_weight: float = Field(0.0, ge=0, le=1, description="e: a class weighs its share of the points ** -e")
    dropout: float | None = Field(None, ge=0, lt=1, description="before the last layers; null: as the network's")
    teacher: str | None = Field(None, description="checkpoint of a trained network to learn from beside the truth")
    distillation: float = Field(1.0, gt=0, description="weight of what teacher and network differ by; with a teacher")

    validate_every: int = Field(3000, ge=1, description="blocks between validations")
    checkpoint_minutes: float = Field(10.0, gt=0, description="most minutes between two checkpoints")
    select: Literal["rooms", "both"] = Field(
        "rooms", description="best.pt by the mIoU on blocks of whole rooms, or by its mean with that on views"
    )
    patience: int = Field(0, ge=0, description="stop after so many validations without a better one; 0: never")
    augmentation: Augmentation = Augmentation()

    def learning_rate_at(self, samples: int, progress: float | None = None) -> float:
        """The learning rate after a number of blocks. progress: share of the time that is over, where time is given:
        the cosine then follows it, and the warm-up lasts a twentieth of it at most."""
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
        """How much of the averaged weights a step keeps: less at first, so that they soon forget the first ones."""
        steps = samples // self.batch
        return min(self.ema, (1 + steps) / (10 + steps))

    def norm_momentum_at(self, samples: int) -> float:
        """Of batch norm, in PyTorch's sense; never below 0.01."""
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
        view=View(tilt=0.035),
        edge_color=0.5,
        balance=0.4,
        scale=0.1,
        jitter=0.003,
        color_drop=0.2,
        color_gain=0.15,
        contrast=0.2,
    ),
)
"""AdamW, cosine, class weights, balanced sampling, averaged weights, and blocks as a depth camera sees them."""

RECIPES = {"paper": PAPER, "modern": MODERN}


def resolve(base: Recipe | str | Path, settings: Iterable[str] = ()) -> Recipe:
    """A recipe by name, from a JSON file (a run's recipe.json) or as given, with settings such as `ema=0.99` applied.

    The keys of `augmentation` need no prefix; those of the camera are `view.noise` and so on. Raises `RecipeError`.
    """
    content = (base if isinstance(base, Recipe) else _named(str(base))).model_dump(mode="json")
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise RecipeError(f"setting {setting!r}: must be KEY=VALUE, as ema=0.99")
        _assign(content, key, _value(text))
    return _checked(content, "the recipe")


def _named(name: str) -> Recipe:
    if name in RECIPES:
        return RECIPES[name]
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"recipe {name!r}: neither {' nor '.join(RECIPES)}, nor a file") from None
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
        raise RecipeError(f"setting {key!r}: no such switch; there are {', '.join(known)}")
    groups[group][name] = value


def _value(text: str) -> Any:
    """A JSON value, or the text itself."""
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
