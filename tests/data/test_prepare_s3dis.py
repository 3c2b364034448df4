"""`jspnet prepare s3dis`: the text tree and the block files, with everything that is wrong with them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.classes import S3DIS
from jspnet_core.cli.app import app
from jspnet_core.data.room_index import RoomFileError, read_index
from jspnet_core.data.rooms import Room, open_rooms

pytest.importorskip("pandas", reason="pandas (extra prepare) is not installed")
h5py = pytest.importorskip("h5py", reason="h5py (extra prepare) is not installed")
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def prepare(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output, and the words of stderr."""
    result = CliRunner().invoke(app, ["prepare", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def lines(seed: int, count: int) -> list[str]:
    """Points of an annotation file, millimetres in a box of 2 m somewhere in the building."""
    rng = np.random.default_rng(seed)
    xyz, rgb = rng.integers(-22_000, -20_000, (count, 3)) / 1000, rng.integers(0, 256, (count, 3))
    return [f"{x:.3f} {y:.3f} {z:.3f} {r} {g} {b}" for (x, y, z), (r, g, b) in zip(xyz, rgb, strict=True)]


def write(path: Path, text: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(text) + "\n").encode("latin-1"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three areas: an ordinary room, one with stairs and 300 annotations, and a hallway with broken lines."""
    root = tmp_path / "Stanford3dDataset"
    office = root / "Area_1" / "office_1"
    for i, name in enumerate(("wall_1", "chair_1", "wall_2", "floor_1")):
        write(office / "Annotations" / f"{name}.txt", lines(i, 40))
    write(office / "office_1.txt", lines(9, 10))  # repeats the room without labels
    stairs = root / "Area_2" / "auditorium_2" / "Annotations"
    for i in range(300):
        write(stairs / f"chair_{i}.txt", lines(100 + i, 2))
    write(stairs / "stairs_1.txt", lines(1, 30))
    hallway = root / "Area_5" / "hallway_6" / "Annotations"
    ceiling = lines(5, 100)
    ceiling[7] = ceiling[7].replace(" ", "\x10", 1)
    ceiling[8] = ceiling[8].replace(".", ".\x16", 1)
    write(hallway / "ceiling_1.txt", ceiling)
    write(hallway / "wall_1.txt", [*lines(6, 10), "1.0 2.0 3.0 4 5", "", "Bitte wenden", "1 2 3 4 5 6 7", *lines(7, 3)])
    write(hallway / "door_1.txt", [])
    (root / "Area_1" / "Icon\r").write_bytes(b"")
    return root


def test_the_text_tree_becomes_rooms(tree: Path, tmp_path: Path) -> None:
    code, output, said = prepare("s3dis", tree, tmp_path / "out", "--workers", "1")
    assert (code, "Area_1_office_1" in output) == (0, False)
    index = read_index(tmp_path / "out")
    assert index.splits == {"train": ["Area_1_office_1", "Area_2_auditorium_2"], "val": ["Area_5_hallway_6"]}
    office, stairs = open_rooms(tmp_path / "out", "train")
    (hallway,) = open_rooms(tmp_path / "out", "val")
    labels = {(S3DIS.names[label], number) for label, number in zip(office.label, office.instance, strict=True)}
    assert labels == {("chair", 1), ("floor", 2), ("wall", 3), ("wall", 4)}  # the order of the sorted names
    assert len(office) == 160
    assert len(np.unique(stairs.instance)) == stairs.instance.max() == 301  # not wrapped at 256
    assert set(stairs.label[stairs.instance == 301]) == {S3DIS.names.index("clutter")}
    assert "stairs_1.txt: 'stairs' is not a class, read as clutter" in said
    assert len(hallway) == 113
    entry = index.rooms["Area_1_office_1"]
    truth = np.concatenate([np.loadtxt(path) for path in sorted((tree / "Area_1/office_1/Annotations").glob("*"))])
    found = np.column_stack([office.points + np.array(entry.origin), office.colors])
    np.testing.assert_allclose(found[np.lexsort(found.T)], truth[np.lexsort(truth.T)], atol=1e-5)
    assert entry.class_instances[2] == 2
    assert entry.class_points[2] == 80
    assert entry.source == "Area_1/office_1"


def test_every_line_that_was_mended_or_skipped_is_named(tree: Path, tmp_path: Path) -> None:
    _, _, said = prepare("s3dis", tree, tmp_path / "out", "--workers", "1")
    where = "jspnet: Area_5/hallway_6/Annotations/"
    assert f"{where}ceiling_1.txt:8: control byte 0x10 read as a separator" in said
    assert f"{where}ceiling_1.txt:9: control byte 0x16 read as if it were absent" in said
    assert f"{where}wall_1.txt:11: skipped: b'1.0 2.0 3.0 4 5'" in said
    assert f"{where}wall_1.txt:13: skipped: b'Bitte wenden'" in said
    assert f"{where}wall_1.txt:14: skipped: b'1 2 3 4 5 6 7'" in said
    assert f"{where}door_1.txt: no points, left out" in said
    (hallway,) = open_rooms(tmp_path / "out", "val")
    assert set(hallway.instance) == {1, 2}


def test_bytes_do_not_depend_on_processes_or_on_what_was_there(tree: Path, tmp_path: Path) -> None:
    for out, workers in (("one", 1), ("two", 2), ("one", 1)):  # the third replaces the first
        assert prepare("s3dis", tree, tmp_path / out, "--workers", workers)[0] == 0
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 4
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [tree.name, "one", "two"]  # nothing half-written


def test_a_broken_room_is_named_and_the_others_are_prepared(tree: Path, tmp_path: Path) -> None:
    write(tree / "Area_3" / "empty_1" / "Annotations" / "wall_1.txt", ["<html>"] * 30)
    write(tree / "Area_3" / "small_1" / "Annotations" / "wall_1.txt", lines(1, 9))
    code, output, said = prepare("s3dis", tree, tmp_path / "out", "--workers", "1")
    assert code == 2
    assert "3 rooms" in output
    assert "left out: Area_3/empty_1: no points in any of its annotations" in said
    assert "left out: Area_3/small_1: 9 points" in said
    assert "2 of 5 rooms not prepared" in said
    assert "wall_1.txt: 10 more lines like these" in said


def test_other_folds_need_no_other_rooms(tree: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare("s3dis", tree, out, "--val", "Area_2_*", "--workers", "1")
    assert read_index(out).splits["val"] == ["Area_2_auditorium_2"]
    assert prepare("split", out, "--val", "Area_1_*")[0] == 0
    assert [room.name for room in open_rooms(out, "val")] == ["Area_1_office_1"]
    assert len(open_rooms(out, "train")) == 2
    with pytest.raises(RoomFileError, match=r"--val is Area_7_\*, which matches none"):
        prepare("split", out, "--val", "Area_7_*")


def test_a_folder_that_is_not_one_of_rooms_is_left_alone(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("all of it")
    with pytest.raises(RoomFileError, match="contains other files"):
        prepare("s3dis", tree, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "all of it"
    with pytest.raises(RoomFileError, match="ROOT must contain Area_1"):
        prepare("s3dis", tree / "Area_1", tmp_path / "rooms")
    shutil.rmtree(tree / "Area_1" / "office_1")
    write(tree / "Area_2" / "auditorium_2" / "Annotations" / "chair_0.txt", ["?"])


def blocks_of(room: Room, count: int, seed: int) -> dict[str, np.ndarray]:
    """Overlapping blocks of a room as the public files hold them: room from its corner, metres."""
    rng = np.random.default_rng(seed)
    index = np.stack([rng.choice(len(room), 200) for _ in range(count)])  # with replacement
    xyz, extent = room.points[index], room.points.max(axis=0)
    local = xyz.copy()
    local[..., :2] -= xyz[..., :2].min(axis=1, keepdims=True) + 0.5
    data = np.concatenate([local, room.colors[index] / 255.0, xyz / extent], axis=-1)
    return {
        "data": data.astype(np.float32),
        "seglabel": room.label[index].astype(np.int32),
        "pid": room.instance[index].astype(np.int32),
    }


def test_block_files_give_back_the_points_that_were_drawn(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    points = rng.integers(0, 5000, (300, 3)) / 1000
    points[0] = 0.0
    instance = rng.integers(0, 256, 300)
    room = Room(
        "a", points, rng.integers(0, 256, (300, 3)).astype(np.uint8), (instance % 13).astype(np.uint8), instance
    )
    blocks = blocks_of(room, 12, 4)
    (tmp_path / "h5").mkdir()
    for name in ("Area_5_a", "Area_1_b"):
        with h5py.File(tmp_path / "h5" / f"{name}.h5", "w") as file:
            for key, array in blocks.items():
                file[key] = array
    with h5py.File(tmp_path / "h5" / "Area_1_c.h5", "w") as file:
        blocks["data"][..., 6:] *= np.linspace(0.5, 1.0, 12, dtype=np.float32)[:, None, None]
        file["data"] = blocks["data"]  # each a share of another extent: not blocks of one room
        file["pid"] = file["seglabel"] = blocks["pid"]
    (tmp_path / "h5" / "Area_1_d.h5").write_bytes(b"<html>")
    code, _, said = prepare("s3dis", tmp_path / "h5", tmp_path / "out", "--workers", "1")
    assert code == 2
    (found,) = open_rooms(tmp_path / "out", "val")
    entry = read_index(tmp_path / "out").rooms["Area_5_a"]
    origin = np.array(entry.origin)
    truth = {
        (*np.rint(1000 * p).astype(int).tolist(), *c, i)
        for p, c, i in zip(room.points, room.colors.tolist(), room.instance.tolist(), strict=True)
    }
    back = {
        (*np.rint(1000 * (p + origin)).astype(int).tolist(), *c, i)
        for p, c, i in zip(found.points, found.colors.tolist(), found.instance.tolist(), strict=True)
    }
    assert back == truth
    assert "Area_5_a.h5: 300 different points among the 2400 of 12 blocks" in said
    assert "Area_5_a.h5: instance ids reach 255; higher ids are not stored" in said
    assert "Area_1_c.h5: its blocks do not fit together" in said
    assert "Area_1_d.h5: not an h5 file, or damaged" in said


@pytest.mark.skipif(
    not (DATA / "s3dis_jsnet_h5").is_dir(), reason="the public block files are not beside this checkout"
)
def test_real_block_files_give_the_rooms_that_were_made_from_them(tmp_path: Path) -> None:
    assert prepare("s3dis", DATA / "s3dis_jsnet_h5", tmp_path, "--workers", "1", "--val", "Area_4*")[0] == 0
    for split, name in (("train", "Area_2_office_1"), ("val", "Area_4_storage_1")):
        (room,) = open_rooms(tmp_path, split)
        with np.load(DATA / "s3dis_rooms_npz" / f"{name}.npz") as file:
            truth = np.column_stack([file["xyz_mm"].astype(np.int64), file["rgb"], file["sem"], file["ins"]])
        origin = np.array(read_index(tmp_path).rooms[name].origin)
        millimetres = np.rint(1000 * (room.points + origin)).astype(np.int64)
        found = np.column_stack([millimetres, room.colors, room.label, room.instance])
        assert len(found) == len(truth)
        same = {tuple(row) for row in found.tolist()} & {tuple(row) for row in truth.tolist()}
        assert len(same) > 0.999 * len(truth)  # points that two annotations share may have either label


def test_copies_and_foreign_files_are_left_out_with_a_note_and_capital_suffixes_read(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "Area_1" / "office_1" / "Annotations"
    write(folder / "wall_1.txt", lines(0, 60))
    write(folder / "floor_1.TXT", lines(1, 70))
    for number, name in enumerate(("wall_1 (1)", "wall_1 - Copy", "wall_1 copy 2", "Copy of wall_1", "wall_1_copy(3)")):
        write(folder / f"{name}.txt", lines(20 + number, 50))
    write(folder / "wall_9.txt", lines(0, 60))  # the same bytes as wall_1
    write(folder / "chair_1 (1).txt", lines(2, 30))  # no original beside it
    (folder / "floor_1.zip").write_bytes(b"PK")
    _, _, said = prepare("s3dis", tmp_path / "root", tmp_path / "out", "--workers", "1")
    (room,) = open_rooms(tmp_path / "out", "train")
    names = [S3DIS.names[label] for label in room.label]
    assert {name: names.count(name) for name in set(names)} == {"wall": 60, "floor": 70, "chair": 30}
    assert said.count("a copy of wall_1.txt by its name, left out") == 5
    assert "wall_9.txt: the same bytes as wall_1.txt, left out" in said
    assert "floor_1.zip: not a .txt file, left out" in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda line: line + " 7", "7 columns, the first 6 read"),
        (lambda line: line.replace(" ", ","), "commas or semicolons read as separators"),
        (lambda line: line.replace(" ", "; "), "commas or semicolons read as separators"),
        (lambda line: line.replace(" ", ", ") + ", 3", "7 columns, the first 6 read"),
    ],
)
@pytest.mark.parametrize("heading", ["", "x y z r g b"])
def test_own_trees_with_other_columns_are_read_with_one_note_for_each_file(
    change: Callable[[str], str], words: str, heading: str, tmp_path: Path
) -> None:
    folder = tmp_path / "root" / "Area_1" / "office_1" / "Annotations"
    for number, name in enumerate(("wall_1", "floor_1")):
        rows = [change(line) for line in lines(number, 60)]
        write(folder / f"{name}.txt", [re.sub(r"[73]$", "label", change(heading))] * bool(heading) + rows)
    _, _, said = prepare("s3dis", tmp_path / "root", tmp_path / "out", "--workers", "1")
    (room,) = open_rooms(tmp_path / "out", "train")
    assert len(room) == 120
    assert said.count(words) == 2
    assert said.count("a line of names, left out") == 2 * bool(heading)
    assert "skipped" not in said


def test_own_trees_without_colours_are_refused_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "root" / "Area_1" / "office_1" / "Annotations"
    write(folder / "wall_1.txt", [" ".join(line.split()[:3]) for line in lines(0, 60)])
    with pytest.raises(RoomFileError, match=r"wall_1\.txt: rows of 3 columns, 6 are needed"):
        prepare("s3dis", tmp_path / "root", tmp_path / "out", "--workers", "1")
