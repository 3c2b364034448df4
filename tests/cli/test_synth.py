"""`jspnet synth`: rooms that open, frames that are read, the same bytes for the same options."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.classes import S3DIS
from jspnet_core.cli.app import app
from jspnet_core.data.generated import FIRST_SEED, SEED_STRIDE, generated_rooms
from jspnet_core.data.room_index import RoomFileError, read_index
from jspnet_core.data.rooms import open_rooms
from jspnet_core.io.clouds import read_cloud
from jspnet_core.io.ply import read_comments, read_vertices


def synth(*arguments: str | Path | int) -> int:
    result = CliRunner().invoke(app, ["synth", *map(str, arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rooms and three frames, by one process."""
    out = tmp_path_factory.mktemp("synth") / "one"
    assert synth(out, "--rooms", 2, "--frames", 3, "--density", 100, "--workers", 1) == 0
    return out


def test_bytes_depend_on_the_seed_and_not_on_the_processes(made: Path, tmp_path: Path) -> None:
    assert synth(tmp_path / "two", "--rooms", 2, "--frames", 3, "--density", 100, "--workers", 2) == 0
    assert len(content(made)) == 2 + 1 + 3 + 1
    assert content(tmp_path / "two") == content(made)
    assert synth(tmp_path / "two", "--rooms", 1, "--density", 100, "--seed", 3) == 0  # replaces what was there
    (room,) = read_index(tmp_path / "two").rooms
    assert room == f"generated_office_{FIRST_SEED + 3 * SEED_STRIDE}"
    assert not (tmp_path / "two" / "frames").exists()


def test_rooms_are_those_that_training_generates_itself(made: Path) -> None:
    index = read_index(made)
    assert {name: len(rooms) for name, rooms in index.splits.items()} == {"train": 1, "val": 1}
    found = sorted(room.name for split in index.splits for room in open_rooms(made, split))
    assert found == sorted(room.name for room in generated_rooms(2))
    for split in index.splits:
        for room in open_rooms(made, split):
            assert np.ptp(room.points[:, 2]) > 2.3
            assert {0, 1, 2} <= set(room.label)  # ceiling, floor, wall


def test_frames_hold_what_a_camera_sees_of_the_room(made: Path) -> None:
    index = json.loads((made / "frames" / "frames.json").read_text())
    assert len(index["frames"]) == 3
    assert index["classes"]["names"] == list(S3DIS.names)
    for entry in index["frames"]:
        cloud = read_cloud(made / "frames" / entry["file"])
        with np.load(made / "frames" / entry["file"]) as file:
            label, instance, pose = file["label"], file["instance"], file["T_world_camera"]
            assert file["shape"].tolist() == [480, 640]
        assert len(cloud) == len(label) == 640 * 480
        seen = np.isfinite(cloud.points).all(axis=1)
        assert 0.5 < seen.mean() <= 1.0
        np.testing.assert_array_equal(label == 255, ~seen)
        np.testing.assert_array_equal(instance == 0, ~seen)
        np.testing.assert_allclose(pose, entry["T_world_camera"])
        world = cloud.points[seen] @ pose[:3, :3].T + pose[:3, 3]
        floor = world[label[seen] == S3DIS.names.index("floor"), 2]
        if len(floor):  # the pose puts the floor where it is
            assert abs(np.median(floor)) < 0.05


def test_frames_alone_as_ply_carry_pose_and_labels(tmp_path: Path) -> None:
    assert synth(tmp_path / "out", "--frames", 1, "--format", "ply", "--workers", 1) == 0
    (path,) = (tmp_path / "out" / "frames").glob("*.ply")
    vertices, comments = read_vertices(path), read_comments(path)
    assert vertices.dtype.names == ("x", "y", "z", "red", "green", "blue", "label", "instance")
    assert comments[0] == "height 480 width 640"
    assert np.array(comments[1].split()[1:], float).reshape(4, 4)[3].tolist() == [0, 0, 0, 1]
    assert synth(tmp_path / "out", "--frames", 1, "--format", "ply", "--workers", 1) == 0  # twice is once


def test_what_is_not_synths_own_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to write: give --rooms N, --frames M or both"):
        synth(tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other.txt").write_text("kept")
    with pytest.raises(RoomFileError, match="contains other files"):
        synth(tmp_path / "out", "--rooms", 1)
    assert (tmp_path / "out" / "other.txt").read_text() == "kept"
