"""`jspnet prepare rooms`, `scannet` and `shapenet`: what they read, and what they refuse with the file's name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.classes import S3DIS
from jspnet_core.cli.app import app
from jspnet_core.data.room_index import RoomFileError, read_index
from jspnet_core.data.rooms import open_rooms, room_classes
from jspnet_core.data.scannet import NYU40
from jspnet_core.io.ply import write_vertices

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def prepare(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output, and the words of stderr; in this process."""
    result = CliRunner().invoke(app, ["prepare", *map(str, arguments), "--workers", "1"], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def columns(n: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "xyz": rng.uniform(0, 3, (n, 3)),
        "rgb": rng.integers(0, 256, (n, 3)).astype(np.uint8),
        "label": rng.integers(0, 3, n).astype(np.uint8),
        "instance": rng.integers(0, 600, n).astype(np.uint32),
    }


def write_npz(path: Path, **changes: np.ndarray | None) -> None:
    given = {**columns(), **changes}
    np.savez(path, **{key: array for key, array in given.items() if array is not None})


def write_ply(path: Path, names: dict[str, str], comments: tuple[str, ...] = ()) -> None:
    given = columns()
    flat = dict(zip("xyz", given["xyz"].astype(np.float32).T, strict=True))
    flat |= {names["label"]: given["label"].astype(np.float32), names["instance"]: given["instance"]}
    with path.open("wb") as file:
        write_vertices(file, flat, comments)


def test_own_clouds_of_both_formats_become_rooms(tmp_path: Path) -> None:
    clouds = tmp_path / "clouds"
    clouds.mkdir()
    far = columns()["xyz"] + [4_500_000.0, 5_400_000.0, 300.0]  # a surveyor's frame: float32 has half metres there
    write_npz(clouds / "lab.npz", xyz=far)
    write_ply(clouds / "store.ply", {"label": "scalar_label", "instance": "thing"}, ("class 1 floor",))
    write_npz(tmp_path / "hall.npz")
    code, output, said = prepare(
        "rooms",
        clouds / "lab.npz",
        tmp_path / "hall.npz",
        tmp_path / "out",
        "--classes",
        "wall,floor,crate",
        "--val",
        "hall",
    )
    assert (code, said.strip()) == (0, "")
    (lab,), (hall,) = open_rooms(tmp_path / "out", "train"), open_rooms(tmp_path / "out", "val")
    np.testing.assert_allclose(np.sort(lab.points, axis=0), np.sort(hall.points, axis=0), atol=1e-6)
    assert (lab.name, len(lab), hall.instance.max()) == ("lab", 200, columns()["instance"].max())
    table = room_classes(tmp_path / "out")
    assert (table.names, table.things) == (("wall", "floor", "crate"), ("crate",))
    assert table.colors[0] == S3DIS.colors[2]
    assert "crate" in output

    code, _, said = prepare(
        "rooms", clouds / "store.ply", tmp_path / "out", "--classes", "wall,floor,crate", "--instance-field", "thing"
    )
    assert code == 0
    assert "store.ply: no colours, read as black" in said
    (store,) = open_rooms(tmp_path / "out", "train")
    assert len(read_index(tmp_path / "out").rooms) == 1
    assert np.bincount(store.label).tolist() == np.bincount(columns()["label"]).tolist()


def test_labels_of_the_files_map_to_classes_by_a_table(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", label=columns()["label"].astype(np.int64) * 100 + 7)
    table = {"names": ["crate", "wall", "robot"], "labels": [207, 7, 107], "things": ["robot"]}
    (tmp_path / "t.json").write_text(json.dumps(table))
    assert prepare("rooms", tmp_path / "a.npz", tmp_path / "out", "--classes", tmp_path / "t.json")[0] == 0
    (room,) = open_rooms(tmp_path / "out", "train")
    assert np.bincount(room.label).tolist() == np.bincount(columns()["label"])[[2, 0, 1]].tolist()
    assert room_classes(tmp_path / "out").things == ("robot",)


def nan_points() -> np.ndarray:
    points = columns()["xyz"]
    points[3:5] = np.nan
    return points


BAD: dict[str, tuple[dict[str, np.ndarray | None], str]] = {
    "instances": ({"instance": None}, "no instance of any common name; there is label; --instance-field"),
    "labels": ({"label": None}, "no label of any common name; there is instance; --label-field"),
    "classes": ({"label": np.full(200, 3)}, "labels 3 of no class; --classes names 3, 255 is 'unknown'"),
    "nan": ({"xyz": nan_points()}, "2 of 200 points are NaN or Inf; --drop-nan leaves them out"),
    "small": (columns(20), "20 points, at least 100 are needed"),  # type: ignore[dict-item]
    "table": ({"class_names": np.array(["wall", "door", "crate"])}, "label 1 is 'door', in --classes 'floor'"),
    "unknown": ({"label": np.full(200, 255)}, "no point has a class"),
    "one": ({"instance": np.zeros(200, int)}, "several classes but one instance id (0); every object"),
    "short": ({"label": columns()["label"][3:]}, "197 values of 'label' for 200 points"),
    "halves": ({"label": columns()["label"] + 0.5}, "'label' must be whole numbers"),
    "millimetres": ({"xyz": columns()["xyz"] * 1000}, "m wide; coordinates must be metres"),
    "colours": ({"rgb": columns()["rgb"][3:]}, "'rgb' is (197, 3) uint8, must be (200, 3) uint8"),
}


def test_every_bad_room_is_named_with_its_reason_and_the_good_one_is_prepared(tmp_path: Path) -> None:
    clouds = tmp_path / "clouds"
    clouds.mkdir()
    write_npz(clouds / "good.npz")
    (clouds / "cut.npz").write_bytes((clouds / "good.npz").read_bytes()[:3000])
    (clouds / "list.ply").write_text("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n3\n")
    for name, (change, _) in BAD.items():
        write_npz(clouds / f"{name}.npz", **change)
    code, output, said = prepare("rooms", clouds, tmp_path / "out", "--classes", "wall,floor,crate")
    assert code == 2
    assert "1 rooms" in output
    assert "14 of 15 rooms not prepared" in said
    for name, (_, reason) in BAD.items():
        line = next(line for line in said.splitlines() if line.startswith("left out: ") and f"{name}.npz" in line)
        assert reason in line
    assert "cut.npz: not an npz file, or cut short" in said
    assert "list.ply: has no x, y and z among x" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.room", "rooms.json"]


def test_what_is_bad_is_taken_where_an_option_says_how(tmp_path: Path) -> None:
    given = {"xyz": nan_points(), "label": np.where(columns()["label"] == 2, 77, columns()["label"])}
    write_npz(tmp_path / "a.npz", **given)
    options = ("--classes", "wall,floor", "--drop-nan", "--ignore-unknown")
    code, _, said = prepare("rooms", tmp_path / "a.npz", tmp_path / "out", *options)
    unknown = np.count_nonzero(given["label"][np.isfinite(given["xyz"]).all(axis=1)] == 77)
    assert code == 0
    assert "a.npz: 2 of 200 points are NaN or Inf, left out" in said
    assert f"a.npz: {unknown} points with labels 77 of no class, read as unknown" in said
    (room,) = open_rooms(tmp_path / "out", "train")
    assert (len(room), np.count_nonzero(room.label == 255)) == (198, unknown)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("{", "not a JSON file"),
        ("[]", "must be an object with names"),
        ('{"names": ["a"], "colours": []}', "must be an object with names"),
        ('{"names": ["a", "b"], "labels": [1, 1]}', "labels must be 2 different integers"),
        ('{"names": ["a", "a"]}', "unique names"),
        ('{"names": ["a"], "things": ["b"]}', r"things \['b'\] are not among"),
        ('{"names": ["a"], "colors": [[1]]}', "t.json"),
    ],
)
def test_a_foreign_class_table_is_refused(tmp_path: Path, table: str, words: str) -> None:
    write_npz(tmp_path / "a.npz")
    (tmp_path / "t.json").write_text(table)
    with pytest.raises(RoomFileError, match=words):
        prepare("rooms", tmp_path / "a.npz", tmp_path / "out", "--classes", tmp_path / "t.json")


