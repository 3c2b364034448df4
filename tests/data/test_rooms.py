"""Labelled rooms: what is read, and what is refused with a reason."""

from __future__ import annotations

import json
import os
import pickle
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.data.room_index import RoomIndex, column_offsets, read_index, write_index
from jspnet_core.data.room_writer import morton_order, write_room
from jspnet_core.data.rooms import (
    Room,
    RoomFileError,
    are_single_views,
    open_rooms,
    read_room,
    read_split,
    room_classes,
    room_paths,
    rooms_hash,
)

ROOMS = Path(__file__).resolve().parents[3] / "shared" / "data" / "s3dis_rooms_npz"


def arrays(n: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {
        "xyz_mm": rng.integers(10, 4000, (n, 3)).astype(np.uint16),
        "rgb": rng.integers(0, 256, (n, 3)).astype(np.uint8),
        "sem": rng.integers(0, 13, n).astype(np.uint8),
        "ins": rng.integers(0, 300, n).astype(np.int64),
    }


def test_a_room_comes_back_in_metres_from_its_corner(tmp_path: Path) -> None:
    given = arrays()
    np.savez_compressed(tmp_path / "office_1.npz", **given)
    room = read_room(tmp_path / "office_1.npz")
    assert (room.name, len(room)) == ("office_1", 5)
    np.testing.assert_allclose(room.points, (given["xyz_mm"] - given["xyz_mm"].min(0).astype(float)) / 1000, atol=1e-6)
    np.testing.assert_array_equal(room.colors, given["rgb"])
    np.testing.assert_array_equal(room.label, given["sem"])
    np.testing.assert_array_equal(room.instance, given["ins"])
    assert [a.dtype for a in (room.points, room.colors, room.label, room.instance)] == ["f4", "u1", "u1", "i4"]


def test_metres_are_read_as_well(tmp_path: Path) -> None:
    given = arrays()
    given["xyz"] = given.pop("xyz_mm") / 1000.0
    np.savez(tmp_path / "a.npz", **given)
    np.testing.assert_allclose(read_room(tmp_path / "a.npz").points, given["xyz"] - given["xyz"].min(0), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sem": None}, "no array 'sem' among ins, rgb, xyz_mm"),
        ({"xyz_mm": None}, "neither 'xyz' .* nor 'xyz_mm'"),
        ({"rgb": np.zeros((5, 3))}, r"'rgb' is \(5, 3\) float64, must be \(5, 3\) uint8"),
        ({"ins": np.zeros(4, np.uint8)}, r"'ins' is \(4,\) uint8"),
        ({"sem": np.full(5, 300)}, "values 300 to 300, accepted are 0 to 255"),
        ({"xyz": np.full((5, 3), np.nan)}, "not all finite"),
    ],
)
def test_a_foreign_room_is_refused_by_name(tmp_path: Path, change: dict, words: str) -> None:
    given = {key: value for key, value in {**arrays(), **change}.items() if value is not None}
    np.savez(tmp_path / "odd.npz", **given)
    with pytest.raises(RoomFileError, match=f"odd.npz: .*{words}"):
        read_room(tmp_path / "odd.npz")


def test_a_damaged_or_missing_room_is_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **arrays(2000))
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "bent.npz").write_bytes(whole[:200] + bytes(200) + whole[400:])
    for name in ("cut.npz", "bent.npz", "none.npz"):
        with pytest.raises(RoomFileError, match=name):
            read_room(tmp_path / name)


