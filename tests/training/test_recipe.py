"""Recipes: by name, from a file, with single switches; and what their numbers mean."""

import json

import pytest

from jspnet_core.training.recipe import MODERN, PAPER, RecipeError, resolve


def test_the_paper_recipe_is_section_4():
    rates = [PAPER.learning_rate_at(s) for s in (0, 299_999, 300_000, 600_000, 1_600_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 5e-4, 2.5e-4, 3.125e-5])
    assert PAPER.learning_rate_at(10**7) == 1e-5
    assert [PAPER.norm_momentum_at(s) for s in (0, 300_000, 10**7)] == [0.5, 0.25, 0.01]
    assert (PAPER.batch, PAPER.optimizer, PAPER.weight_decay, PAPER.clip_norm, PAPER.ema) == (12, "adam", 0, 0, 0)
    cut = PAPER.augmentation
    assert (cut.cut, cut.redraw, cut.shuffle, cut.voxels, cut.replacement) == ("grid", True, "rooms", False, True)
    assert not any(
        (cut.turn, cut.mirror, cut.scale, cut.jitter, cut.views, cut.balance, cut.color_drop, cut.color_gain)
    )


def test_the_modern_recipe_warms_up_and_ends_at_the_floor():
    assert MODERN.learning_rate_at(0) == pytest.approx(0.1 * MODERN.learning_rate)
    assert MODERN.learning_rate_at(MODERN.warmup_samples) == pytest.approx(MODERN.learning_rate, rel=1e-3)
    assert MODERN.learning_rate_at(MODERN.samples) == MODERN.min_learning_rate


def test_averaged_weights_forget_the_first_ones_and_keep_more_and_more():
    steps = [0, 10, 100, 10_000]
    kept = [MODERN.ema_decay_at(step * MODERN.batch) for step in steps]
    assert kept == pytest.approx([0.1, 11 / 20, 101 / 110, MODERN.ema])
    assert PAPER.ema_decay_at(10**6) == 0.0


def test_single_switches_reach_every_group():
    recipe = resolve(
        "modern", ["ema=0.99", "jitter=0.01", "view.noise=0.003", "augmentation.turn=false", "dropout=null"]
    )
    assert (recipe.ema, recipe.augmentation.jitter, recipe.augmentation.view.noise) == (0.99, 0.01, 0.003)
    assert not recipe.augmentation.turn
    assert recipe.dropout is None
    assert recipe.augmentation.balance == MODERN.augmentation.balance


def test_a_runs_recipe_file_is_a_recipe(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(MODERN.model_dump_json())
    assert resolve(path) == MODERN
    assert resolve(path, ["samples=7"]).samples == 7


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("moderne", [], "must be paper, modern or a JSON file"),
        ("modern", ["ema"], "must be KEY=VALUE"),
        ("modern", ["emma=1"], "does not exist; accepted are samples, .*view.noise"),
        ("modern", ["ema=2"], "ema is 2: Input should be less than 1"),
        ("modern", ["optimizer=sgd"], "optimizer is 'sgd': Input should be 'adam' or 'adamw'"),
        ("paper", ["views=0.5"], "cut=grid cuts whole rooms"),
        ("modern", ["view=1"], "does not exist"),
    ],
)
def test_what_is_wrong_is_named(name, settings, message):
    with pytest.raises(RecipeError, match=message):
        resolve(name, settings)


def test_a_file_that_is_no_recipe_is_named(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text("{")
    with pytest.raises(RecipeError, match="not a JSON file"):
        resolve(path)
    path.write_text(json.dumps({"optimiser": "adam"}))
    with pytest.raises(RecipeError, match="optimiser is 'adam': Extra inputs are not permitted"):
        resolve(path)


def test_recipes_of_older_checkpoints_are_understood():
    old = {
        "samples": 72000,
        "batch": 4,
        "learning_rate": 0.002,
        "schedule": "cosine",
        "decay_samples": 30000,
        "min_learning_rate": 1e-05,
        "validate_every": 4000,
        "generated_rooms": 40,
        "norm_momentum": 0.1,
        "seed": 0,
        "augmentation": {
            "turn": True,
            "views": 0.5,
            "balance": 0.4,
            "color_drop": 0.15,
            "color_gain": 0.15,
            "voxel_size": 0.03,
        },
    }
    recipe = PAPER.model_validate(old)
    assert recipe.optimizer == "adam"
    assert recipe.augmentation.cut == "around"
