"""`jspnet evaluate` from end to end, with the model that comes with the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.command import app
from jspnet_core.engine.model_file import default_model
from jspnet_core.synthetic import make_scene

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "s3dis_rooms_npz"
pytestmark = pytest.mark.skipif(not default_model().is_file(), reason="the package's model is not in this checkout")


def evaluate(*arguments: str | Path) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output, result.exception


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generated rooms with their true labels, as files."""
    folder = tmp_path_factory.mktemp("rooms")
    for seed in (1, 2):
        cloud = make_scene(seed, "pantry").room_cloud(np.random.default_rng(seed), density=800.0)
        np.savez(folder / f"room_{seed}.npz", xyz=cloud.points, rgb=cloud.colors, sem=cloud.label, ins=cloud.instance)
    (folder / "split.json").write_text(json.dumps({"val": ["room_1", "room_2"], "train": []}))
    return folder


def test_scores_are_printed_and_written(rooms: Path, tmp_path: Path) -> None:
    code, output, error = evaluate(rooms, "--stride", "1.0", "--json", tmp_path / "scores.json")
    assert (code, error) == (0, None)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["rooms"] == 2
    assert all(0 <= scores[key] <= 1 for key in ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec"))
    assert scores["oAcc"] > 0.3  # a constant label reaches about 0.3 on walls
    assert f"oAcc {100 * scores['oAcc']:.1f}" in output
    assert {room["name"] for room in scores["per_room"]} == {"room_1", "room_2"}
    truth = [np.load(rooms / f"room_{seed}.npz") for seed in (1, 2)]
    assert sum(c["true_points"] for c in scores["classes"].values()) == sum(len(room["sem"]) for room in truth)
    assert sum(c["true_instances"] for c in scores["classes"].values()) == sum(len(np.unique(r["ins"])) for r in truth)
    for name in scores["never_predicted"]:
        assert scores["classes"][name]["precision"] == 0
        assert name in output


def test_single_rooms_can_be_chosen(rooms: Path, tmp_path: Path) -> None:
    code, output, _ = evaluate(rooms, "--rooms", "room_2", "--stride", "1.0", "--json", tmp_path / "s.json")
    assert code == 0
    assert "1 rooms" in output
    assert [room["name"] for room in json.loads((tmp_path / "s.json").read_text())["per_room"]] == ["room_2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "test"], "no split named 'test'; it has val, train"),
        (["--rooms", "attic"], "no room attic; it has room_1, room_2"),
        (["--split", "train"], "has no rooms"),
        (["--json", "/no/such/folder/s.json"], "no folder"),
    ],
)
def test_what_is_not_there_is_named(rooms: Path, arguments: list[str], words: str) -> None:
    _, _, error = evaluate(rooms, *arguments)
    assert words in str(error)


def test_classes_beyond_the_model_are_refused(rooms: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(rooms / "room_1.npz"))
    arrays["sem"] = arrays["sem"] + 1
    np.savez(tmp_path / "odd.npz", **arrays)
    (tmp_path / "split.json").write_text('{"val": ["odd"]}')
    _, _, error = evaluate(tmp_path)
    assert "odd.npz: holds class 13, but the model's classes are 0 to 12" in str(error)


@pytest.mark.skipif(not DATA.is_dir(), reason="the S3DIS rooms are not beside this checkout")
def test_a_real_room_is_labelled_far_better_than_chance(tmp_path: Path) -> None:
    code, _, error = evaluate(DATA, "--rooms", "Area_1_office_13", "--json", tmp_path / "s.json")
    assert (code, error) == (0, None)
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["oAcc"] > 0.6
    assert scores["classes"]["floor"]["iou"] > 0.7
