"""`jspnet label` from end to end, with the model that comes with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jspnet_core.cli.app import app
from jspnet_core.errors import CloudError
from jspnet_core.io.ply import read_vertices
from jspnet_core.model_file import default_model
from jspnet_core.synthetic import Camera, camera_path, make_scene

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not default_model().is_file(), reason="the package's model is not in this checkout")


def label(*arguments: str | Path) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["label", *map(str, arguments)], env={"COLUMNS": "200"})
    return result.exit_code, result.output, result.exception


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small generated depth frame with NaN where there was no return."""
    scene = make_scene(seed=5)
    pose = next(camera_path(scene, frames=4))
    camera = Camera(160, 120, 131.0, 131.0, 79.5, 59.5)
    seen = scene.depth_frame(pose, np.random.default_rng(0), camera)
    path = tmp_path_factory.mktemp("clouds") / "frame.npz"
    np.savez(path, xyz=seen.points.reshape(-1, 3), rgb=seen.colors.reshape(-1, 3))
    return path


def test_every_point_comes_back_in_order_with_its_labels(frame: Path, tmp_path: Path) -> None:
    code, output, error = label(frame, tmp_path / "out.npz", "--stride", "1.0")
    assert (code, error) == (0, None)
    given, found = np.load(frame), np.load(tmp_path / "out.npz")
    np.testing.assert_array_equal(found["xyz"], given["xyz"])
    np.testing.assert_array_equal(found["rgb"], given["rgb"])
    assert (found["label"].dtype, found["instance"].dtype, found["confidence"].dtype) == ("u1", "u4", "f4")
    missing = np.isnan(given["xyz"]).any(axis=1)
    assert (found["label"][missing] == 255).all()
    assert (found["label"][~missing] < 255).mean() > 0.9
    assert "19,200 points" in output
    assert "gravity: camera axes, -y axis up, tilt" in output
    assert [path.name for path in tmp_path.iterdir()] == ["out.npz"]


def test_the_same_cloud_gets_the_same_labels_in_either_format(frame: Path, tmp_path: Path) -> None:
    for name in ("a.npz", "b.ply"):
        assert label(frame, tmp_path / name, "--stride", "1.0")[0] == 0
    first, second = np.load(tmp_path / "a.npz"), read_vertices(tmp_path / "b.ply")
    for key in ("label", "instance", "confidence"):
        np.testing.assert_array_equal(first[key], second[key])


def test_a_folder_of_clouds_is_labelled_and_a_broken_one_named(frame: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.npz").write_bytes(frame.read_bytes())
    (tmp_path / "in" / "broken.ply").write_bytes(b"ply\nnothing")
    code, output, _ = label(tmp_path / "in", tmp_path / "out", "--stride", "1.0", "--no-instances")
    assert code == 2
    assert "broken.ply: its header has no 'end_header'" in output
    assert "1 of 2 clouds not labelled" in output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.npz"]
    assert (np.load(tmp_path / "out" / "a.npz")["instance"] == 0).all()


def test_a_folder_keeps_its_structure_and_names_what_is_no_cloud(frame: Path, tmp_path: Path) -> None:
    for place in ("a.npz", "hall/a.npz", "hall/far/b.npz"):
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / place).write_bytes(frame.read_bytes())
    (tmp_path / "in" / "README.txt").write_text("Scans of the hall, made in May.\nKeep.\n")
    (tmp_path / "in" / "hall" / "photo.jpg").write_bytes(b"x")
    for _ in range(2):  # the second run does not label the first one's results
        code, output, error = label(tmp_path / "in", tmp_path / "in" / "out", "--stride", "1.0", "--format", "pcd")
        assert code == 0
    made = sorted(str(path.relative_to(tmp_path / "in" / "out")) for path in (tmp_path / "in" / "out").rglob("*.*"))
    assert made == ["a.pcd", "hall/a.pcd", "hall/far/b.pcd"]
    assert "README.txt: left out, not a cloud" in output
    assert "photo.jpg: left out, not a cloud" in output


def scaled(frame: Path, path: Path, factor: float) -> Path:
    with np.load(frame) as given:
        np.savez(path, xyz=given["xyz"] * factor, rgb=given["rgb"])
    return path


@pytest.mark.parametrize(
    ("factor", "words", "exit_code"),
    [(1000.0, "millimetres (--scale 0.001)", 1), (100.0, "centimetres (--scale 0.01)", 1), (0.01, "--scale", 3)],
)
def test_other_units_than_metres_are_named_and_little_labelled_is_exit_code_3(
    frame: Path, tmp_path: Path, factor: float, words: str, exit_code: int
) -> None:
    source = scaled(frame, tmp_path / "a.npz", factor)
    code, output, error = label(source, tmp_path / "out.npz", "--stride", "1.0", "--max-blocks", "40")
    assert words in output
    assert code == exit_code
    if code == 3:
        assert "% of its points labelled" in output
    if code == 1:  # too large for any room; `jspnet_core.cli.main` ends with this error's message
        assert isinstance(error, CloudError)
        assert "check the units" in str(error)
    code, output, _ = label(source, tmp_path / "out.npz", "--stride", "1.0", "--scale", str(1 / factor))
    assert code == 0
    assert "warning" not in output


def test_quiet_shows_nothing_but_warnings(frame: Path, tmp_path: Path) -> None:
    code, output, _ = label(frame, tmp_path / "out.ply", "--stride", "1.0", "--quiet")
    assert (code, output) == (0, "")


def test_inputs_that_would_overwrite_each_other_are_refused(frame: Path, tmp_path: Path) -> None:
    twin = tmp_path / frame.name
    twin.write_bytes(frame.read_bytes())
    _, _, error = label(frame, twin, tmp_path / "out")
    assert "several inputs would be written to frame.npz" in str(error)
    _, _, error = label(frame, twin, tmp_path / "out.ply")
    assert "2 clouds cannot go to the one file" in str(error)


@pytest.mark.parametrize(
    ("points", "words"), [(np.empty((0, 3)), "no points"), (np.full((9, 3), np.nan), "none of 9 points is finite")]
)
def test_a_cloud_without_points_is_named_and_nothing_written(points: np.ndarray, words: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", xyz=points)
    _, _, error = label(tmp_path / "odd.npz", tmp_path / "out.ply")
    assert "odd.npz" in str(error)
    assert words in str(error)
    assert not (tmp_path / "out.ply").exists()


def test_a_foreign_model_is_named(frame: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    _, _, error = label(frame, tmp_path / "out.ply", "--model", tmp_path / "model.onnx")
    assert "model.onnx" in str(error)
    assert not (tmp_path / "out.ply").exists()


@pytest.mark.skipif(not (DATA / "pcl").is_dir(), reason="the Kinect clouds are not beside this checkout")
def test_a_real_frame_without_colours_is_labelled(tmp_path: Path) -> None:
    code, output, error = label(DATA / "pcl" / "capture0001.pcd", tmp_path / "out.ply", "--stride", "1.0")
    assert (code, error) == (0, None)
    vertices = read_vertices(tmp_path / "out.ply")
    assert len(vertices) == 640 * 480
    assert "red" not in (vertices.dtype.names or ())
    assert (vertices["label"] < 255).mean() > 0.75
    assert "307,200 points" in output
