"""Pictures of clouds show the given colours at the right place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.report.cloud_pictures import EMPTY, Row, cloud_picture, frame_picture, label_colors, splat

pytest.importorskip("matplotlib", reason="pictures need matplotlib (extra viz)")
from matplotlib.image import imread


@pytest.fixture
def frame() -> tuple[np.ndarray, Row]:
    """Left half chair, right half table, the top fifth unlabelled."""
    label = np.full((120, 160), S3DIS.names.index("chair"), np.uint8)
    label[:, 80:] = S3DIS.names.index("table")
    label[:24] = 255
    instance = np.where(label == 255, 0, label).astype(np.uint32)
    return np.full((120, 160, 3), 255, np.uint8), Row("network", label, instance)


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image[..., :3] * 255.0 - np.array(color)) < 40).all(-1)


def test_frame_picture_shows_classes_in_their_colours(tmp_path: Path, frame: tuple[np.ndarray, Row]):
    colors, row = frame
    frame_picture(tmp_path / "frame.png", colors, [row], S3DIS, "two things")
    image = imread(tmp_path / "frame.png")
    middle = image[:, image.shape[1] // 3 : 2 * image.shape[1] // 3]
    chair, table = near(middle, (255, 30, 30)), near(middle, (200, 150, 230))
    assert chair.sum() > 5000
    assert table.sum() > 5000
    assert np.argwhere(chair)[:, 1].mean() < np.argwhere(table)[:, 1].mean(), "chair left, table right"


def test_second_row_makes_the_picture_taller(tmp_path: Path, frame: tuple[np.ndarray, Row]):
    colors, row = frame
    frame_picture(tmp_path / "one.png", colors, [row], S3DIS)
    frame_picture(tmp_path / "two.png", colors, [row, Row("truth", row.label, row.instance)], S3DIS)
    one, two = imread(tmp_path / "one.png"), imread(tmp_path / "two.png")
    assert two.shape[0] > 1.5 * one.shape[0]
    assert two.shape[1] == one.shape[1]


def test_frame_picture_refuses_labels_of_another_size(tmp_path: Path, frame: tuple[np.ndarray, Row]):
    colors, row = frame
    with pytest.raises(ValueError, match=r"network: label \(60, 160\) .* must be \(120, 160\)"):
        frame_picture(tmp_path / "bad.png", colors, [Row("network", row.label[:60], row.instance)], S3DIS)


def test_splat_draws_near_points_over_far_ones():
    right, up, away = np.array([0.0, 0.0, 1.0]), np.zeros(3), np.array([2.0, 1.0, 1.0])
    image = splat(right, up, away, np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8), size=0.1)
    assert (image == (0, 255, 0)).all(-1).any()
    assert (image == (0, 0, 255)).all(-1).any()
    assert not (image == (255, 0, 0)).all(-1).any()


def test_cloud_picture_leaves_out_what_is_high(tmp_path: Path):
    rng = np.random.default_rng(0)
    floor = np.column_stack([rng.uniform(0, 3, (4000, 2)), np.zeros(4000)])
    ceiling = floor + (0.0, 0.0, 2.6)
    points = np.concatenate([floor, ceiling, [[np.nan] * 3]]).astype(np.float32)
    label = np.repeat([1, 0, 255], [4000, 4000, 1]).astype(np.uint8)
    row = Row("network", label, np.zeros(8001, np.uint32))
    cloud_picture(tmp_path / "cloud.png", points, None, [row], S3DIS, "floor only")
    image = imread(tmp_path / "cloud.png")
    assert near(image, S3DIS.colors[1]).sum() > 5000, "blue floor"
    assert near(image, S3DIS.colors[0]).sum() == 0, "no green ceiling, not in the legend either"
    high = Row("network", label[4000:8000], np.zeros(4000, np.uint32))
    with pytest.raises(ValueError, match="none of 4000 points is finite and below 2.0 m"):
        cloud_picture(tmp_path / "empty.png", ceiling, None, [high], S3DIS)


def test_unlabelled_is_neither_a_class_nor_background():
    colors = label_colors(np.array([0, 255], np.uint8), S3DIS)
    np.testing.assert_array_equal(colors[0], S3DIS.colors[0])
    np.testing.assert_array_equal(colors[1], EMPTY)
