"""`jspnet report` on tiny runs: what it reads from a run, and what its pages hold."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from jspnet_core.cli.app import app
from jspnet_core.data.rooms import Room, open_rooms
from jspnet_core.evaluation.evaluate import RoomResult
from jspnet_core.evaluation.metrics import score_room
from jspnet_core.evaluation.results import Evaluation
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.report.charts import averaged
from jspnet_core.report.paper_rows import PAPER_ROWS
from jspnet_core.report.room_pictures import extremes, named_alike
from jspnet_core.report.runs import Curve, RunError, duration, read_run
from jspnet_core.synthetic import make_scene
from jspnet_core.training import train as training
from jspnet_core.training.recipe import Recipe

SMALL = NetworkConfiguration.narrow(
    points=256,
    levels=(64, 32, 32, 16),
    set_abstraction=(8, 8),
    point_conv=((8, 8), (8, 16), (16, 16)),
    decoder=((16,), (16,), (8,)),
    propagation=(8, 8),
    weight_net=4,
    fusion=8,
)
PNG = re.compile(r'src="data:image/png;base64,([A-Za-z0-9+/=]+)"')


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corners of three generated rooms, thinly sampled."""
    folder = tmp_path_factory.mktemp("rooms")
    for seed in (1, 2, 3):
        cloud = make_scene(seed, "pantry").room_cloud(np.random.default_rng(seed), density=200.0)
        near = (cloud.points - cloud.points.min(axis=0))[:, :2].max(axis=1) < 2.5  # a corner: few blocks
        arrays = cloud.points, cloud.colors, cloud.label, cloud.instance
        xyz, rgb, sem, ins = (array[near] for array in arrays)
        np.savez(folder / f"room_{seed}.npz", xyz=xyz, rgb=rgb, sem=sem, ins=ins)
    split = {"train": ["room_1"], "val": ["room_2", "room_3"]}
    (folder / "split.json").write_text(json.dumps(split))
    return folder


