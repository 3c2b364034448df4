"""`jspnet label --memory` and `jspnet diff` from end to end, on a generated sequence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.classes import S3DIS
from jspnet_core.cli.app import app
from jspnet_core.io.ply import read_vertices
from jspnet_core.io.rgbd import read_sequence
from jspnet_core.memory.sequence import map_frame
from jspnet_core.memory.storage import load_objects
from jspnet_core.model_file import default_model
from jspnet_core.synthetic import Camera, camera_path, make_scene

Image = pytest.importorskip("PIL.Image", reason="images are read with Pillow (extra viz)")
pytestmark = pytest.mark.skipif(not default_model().is_file(), reason="the package's model is not in this checkout")
CAMERA = Camera(width=160, height=120, focal_x=131.0, focal_y=131.0, center_x=79.5, center_y=59.5)
TILT = np.array([[1.0, 0, 0, 0.3], [0, 0, -1, 0], [0, 1, 0, 0.2], [0, 0, 0, 1]])
"""A world with y up."""


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})
    return result.exit_code, result.output + str(result.exception or "")


def write_sequence(folder: Path, frames: int, T_world: np.ndarray | None = None) -> Path:
    folder.mkdir()
    scene, rng = make_scene(5, "office"), np.random.default_rng(0)
    np.savetxt(folder / "camera-intrinsics.txt", [[131.0, 0, 79.5], [0, 131.0, 59.5], [0, 0, 1]])
    for number, pose in enumerate(camera_path(scene, 24)):
        if number == frames:
            break
        frame = scene.depth_frame(pose, rng, CAMERA)
        stem = folder / f"frame-{number:06d}"
        Image.fromarray(np.nan_to_num(1000.0 * frame.points[..., 2]).astype(np.uint16)).save(f"{stem}.depth.png")
        Image.fromarray(frame.colors).save(f"{stem}.color.png")
        np.savetxt(f"{stem}.pose.txt", pose if T_world is None else T_world @ pose)
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory")
    write_sequence(folder / "in", 6)
    code, output = run("label", folder / "in", folder / "out", "--memory", "--format", "npz", "--stride", "1.0")
    assert code == 0, output
    assert "6 of 6 frames labelled" in output
    return folder / "out"


def test_every_frame_the_map_and_its_objects_are_written(labelled: Path) -> None:
    assert sorted(path.name for path in labelled.iterdir()) == [
        *(f"frame-{i:06d}.npz" for i in range(6)), "map.npz", "map.ply", "objects.json",
    ]  # fmt: skip
    listed = json.loads((labelled / "objects.json").read_text())["objects"]
    objects, classes = load_objects(labelled / "map.npz")
    assert listed
    assert [item["id"] for item in listed] == [item.id for item in objects]
    assert classes.names[: len(S3DIS)] == S3DIS.names
    cloud = read_vertices(labelled / "map.ply")
    for item in listed:
        assert (cloud["instance"] == item["id"]).any()


def test_frames_carry_the_ids_of_the_objects(labelled: Path) -> None:
    last = np.load(labelled / "frame-000005.npz")
    assert len(last["label"]) == 160 * 120
    ids = {item.id for item in load_objects(labelled / "map.npz", things_only=False)[0]}
    assert ids & set(np.unique(last["instance"]).tolist())


def test_a_map_does_not_differ_from_itself_and_an_empty_room_differs_from_it(labelled: Path, tmp_path: Path) -> None:
    code, output = run("diff", labelled / "map.npz", labelled / "map.npz")
    assert code == 0
    assert "0 appeared, 0 gone, 0 moved" in output
    with np.load(labelled / "map.npz") as saved:
        arrays = dict(saved)
    arrays["object"] = np.zeros_like(arrays["object"])
    np.savez(tmp_path / "empty.npz", **arrays)
    count = len(load_objects(labelled / "map.npz")[0])
    code, output = run("diff", labelled / "map.npz", tmp_path / "empty.npz")
    assert code == 0
    assert f"0 appeared, {count} gone, 0 moved" in output
    assert output.count("gone ") >= count


def test_a_file_that_is_no_map_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_text("no map")
    code, output = run("diff", tmp_path / "a.npz", tmp_path / "b.npz")
    assert code != 0
    assert "a.npz: not a readable map file" in output


def test_a_file_instead_of_a_sequence_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cloud.ply").write_text("ply")
    code, output = run("label", tmp_path / "cloud.ply", tmp_path / "out", "--memory")
    assert code != 0
    assert "--memory takes one folder" in output


def test_a_frame_with_a_broken_pose_is_named_and_the_others_labelled(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / "in", 3)
    np.savetxt(folder / "frame-000001.pose.txt", np.full((4, 4), np.nan))
    code, output = run("label", folder, tmp_path / "out", "--memory", "--stride", "1.0")
    assert code == 2
    assert "2 of 3 frames labelled" in output
    assert not (tmp_path / "out" / "frame-000001.ply").exists()


def test_a_world_with_y_up_is_turned_and_one_with_z_up_is_kept(tmp_path: Path) -> None:
    level = write_sequence(tmp_path / "level", 3)
    np.testing.assert_array_equal(map_frame(read_sequence(level)), np.eye(4))
    tilted = write_sequence(tmp_path / "tilted", 3, np.linalg.inv(TILT))
    up_in_world = np.linalg.inv(TILT)[:3, 2]
    T = map_frame(read_sequence(tilted))
    np.testing.assert_allclose(T[:3, :3] @ up_in_world, [0, 0, 1], atol=0.06)
    np.testing.assert_allclose(T[:3, :3] @ T[:3, :3].T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("axis", ["x", "y", "z", "-x", "-y", "-z"])
def test_an_axis_that_is_given_points_up_in_the_map(axis: str) -> None:
    T = map_frame([], axis)  # type: ignore[arg-type]
    up = (-1.0 if axis.startswith("-") else 1.0) * np.eye(3)["xyz".index(axis[-1])]
    np.testing.assert_allclose(T[:3, :3] @ up, [0, 0, 1], atol=1e-12)
    assert np.linalg.det(T[:3, :3]) == pytest.approx(1.0)
