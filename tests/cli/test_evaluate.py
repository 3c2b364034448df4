"""`jspnet evaluate` from end to end, with the model that comes with the package."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree
from typer.testing import CliRunner

from jspnet_core.classes import INDOOR, S3DIS, ClassTable
from jspnet_core.cli.app import app
from jspnet_core.data.depth_view import DepthCamera
from jspnet_core.data.room_index import RoomIndex, write_index
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import read_room
from jspnet_core.evaluation.evaluate import simulate_views
from jspnet_core.evaluation.test_time_augmentation import average_over_rotations
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.synthetic import make_scene

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "s3dis_rooms_npz"
pytestmark = pytest.mark.skipif(not default_model().is_file(), reason="the package's model is not in this checkout")


def evaluate(*arguments: str | Path) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output, result.exception


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corners of two generated rooms with their true labels, as files."""
    folder = tmp_path_factory.mktemp("rooms")
    for seed in (1, 2):
        cloud = make_scene(seed, "pantry").room_cloud(np.random.default_rng(seed), density=400.0)
        near = (cloud.points - cloud.points.min(axis=0))[:, :2].max(axis=1) < 2.5  # a corner: few blocks
        arrays = cloud.points, cloud.colors, cloud.label, cloud.instance
        xyz, rgb, sem, ins = (array[near] for array in arrays)
        np.savez(folder / f"room_{seed}.npz", xyz=xyz, rgb=rgb, sem=sem, ins=ins)
    split = {"val": ["room_1", "room_2"], "train": [], "fold": ["room_2"]}
    (folder / "split.json").write_text(json.dumps(split))
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


def test_single_views_are_scored_beside_whole_rooms(rooms: Path, tmp_path: Path) -> None:
    code, output, error = evaluate(rooms, "--rooms", "room_1", "--views", "3", "--json", tmp_path / "s.json")
    assert (code, error) == (0, None)
    scores = json.loads((tmp_path / "s.json").read_text())
    views = scores["views"]
    assert [view["name"] for view in views["per_room"]] == ["room_1#0", "room_1#1", "room_1#2"]
    whole = scores["per_room"][0]["points"]
    assert all(0 < view["points"] < whole for view in views["per_room"])  # hidden points are no part of a view
    assert (views["settings"]["max_blocks"], views["settings"]["always_kept"]) == (32, 60)
    assert (scores["settings"]["max_blocks"], scores["settings"]["always_kept"]) == (0, 0)
    assert views["ratio"]["oAcc"] == pytest.approx(views["oAcc"] / scores["oAcc"])
    assert f"{views['ratio']['oAcc']:.2f}" in output
    assert "max_blocks 32" in output
    assert "always_kept 60" in output


def test_the_papers_protocol_counts_points_of_blocks(rooms: Path, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps({"train": ["room_1"], "val": ["room_2"]}))
    for name in ("room_1.npz", "room_2.npz"):
        (tmp_path / name).symlink_to(rooms / name)
    code, output, error = evaluate(tmp_path, "--protocol", "paper", "--json", tmp_path / "s.json")
    assert (code, error) == (0, None)
    scores = json.loads((tmp_path / "s.json").read_text())
    points, blocks = (scores["per_room"][0][key] for key in ("points", "blocks"))
    assert points == blocks * scores["settings"]["points_per_block"]
    assert sum(c["true_points"] for c in scores["classes"].values()) == points
    assert scores["settings"]["mean_instance_sizes"][1] > 1000  # the floor of room_1, in every block
    assert "not a number in the reference" in output


def test_votes_of_one_rotation_are_the_labels_of_the_runtime(rooms: Path) -> None:
    room = read_room(rooms / "room_1.npz")
    segmenter = Segmenter(settings=SegmenterSettings(up_axis="z", stride=1.0, turn=0.0, threads=1))
    found = segmenter.segment(room.points, room.colors, T_gravity_input=np.eye(4))

    def voted(votes: int) -> np.ndarray:
        arguments = segmenter.engine, room.points, room.colors, np.zeros(2), segmenter.settings, votes
        return average_over_rotations(*arguments)[0]

    assert (voted(1) == found.label).mean() > 0.997  # gaps are filled by points here, by voxels there
    assert 0.5 < (voted(2) == found.label).mean() < 0.997


def test_views_depend_on_the_seed_and_the_room_alone(rooms: Path) -> None:
    room = read_room(rooms / "room_1.npz")

    def seen(count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(frame.points, T) for frame, T in simulate_views(room, count, seed, DepthCamera())]

    for first, again in zip(seen(2, seed=0), seen(3, seed=0), strict=False):
        np.testing.assert_array_equal(first[0], again[0])
    assert len(seen(1, seed=1)[0][0]) != len(seen(1, seed=0)[0][0])


