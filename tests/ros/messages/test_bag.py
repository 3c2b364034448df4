"""Recorded clouds."""

from __future__ import annotations

from pathlib import Path

import pytest

from jspnet_ros.messages.bag import BagError, read_clouds
from tests.ros import clouds


def test_the_cloud_of_a_bag_is_the_sensor_s():
    cloud = clouds.bag_cloud()
    assert (cloud.height, cloud.width, cloud.point_step) == (480, 640, 32)
    assert cloud.header.frame_id == "camera_rgb_optical_frame"


def test_what_is_no_bag_is_named(tmp_path: Path):
    with pytest.raises(BagError, match=r"holds no \.db3 file"):
        next(read_clouds(tmp_path))
    (tmp_path / "broken.db3").write_bytes(b"not a database, only text" * 100)
    with pytest.raises(BagError, match=r"broken\.db3 is not a sqlite3 bag"):
        next(read_clouds(tmp_path))