def test_names_that_clash_and_inputs_that_are_not_there_stop_before_anything_is_written(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    (tmp_path / "other").mkdir()
    write_npz(tmp_path / "other" / "a.npz")
    with pytest.raises(RoomFileError, match="have the same room name 'a'"):
        prepare("rooms", tmp_path / "a.npz", tmp_path / "other", tmp_path / "out", "--classes", "a,b,c")
    with pytest.raises(RoomFileError, match=r"b\.ply: no such file"):
        prepare("rooms", tmp_path / "b.ply", tmp_path / "out")
    with pytest.raises(RoomFileError, match="none of 1 rooms could be prepared; first error: .*labels 2 of no class"):
        prepare("rooms", tmp_path / "a.npz", tmp_path / "out", "--classes", "a,b")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "other"]


def scene(folder: Path, change: Callable[[dict[str, np.ndarray]], None] = lambda arrays: None) -> None:
    rng = np.random.default_rng(0)
    vertices = np.column_stack([rng.uniform(-3, 3, (100, 3)), rng.integers(0, 256, (100, 3))]).astype(np.float32)
    arrays = {"vert": vertices, "sem_label": np.arange(100) % 41, "ins_label": np.arange(100, dtype=np.uint32) % 50}
    change(arrays)
    for what, array in arrays.items():
        np.save(folder / f"scene0001_00_{what}.npy", array)