def test_a_view_holds_what_is_visible_in_the_rooms_frame(rooms: Path) -> None:
    room = read_room(rooms / "room_1.npz")
    exact = DepthCamera(noise=0.0, tilt=0.0, floor_error=0.0)
    for frame, T in simulate_views(room, 3, 0, exact):
        back = frame.points + T[:3, 3].astype(np.float32)
        distance, nearest = cKDTree(room.points).query(back)
        assert distance.max() < 1e-4
        np.testing.assert_array_equal(frame.label, room.label[nearest])
        assert len(frame) < len(room)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--split", "test"], "split 'test' does not exist; accepted are val, train, fold"),
        (["--rooms", "attic"], "no room attic; it has room_1, room_2"),
        (["--split", "train"], "has no rooms"),
        (["--json", "/no/such/folder/s.json"], "no folder"),
        (["--protocol", "paper"], "no rooms in a split 'train' to take mean instance sizes from"),
        (["--protocol", "paper", "--stride", "1.0", "--views", "2"], "no choice of --stride, --views"),
        (["--thing", "robot"], "--thing robot: no such class; the model has ceiling, floor"),
        (["--model", "absent.pt"], "absent.pt: no such checkpoint"),
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
    assert "odd.npz: contains class 13, the classes of the model are 0 to 12" in str(error)


def test_prepared_rooms_of_other_classes_are_refused(rooms: Path, tmp_path: Path) -> None:
    """Though their labels are numbers that the model has, too."""
    table = ClassTable(("ceiling", "floor", "crate"), ((0, 255, 0), (0, 0, 255), (255, 0, 0)), ("crate",))
    room = read_room(rooms / "room_1.npz")
    room = replace(room, label=np.minimum(room.label, 2))
    entry = write_room(tmp_path, room, table, "room_1")
    splits, entries = {"val": ["room_1"]}, {"room_1": entry}
    write_index(tmp_path, RoomIndex(data="t", settings={}, classes=table.to_dict(), splits=splits, rooms=entries))
    for options in ([], ["--protocol", "paper", "--train-sizes", rooms]):
        _, _, error = evaluate(tmp_path, *options)
        assert "knows the classes ceiling, floor, wall" in str(error)
        assert "have ceiling, floor, crate" in str(error)


def indoor_rooms(rooms: Path, folder: Path, single_views: bool = False) -> Path:
    """The prepared room with a part of its clutter called bed."""
    room = read_room(rooms / "room_1.npz")
    label = np.where(room.label == S3DIS.names.index("clutter"), INDOOR.names.index("bed"), room.label)
    folder.mkdir()
    entry = write_room(folder, replace(room, label=label.astype(np.uint8)), INDOOR, "x", single_views)
    splits, entries = {"val": ["room_1"]}, {"room_1": entry}
    index = RoomIndex(
        data="t", settings={}, classes=INDOOR.to_dict(), single_views=single_views, splits=splits, rooms=entries
    )
    write_index(folder, index)
    return folder


def test_rooms_of_a_larger_table_are_scored_by_the_models(rooms: Path, tmp_path: Path) -> None:
    plain, larger = tmp_path / "plain.json", tmp_path / "larger.json"
    of_13 = ("--model", "s3dis")
    assert evaluate(rooms, "--rooms", "room_1", "--json", plain, *of_13)[0] == 0
    assert evaluate(indoor_rooms(rooms, tmp_path / "indoor"), "--json", larger, *of_13)[0] == 0
    scores = [json.loads(path.read_text()) for path in (plain, larger)]
    assert scores[1]["classes"].keys() == set(S3DIS.names)
    assert scores[1]["oAcc"] == pytest.approx(scores[0]["oAcc"], abs=0.05)  # the points come in another order


def test_frames_are_evaluated_as_they_are(rooms: Path, tmp_path: Path) -> None:
    folder = indoor_rooms(rooms, tmp_path / "frames", single_views=True)
    assert evaluate(folder, "--classes", "s3dis", "--json", tmp_path / "s.json")[0] == 0
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["settings"]["stride"] == 1.0
    _, _, error = evaluate(folder, "--views", "1")
    assert "single views already" in str(error)


def test_classes_that_the_model_does_not_have_are_refused_with_both_tables(rooms: Path) -> None:
    _, _, error = evaluate(rooms, "--classes", "indoor")
    assert "cannot be read as the classes ceiling" in str(error)


@pytest.mark.skipif(not DATA.is_dir(), reason="the S3DIS rooms are not beside this checkout")
def test_a_real_room_is_labelled_far_better_than_chance(tmp_path: Path) -> None:
    code, _, error = evaluate(DATA, "--rooms", "Area_1_office_13", "--json", tmp_path / "s.json")
    assert (code, error) == (0, None)
    scores = json.loads((tmp_path / "s.json").read_text())
    assert scores["oAcc"] > 0.6
    assert scores["classes"]["floor"]["iou"] > 0.7