@pytest.fixture(scope="module")
def runs(rooms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two runs of a few blocks, of different seeds, as `jspnet train` leaves them."""
    torch.set_num_threads(1)
    folders = []
    for name, seed in (("one", 3), ("two", 4)):
        folder = tmp_path_factory.mktemp("runs") / name
        recipe = Recipe(samples=24, batch=4, validate_every=12, seed=seed, norm_momentum=0.1)
        inside: list[Room] = open_rooms(rooms, "train")
        run = training.start(folder, SMALL, recipe, inside, facts={"data": str(rooms), "data_sha256": "ab" * 32})
        with training.progress_bar(visible=False) as progress:
            training.train(run, inside, inside, workers=0, progress=progress)
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def written(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both runs reported on side by side."""
    out = tmp_path_factory.mktemp("out")
    result = report(*runs, "--out", out, "--pictures", "1", "--threads", "1")
    assert result.exit_code == 0, result.exception
    return out


def report(*arguments: str | Path):
    return CliRunner().invoke(app, ["report", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_page_needs_nothing_but_itself(written: Path) -> None:
    html = (written / "report.html").read_text()
    images = PNG.findall(html)
    # curves, classes, a confusion for each run, a best and a worst room for each run
    assert len(images) == 2 + 2 + 4
    assert all(base64.b64decode(image).startswith(b"\x89PNG") for image in images)
    assert len(re.findall(r"<img ", html)) == len(images)
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "<script" not in html
    assert "@import" not in html


@pytest.mark.parametrize("page", ["report.html", "report.md"])
def test_both_pages_say_what_was_run_and_what_came_out(written: Path, runs: list[Path], page: str) -> None:
    text = (written / page).read_text()
    for folder in runs:
        evaluation = Evaluation.read(written / f"{folder.name}.json")
        score = evaluation.score()
        assert f"{100 * score.mean_iou:.1f}" in text
        assert f"{100 * score.overall_accuracy:.1f}" in text
        record = json.loads((folder / "run.json").read_text())
        assert (record["commit"] or "not recorded") in text
        assert duration(record["wall_seconds"]) in text
        assert evaluation.settings["checkpoint_sha256"] in text
    assert "ab" * 32 in text  # the hash of the training data
    assert "recipe.validate_every" in text
    assert "network.fusion_kind" in text
    for row in PAPER_ROWS:
        assert f"{row.method}, {row.fold} (quoted)" in text
    assert "not measured here" in text.lower().replace("\n", " ")


def test_markdown_shows_pictures_that_are_there(written: Path) -> None:
    files = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (written / "report.md").read_text())
    assert len(files) == 8
    assert all((written / file).read_bytes().startswith(b"\x89PNG") for file in files)
    tables = re.findall(r"(?:^\|.*\|\n)+", (written / "report.md").read_text(), re.MULTILINE)
    for table in tables:
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1, table


def test_what_was_evaluated_is_not_evaluated_again(written: Path, runs: list[Path]) -> None:
    file = written / "one.json"
    before = file.stat().st_mtime_ns
    assert report(runs[0], "--out", written, "--pictures", "0").exit_code == 0
    assert file.stat().st_mtime_ns == before
    assert "Best and worst rooms" not in (written / "report.html").read_text()


def test_a_run_is_read_from_its_folder(runs: list[Path]) -> None:
    run = read_run(runs[0])
    assert run.facts()["seed"] == "3"
    assert run.configuration == SMALL
    assert run.curves["validation/miou"].blocks.tolist() == [12, 24]
    assert np.isfinite(run.curves["train/total"].values).all()
    assert run.settings()["recipe.batch"] == "4"
    parameters = sum(x.numel() for x in torch.load(runs[0] / "best.pt", weights_only=True)["network"].values())
    assert 0 < run.weights <= parameters  # running statistics are no weights


def test_folders_that_are_no_runs_are_named(runs: list[Path], rooms: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no best.pt"):
        read_run(tmp_path)
    result = report(runs[0], runs[0], "--out", tmp_path)
    assert "different names, found one, one" in str(result.exception)


def test_long_curves_are_averaged_and_short_ones_kept() -> None:
    curve = Curve(np.arange(1000), np.repeat([1.0, 3.0], 500))
    short = averaged(curve, bins=10)
    np.testing.assert_allclose(short.values, np.repeat([1.0, 3.0], 5))
    np.testing.assert_allclose(short.blocks, np.arange(10) * 100 + 49.5)
    assert averaged(curve, bins=500) is curve


def test_a_found_object_has_the_colour_of_the_true_one() -> None:
    truth = np.array([1, 1, 1, 2, 2, 2, 3, 0])
    found = np.array([9, 9, 4, 4, 4, 0, 7, 7])
    assert named_alike(found, truth).tolist() == [1, 1, 2, 2, 2, 0, 3, 3]
    split = named_alike(np.array([5, 5, 6, 6, 6, 0, 0, 0]), np.array([1, 1, 1, 1, 1, 0, 0, 0]))
    assert split[2:5].tolist() == [1, 1, 1], "the larger part"
    assert split[0] > 1
    assert not named_alike(np.zeros(8, int), truth).any()


def test_the_best_and_the_worst_rooms_are_different_ones() -> None:
    def room(name: str, correct: int) -> RoomResult:
        label = np.r_[np.zeros(correct, int), np.ones(10 - correct, int)]
        score = score_room(label, label, np.zeros(10, int), np.zeros(10, int), 2)
        return RoomResult(name, 10, 0, 1, 0, 1, 0.0, score)

    rooms = [room("middle", 5), room("bad", 1), room("good", 9)]
    evaluation = Evaluation("m", "val", "points", ("a", "b"), (), {}, rooms)
    assert [(name, which) for name, which, _ in extremes(evaluation, 1)] == [("good", "best"), ("bad", "worst")]
    assert [name for name, _, _ in extremes(evaluation, 5)] == ["good", "middle", "bad"]
    assert extremes(evaluation, 0) == []