def test_scannet_in_both_class_tables(tmp_path: Path) -> None:
    scene(tmp_path)
    for classes, names in (("s3dis", S3DIS.names), ("nyu40", NYU40.names)):
        code, _, said = prepare("scannet", tmp_path, tmp_path / "out", "--classes", classes)
        assert code == 0
        assert "3 of 100 points are not annotated" in said  # ids 0, 41 and 82 % 41
        (room,) = open_rooms(tmp_path / "out", "train")
        assert room_classes(tmp_path / "out").names == names
        expected = {
            "s3dis": {15: "bookcase", 6: "sofa", 36: "clutter"},
            "nyu40": {15: "shelves", 6: "sofa", 36: "bathtub"},
        }
        for instance, name in expected[classes].items():  # the first 41 points have the instance of their label
            assert names.index(name) in room.label[room.instance == instance]


@pytest.mark.parametrize(
    ("what", "array", "words"),
    [
        ("sem_label", np.full(100, 41), "sem_label.npy: contains 41 to 41, accepted are 0 to 40"),
        ("ins_label", np.zeros(99, int), r"ins_label.npy: is \(99,\) int64, must be \(100,\) integer"),
        ("vert", np.zeros((100, 3)), r"vert.npy: is \(100, 3\) float64, must be \(N, 6\) float"),
    ],
)
def test_a_foreign_scene_is_refused_by_name(tmp_path: Path, what: str, array: np.ndarray, words: str) -> None:
    scene(tmp_path, lambda arrays: arrays.update({what: array}))
    with pytest.raises(RoomFileError, match=words):
        prepare("scannet", tmp_path, tmp_path / "out")


@pytest.mark.parametrize("odd", [np.nan, -1.0, 41.0, 255.0])
def test_labels_that_no_class_has_can_be_ignored_in_scannet_and_own_rooms(odd: float, tmp_path: Path) -> None:
    labels = (np.arange(100) % 41).astype(np.float64)
    labels[:5] = odd
    scene(tmp_path, lambda arrays: arrays.update({"sem_label": labels}))
    with pytest.raises(RoomFileError, match="accepted are 0 to 40; --ignore-unknown"):
        prepare("scannet", tmp_path, tmp_path / "out")
    assert prepare("scannet", tmp_path, tmp_path / "out", "--ignore-unknown")[0] == 0
    (room,) = open_rooms(tmp_path / "out", "train")
    assert np.count_nonzero(room.label == 255) == 5 + 2  # and ids 41 and 82, which are 0: not annotated
    own = columns()["label"].astype(np.float64)
    own[:5] = odd
    write_npz(tmp_path / "own.npz", label=own)
    options = ("--classes", "wall,floor,crate", "--ignore-unknown")
    assert prepare("rooms", tmp_path / "own.npz", tmp_path / "rooms", *options)[0] == 0
    (room,) = open_rooms(tmp_path / "rooms", "train")
    assert np.count_nonzero(room.label == 255) == 5


@pytest.mark.skipif(not (DATA / "scannet_mmdet3d").is_dir(), reason="the ScanNet scene is not beside this checkout")
def test_the_real_scene_keeps_its_points_and_instances(tmp_path: Path) -> None:
    assert prepare("scannet", DATA / "scannet_mmdet3d", tmp_path)[0] == 0
    (room,) = open_rooms(tmp_path, "train")
    raw = np.load(DATA / "scannet_mmdet3d" / "scene0000_00_sem_label_all.npy")
    assert (len(room), len(np.unique(room.instance))) == (81_369, 68)
    assert np.count_nonzero(room.label == S3DIS.names.index("floor")) == np.count_nonzero(raw == 2)
    assert np.count_nonzero(room.label == 255) == np.count_nonzero(raw == 0)
    low = room.points[room.label == S3DIS.names.index("floor"), 2]
    assert np.percentile(low, 95) < 0.25  # z is up


def test_rooms_of_other_data_are_not_replaced(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    assert prepare("rooms", tmp_path / "a.npz", tmp_path / "out", "--classes", "a,b,c")[0] == 0
    scene(tmp_path)
    with pytest.raises(RoomFileError, match="out: contains rooms made from 'rooms', not 'scannet'"):
        prepare("scannet", tmp_path, tmp_path / "out")
    assert read_index(tmp_path / "out").data == "rooms"


def test_what_a_killed_run_left_behind_goes_with_the_next(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz")
    dead, alive = tmp_path / ".out.99999999.part", tmp_path / f".out.{os.getppid()}.part"
    for partial in (dead, alive):
        partial.mkdir()
        (partial / "a.room").write_bytes(b"half")
    assert prepare("rooms", tmp_path / "a.npz", tmp_path / "out", "--classes", "a,b,c")[0] == 0
    assert not dead.exists()
    assert alive.exists()
