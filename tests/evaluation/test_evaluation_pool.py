"""Pooling of evaluations: six folds, evaluated separately, have the scores of all rooms at once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.cli.app import app
from jspnet_core.evaluation.evaluate import RoomResult
from jspnet_core.evaluation.metrics import score_room
from jspnet_core.evaluation.results import Evaluation, EvaluationFileError, pool

NAMES, THINGS = ("floor", "chair", "table"), ("chair", "table")


def room(name: str, seed: int) -> RoomResult:
    """Six true instances of random classes, four predicted ones, some points without label or truth."""
    rng = np.random.default_rng(seed)
    true_instance = rng.integers(0, 6, 200)
    true_label = rng.integers(0, 3, 6)[true_instance]
    label = np.where(rng.random(200) < 0.3, rng.choice([0, 1, 2, 255], 200), true_label)
    instance = np.where(rng.random(200) < 0.3, rng.integers(0, 5, 200), true_instance)
    true_label[rng.random(200) < 0.05] = 255
    score = score_room(label, instance, true_label, true_instance, 3, rng.random(200))
    return RoomResult(name, 200, int((label == 255).sum()), 9, 0, 4, 0.5, score)


def evaluation(*seeds: int) -> Evaluation:
    rooms = [room(f"room_{seed}", seed) for seed in seeds]
    views = [room(f"room_{seed}#0", seed + 100) for seed in seeds]
    settings = {"of_each_room": 1, "seed": 0, "camera": {}, "settings": {"max_blocks": 32, "min_instance_ratio": 0.1}}
    return Evaluation(f"fold {seeds[0]}", "val", "points", NAMES, THINGS, {"stride": 0.5}, rooms, views, settings)


@pytest.fixture
def folds(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{k}.json" for k in range(3)]
    for path, seeds in zip(paths, ((1, 2), (3,), (4, 5, 6)), strict=True):
        evaluation(*seeds).write(path)
    return paths


def test_pooled_folds_score_as_all_rooms_at_once(folds: list[Path]) -> None:
    pooled, joint = pool(folds), evaluation(1, 2, 3, 4, 5, 6)
    assert pooled.score().to_dict() == joint.score().to_dict()
    assert pooled.view_score().to_dict() == joint.view_score().to_dict()
    assert pooled.model == "fold 1, fold 3, fold 4"
    means = [Evaluation.read(path).score().means["mPre"] for path in folds]
    assert pooled.score().means["mPre"] != pytest.approx(np.mean(means))  # sums, not the mean of the folds' scores


def test_a_file_of_pooled_folds_can_be_pooled_again(folds: list[Path], tmp_path: Path) -> None:
    pool(folds[:2]).write(tmp_path / "two.json")
    assert pool([tmp_path / "two.json", folds[2]]).score().to_dict() == pool(folds).score().to_dict()


def test_the_same_rooms_by_other_seeds_are_pooled(tmp_path: Path) -> None:
    paths = [tmp_path / f"seed_{seed}.json" for seed in range(2)]
    for seed, path in enumerate(paths):
        replace(evaluation(1, 2), settings={"seed": seed}).write(path)
    pooled, one = pool(paths), Evaluation.read(paths[0])
    assert len(pooled.rooms) == 2 * len(one.rooms)
    assert pooled.score().mean_iou == pytest.approx(one.score().mean_iou)
    pooled.write(tmp_path / "both.json")
    replace(evaluation(1, 2), settings={"seed": 2}).write(tmp_path / "third.json")
    assert len(pool([tmp_path / "both.json", tmp_path / "third.json"]).rooms) == 3 * len(one.rooms)
    with pytest.raises(EvaluationFileError, match="of the same seed"):
        pool([paths[1], paths[1]])


def test_the_command_pools(folds: list[Path], tmp_path: Path) -> None:
    command = ["evaluate", "--pool", *map(str, folds), "--json", str(tmp_path / "all.json")]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.exception
    score = evaluation(1, 2, 3, 4, 5, 6).score()
    assert json.loads((tmp_path / "all.json").read_text())["mIoU"] == score.mean_iou
    assert f"oAcc {100 * score.overall_accuracy:.1f}" in result.output
    assert "6 rooms" in result.output


def test_what_cannot_be_pooled_is_named(folds: list[Path], tmp_path: Path) -> None:
    with pytest.raises(EvaluationFileError, match="count twice: room_1, room_2"):
        pool([folds[0], folds[1], folds[0]])
    replace(evaluation(7), protocol="paper").write(tmp_path / "paper.json")
    with pytest.raises(EvaluationFileError, match="paper.json: protocol is paper, in .*0.json it is points"):
        pool([folds[0], tmp_path / "paper.json"])
    replace(evaluation(7), views=[]).write(tmp_path / "rooms.json")
    with pytest.raises(EvaluationFileError, match="only one of them contains single views"):
        pool([folds[0], tmp_path / "rooms.json"])
    (tmp_path / "other.json").write_text('{"mIoU": 0.5}')
    with pytest.raises(EvaluationFileError, match="other.json: not written by"):
        pool([tmp_path / "other.json"])
    with pytest.raises(EvaluationFileError, match="absent.json: No such file"):
        pool([tmp_path / "absent.json"])
