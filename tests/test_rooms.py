"""Labelled rooms: what is read, and what is refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jspnet_core.data.rooms import RoomFileError, read_room, read_split, room_paths

ROOMS = Path(__file__).resolve().parents[2] / "shared" / "data" / "s3dis_rooms_npz"


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
    with pytest.raises(RoomFileError, match=r"not there: b\.npz"):
        room_paths(tmp_path, "val")
    with pytest.raises(RoomFileError, match=r"no split named 'test'; it has train, val"):
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