def test_splits_name_their_rooms(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    (tmp_path / "split.json").write_text(json.dumps({"train": ["a"], "val": ["b"]}))
    assert room_paths(tmp_path, "train") == [tmp_path / "a.npz"]
    with pytest.raises(RoomFileError, match=r"not found: b\.npz"):
        room_paths(tmp_path, "val")
    with pytest.raises(RoomFileError, match=r"split 'test' does not exist; accepted are train, val"):
        room_paths(tmp_path, "test")
    (tmp_path / "split.json").write_text("[1]")
    with pytest.raises(RoomFileError, match="must map"):
        read_split(tmp_path)


@pytest.mark.skipif(not ROOMS.is_dir(), reason="the S3DIS rooms are not beside this checkout")
def test_real_rooms_hold_what_their_description_says() -> None:
    rooms = [read_room(path) for path in room_paths(ROOMS, "val")]
    assert sum(len(room) for room in rooms) == 1_413_130
    chairs = sum(len(np.unique(room.instance[room.label == 8])) for room in rooms)
    assert chairs == 21
    assert all(room.points.min() == 0 and 2 < room.points[:, 2].max() < 6 for room in rooms)


def prepare(folder: Path, rooms: list[Room]) -> RoomIndex:
    """Rooms in the prepared format, all of them in split 'train'."""
    folder.mkdir()
    entries = {room.name: write_room(folder, room, S3DIS, f"{room.name}.ply") for room in rooms}
    index = RoomIndex(
        data="rooms", settings={}, classes=S3DIS.to_dict(), splits={"train": list(entries), "val": []}, rooms=entries
    )
    write_index(folder, index)
    return index


def made_up(name: str, n: int = 500, seed: int = 1) -> Room:
    rng = np.random.default_rng(seed)
    return Room(
        name=name,
        points=rng.uniform(10, 14, (n, 3)),
        colors=rng.integers(0, 256, (n, 3)).astype(np.uint8),
        label=rng.integers(0, 13, n).astype(np.uint8),
        instance=rng.integers(0, 70_000, n).astype(np.int32),
    )


def test_prepared_rooms_hold_what_was_written_sorted_by_place(tmp_path: Path) -> None:
    given = made_up("office_1")
    index = prepare(tmp_path / "out", [given])
    (room,) = open_rooms(tmp_path / "out", "train")
    order = morton_order(given.points - given.points.min(0))
    assert (room.name, len(room), index.rooms["office_1"].instances) == ("office_1", 500, len(set(given.instance)))
    np.testing.assert_allclose(room.points, (given.points - given.points.min(0))[order], atol=1e-6)
    np.testing.assert_array_equal(room.colors, given.colors[order])
    np.testing.assert_array_equal(room.label, given.label[order])
    np.testing.assert_array_equal(room.instance, given.instance[order])
    assert room.instance.max() > 255
    assert [a.dtype for a in (room.points, room.colors, room.label, room.instance)] == ["f4", "u1", "u1", "i4"]
    assert room_classes(tmp_path / "out") == S3DIS


def test_points_of_a_block_lie_on_few_pages() -> None:
    points = np.random.default_rng(0).uniform(0, 8, (200_000, 3)).astype(np.float32)

    def pages(cloud: np.ndarray) -> int:
        inside = np.flatnonzero(((cloud[:, :2] > 3.1) & (cloud[:, :2] < 4.1)).all(axis=1))
        return len(np.unique(inside * 12 // 4096))

    assert pages(points) > 500  # of 586
    assert pages(points[morton_order(points)]) < 60


def test_prepared_rooms_are_mapped_and_not_loaded(tmp_path: Path) -> None:
    prepare(tmp_path / "out", [made_up("a"), made_up("b", seed=2)])
    size = 1 << 30  # a room of 20 GiB that takes no disk: reading all of it would take minutes, and all memory
    entry = read_index(tmp_path / "out").rooms["b"].model_copy(update={"points": size})
    index = read_index(tmp_path / "out")
    write_index(tmp_path / "out", index.model_copy(update={"rooms": {**index.rooms, "b": entry}}))
    os.truncate(tmp_path / "out" / "b.room", column_offsets(size)[1])
    a, b = open_rooms(tmp_path / "out", "train")
    assert isinstance(a.points, np.memmap)
    assert not a.points.flags.writeable
    assert len(b) == size
    assert b.points[-1].tolist() == [0, 0, 0]
    assert b.instance[size // 2] == 0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 10 * 2**20  # KiB
    assert len(pickle.dumps([a, b])) < 3000  # a path, not the points


def test_any_number_of_rooms_takes_no_open_files(tmp_path: Path) -> None:
    prepare(tmp_path / "out", [made_up("a")])
    before = len(os.listdir("/proc/self/fd"))
    rooms = open_rooms(tmp_path / "out", "train") * 3
    assert sum(float(room.points.sum()) > 0 for room in rooms) == 3
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_rooms_hash_changes_with_a_label(tmp_path: Path) -> None:
    room = made_up("a")
    prepare(tmp_path / "one", [room])
    prepare(tmp_path / "same", [room])
    room.label[7] += 1
    prepare(tmp_path / "other", [room])
    assert rooms_hash(tmp_path / "one") == rooms_hash(tmp_path / "same") != rooms_hash(tmp_path / "other")
    np.savez(tmp_path / "a.npz", **arrays())
    (tmp_path / "split.json").write_text('{"train": ["a"]}')
    first = rooms_hash(tmp_path)
    np.savez(tmp_path / "a.npz", **arrays(6))
    assert rooms_hash(tmp_path) != first


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, r"rooms\.json: not an index of rooms of version 1: version"),
        ({"rooms": {}}, r"rooms\.json: .*splits name rooms that are not listed: a"),
        ({"classes": {"names": ["a", "a"], "colors": [], "things": []}}, r"rooms\.json: .*unique names"),
        ({"classes": {}}, r"rooms\.json: .*classes must hold names, colors and things"),
    ],
)
def test_a_foreign_index_is_refused_by_name(tmp_path: Path, change: dict, words: str) -> None:
    index = prepare(tmp_path / "out", [made_up("a")])
    (tmp_path / "out" / "rooms.json").write_text(json.dumps({**index.model_dump(), **change}))
    with pytest.raises(RoomFileError, match=words):
        open_rooms(tmp_path / "out", "train")


def test_a_prepared_room_that_is_missing_or_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    out = tmp_path / "out"
    prepare(out, [made_up("a"), made_up("b")])
    with pytest.raises(RoomFileError, match=r"rooms\.json: split 'test' does not exist; accepted are train, val"):
        open_rooms(out, "test")
    os.truncate(out / "b.room", 1000)
    with pytest.raises(RoomFileError, match=r"b\.room: has 1000 bytes, expected \d+ for the 500 points of rooms\.json"):
        open_rooms(out, "train")
    (out / "a.room").unlink()
    with pytest.raises(RoomFileError, match=r"not found: a\.room"):
        open_rooms(out, "train")
    with pytest.raises(RoomFileError, match=r"c\.room: not listed in"):
        read_room(out / "c.room")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": np.full((500, 3), np.nan)}, "500 of 500 points are NaN or Inf"),
        ({"label": np.full(500, 13, np.uint8)}, "contains class 13, accepted are 0 to 12"),
        ({"label": np.full(500, 255, np.uint8)}, "no point has a class"),
        ({"instance": np.full(500, -1, np.int32)}, "contains instance -1"),
        ({"points": np.zeros((9, 3))}, "9 points, at least 100 are needed"),
    ],
)
def test_rooms_that_cannot_train_are_not_written(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(RoomFileError, match=f"a.ply: .*{words}"):
        prepare(tmp_path / "out", [replace(made_up("a"), **change)])
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("keep_height", "lowest"), [(False, 0.0), (True, 0.75)])
def test_a_single_view_keeps_its_height_above_the_floor(tmp_path: Path, keep_height: bool, lowest: float) -> None:
    rng = np.random.default_rng(0)
    points = (rng.random((500, 3)) + [4.0, -2.0, 0.75]).astype(np.float32)  # a table top: no floor in sight
    points[0] = [4.0, -2.0, 0.75]
    room = Room("frame", points, np.zeros((500, 3), np.uint8), np.full(500, 7, np.uint8), np.zeros(500, np.int32))
    entry = write_room(tmp_path, room, S3DIS, "frame", keep_height)
    index = RoomIndex(
        data="t",
        settings={},
        single_views=keep_height,
        classes=S3DIS.to_dict(),
        splits={"train": ["frame"]},
        rooms={"frame": entry},
    )
    write_index(tmp_path, index)
    read = open_rooms(tmp_path, "train")[0]
    assert read.points.min(axis=0) == pytest.approx([0.0, 0.0, lowest], abs=1e-6)
    assert entry.origin == pytest.approx((4.0, -2.0, 0.75 - lowest))
    assert are_single_views(tmp_path) is keep_height
