"""The comparison trains, resumes, repeats nothing, and concludes no more than its figures allow."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from jspnet_core.classes import S3DIS
from jspnet_core.data.rooms import Room
from jspnet_core.network import build_network
from jspnet_core.synthetic import make_scene

compare = pytest.importorskip("benchmarks.accuracy.compare")
compare_page = pytest.importorskip("benchmarks.accuracy.compare_page")
compare_sets = pytest.importorskip("benchmarks.accuracy.compare_sets")

BUDGET = compare.Budget(size="tiny", blocks=6, batch=2, learning_rate=1e-3, balance=0.0)


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """A generated room, and the file that it is in."""
    cloud = make_scene(1, "pantry").room_cloud(np.random.default_rng(1), density=300.0)
    path = tmp_path_factory.mktemp("rooms") / "room.npz"
    np.savez(path, xyz=cloud.points, rgb=cloud.colors, sem=cloud.label, ins=cloud.instance)
    return Room("room", cloud.points, cloud.colors, cloud.label, cloud.instance), path


def test_an_interrupted_run_goes_on_and_a_finished_one_is_left_alone(room, tmp_path, monkeypatch):
    data = compare.Data(S3DIS, [room[0]], [room[0]], [room[1]])
    folder, step, steps = tmp_path / "pointnet2-0", compare.training.train_step, []

    def third_step_is_interrupted(*arguments, **options):
        steps.append(arguments[0].samples)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return step(*arguments, **options)

    monkeypatch.setattr(compare.training, "train_step", third_step_is_interrupted)
    arguments = (folder, "pointnet2", 0, BUDGET, data, 0, Console(quiet=True))
    with pytest.raises(KeyboardInterrupt):
        compare.finish(*arguments)
    assert not (folder / "result.json").exists()
    compare.finish(*arguments)
    assert steps == [0, 2, 4, 4]
    result = json.loads((folder / "result.json").read_text())
    assert result["timing"]["blocks"] == 2
    assert 0 <= result["scores"]["mIoU"] <= 1
    compare.finish(*arguments)
    assert len(steps) == 4
    assert compare.results(tmp_path)["pointnet2"] == [result]


def test_runs_of_another_budget_are_refused(tmp_path):
    compare.check_budget(tmp_path, BUDGET)
    compare.check_budget(tmp_path, BUDGET)
    with pytest.raises(compare.typer.BadParameter, match="another budget"):
        compare.check_budget(tmp_path, BUDGET.model_copy(update={"blocks": 7}))


def runs(*shares: float) -> list[dict]:
    """Finished runs, one per seed, the same share in every column but mRec, which is always 0.5."""
    scores = [{c: 0.5 if c == "mRec" else share for c in compare_page.COLUMNS} for share in shares]
    timing = {"blocks": 100, "cpu_seconds": 5.0, "wall_seconds": 9.0}
    return [{"parameters": 1000, "timing": timing, "scores": s} for s in scores]


def test_a_gain_counts_when_it_is_larger_than_either_spread():
    clear = compare_page.verdict("jspnet", "jsnet", {"jspnet": runs(0.40, 0.44), "jsnet": runs(0.36, 0.37)})
    assert "better in mIoU (+5.5), mAcc (+5.5)" in clear
    assert "worse in none; 1 of 7 columns within the spread" in clear
    unclear = compare_page.verdict("jspnet", "jsnet", {"jspnet": runs(0.40, 0.48), "jsnet": runs(0.36, 0.37)})
    assert "better in no column; worse in none; 7 of 7" in unclear
    lost = compare_page.verdict("jspnet", "jsnet", {"jspnet": runs(0.20, 0.21), "jsnet": runs(0.36, 0.37)})
    assert "better in no column; worse in mIoU (-16.0)" in lost
    assert "no conclusion" in compare_page.verdict("jspnet", "jsnet", {"jspnet": runs(0.4, 0.5), "jsnet": runs(0.1)})


def test_the_table_states_mean_spread_and_cost():
    row = compare_page.rows(compare_sets.SETS["systems"], {"jspnet": runs(0.40, 0.44)})[0]
    assert row[:6] == ("JSPNet", "1,000", "50", "2", "42.0 ± 2.0", "42.0 ± 2.0")


@pytest.mark.parametrize("variant", compare_sets.VARIANTS)
def test_every_variant_of_the_sets_can_be_built(variant):
    build_network(compare_sets.VARIANTS[variant].configuration("tiny"))


def test_sets_name_variants_that_exist():
    for comparison in compare_sets.SETS.values():
        assert set(comparison.variants) <= set(compare_sets.VARIANTS)
        assert {name for pair in comparison.pairs for name in pair} <= set(comparison.variants)


def test_what_people_wrote_survives_a_new_page(tmp_path):
    found = {"jspnet": runs(0.40, 0.44), "jsnet": runs(0.36, 0.37)}
    content = {"budget": BUDGET.model_dump(), "rooms": 2, "validation_rooms": 1, "runs": found}
    path = tmp_path / "accuracy.md"
    path.write_text(compare_page.page(["systems"], content) + "Chairs are found first.\n")
    path.write_text(compare_page.page(["systems"], content, compare_page.written_by_hand(path)))
    assert path.read_text().endswith("-->\nChairs are found first.\n")
    assert path.read_text().count("Chairs") == 1
    assert "JSPNet against JSNet: better in mIoU (+5.5)" in path.read_text()
