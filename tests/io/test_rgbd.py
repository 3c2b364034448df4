"""Depth images to clouds: geometry, holes, and errors for unsuitable files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jspnet_core.io.rgbd import Intrinsics, RgbdError, organised_points, read_frame, read_sequence
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.spatial.transforms import transform_points

Image = pytest.importorskip("PIL.Image", reason="RGB-D images are read with Pillow (extra viz)")
SEVEN_SCENES = Path(__file__).parents[3] / "shared" / "data" / "rgbd" / "7scenes_tsdf"
CAMERA = Intrinsics(500.0, 400.0, 2.0, 1.0)


def write_sequence(folder: Path, depth: np.ndarray) -> None:
    Image.fromarray(depth).save(folder / "frame-000000.depth.png")
    Image.fromarray(np.full((*depth.shape, 3), (10, 20, 30), np.uint8)).save(folder / "frame-000000.color.png")
    pose = np.eye(4)
    pose[:3, 3] = 1.0, 2.0, 3.0
    np.savetxt(folder / "frame-000000.pose.txt", pose)
    np.savetxt(folder / "camera-intrinsics.txt", [[500.0, 0, 2.0], [0, 400.0, 1.0], [0, 0, 1]])


def test_points_project_back_onto_their_pixels():
    depth = np.random.default_rng(0).integers(500, 5000, (4, 6)).astype(np.uint16)
    points = organised_points(depth, CAMERA)
    assert points.dtype == np.float32
    u, v = np.meshgrid(np.arange(6), np.arange(4))
    np.testing.assert_allclose(500.0 * points[..., 0] / points[..., 2] + 2.0, u, atol=1e-3)
    np.testing.assert_allclose(400.0 * points[..., 1] / points[..., 2] + 1.0, v, atol=1e-3)
    np.testing.assert_allclose(points[..., 2], depth / 1000.0, rtol=1e-6)


def test_no_return_is_nan():
    depth = np.array([[0.0, 65535.0, np.nan, -1.0, np.inf, 1000.0]])
    points = organised_points(depth, CAMERA)
    np.testing.assert_array_equal(np.isfinite(points).all(-1), [[False] * 5 + [True]])
    assert np.isnan(points[0, :5]).all()


def test_sequence_is_read_with_its_poses(tmp_path: Path):
    write_sequence(tmp_path, np.full((3, 5), 2000, np.uint16))
    (frame,) = read_sequence(tmp_path)
    assert frame.name == "frame-000000"
    assert (frame.colors == (10, 20, 30)).all()
    np.testing.assert_allclose(frame.points[1, 2], (0, 0, 2), atol=1e-6, err_msg="the pixel at the principal point")
    np.testing.assert_allclose(frame.world_points().reshape(3, 5, 3)[1, 2], (1, 2, 5), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "frame-000000.depth.png").unlink(), "holds no frame-\\*.depth.png"),
        (lambda folder: (folder / "frame-000000.color.png").unlink(), "has no frame-000000.color.png or .jpg"),
        (lambda folder: (folder / "frame-000000.pose.txt").write_text("1 2 3"), r"pose.txt holds \(3,\) numbers"),
        (lambda folder: (folder / "camera-intrinsics.txt").unlink(), "camera-intrinsics.txt cannot be read"),
        (lambda folder: (folder / "frame-000000.depth.png").write_bytes(b"no png"), "depth.png cannot be read"),
        (
            lambda folder: Image.fromarray(np.zeros((3, 5), np.uint8)).save(folder / "frame-000000.depth.png"),
            "a 16-bit depth image is needed",
        ),
        (
            lambda folder: Image.fromarray(np.zeros((9, 5), np.uint16)).save(folder / "frame-000000.depth.png"),
            "they must be equal",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change, said: str):
    write_sequence(tmp_path, np.full((3, 5), 2000, np.uint16))
    change(tmp_path)
    with pytest.raises(RgbdError, match=said):
        list(read_sequence(tmp_path))


@pytest.mark.skipif(not SEVEN_SCENES.exists(), reason=f"{SEVEN_SCENES} is absent")
def test_real_kitchen_stands_on_its_floor():
    """A real sequence: its poses agree with its depth, and the floor below the table is found."""
    frames = list(read_sequence(SEVEN_SCENES))
    first = frames[0]
    gravity = find_gravity(first.points.reshape(-1, 3), "auto")
    level = transform_points(gravity.T_gravity_input, first.points.reshape(-1, 3)).reshape(480, 640, 3)
    assert abs(np.nanmedian(level[350:, :150, 2])) < 0.05, "lower left: carpet"
    assert np.nanmedian(level[230:300, 430:520, 2]) == pytest.approx(0.75, abs=0.08), "right: table top"
    # The next frame's points, moved by both poses, land on the first frame's surface.
    near = frames[1].world_points()[::501]
    near = near[np.isfinite(near).all(1)]
    back = (near - first.T_world_camera[:3, 3]) @ first.T_world_camera[:3, :3]
    pixel = np.round(585.0 * back[:, :2] / back[:, 2:] + (320.0, 240.0)).astype(int)
    inside = ((pixel >= 0) & (pixel < (640, 480))).all(1)
    difference = np.abs(first.points[pixel[inside, 1], pixel[inside, 0], 2] - back[inside, 2])
    assert np.nanmedian(difference) < 0.03


def test_frames_from_other_sources(tmp_path: Path):
    """TUM's depth is in 1/5000 m; alpha in the colour image does no harm."""
    Image.fromarray(np.full((3, 5), 5000, np.uint16)).save(tmp_path / "depth.png")
    Image.fromarray(np.full((3, 5, 4), 200, np.uint8)).save(tmp_path / "color.png")
    frame = read_frame(tmp_path / "color.png", tmp_path / "depth.png", CAMERA, scale=1 / 5000)
    np.testing.assert_allclose(frame.points[..., 2], 1.0)
    assert frame.colors.shape == (3, 5, 3)
    with pytest.raises(RgbdError, match="has no pose"):
        frame.world_points()
