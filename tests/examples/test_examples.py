"""The examples run as they stand, on generated rooms."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jspnet_core import read_cloud
from jspnet_core.memory import MemorySettings, SceneMemory
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.synthetic import Camera, camera_path, make_scene

Image = pytest.importorskip("PIL.Image", reason="the examples draw and read images (extra viz)")
pytest.importorskip("matplotlib", reason="the examples draw with matplotlib (extra viz)")
EXAMPLES = Path(__file__).parents[2] / "examples"
CAMERA = Camera(width=160, height=120, focal_x=131.0, focal_y=131.0, center_x=79.5, center_y=59.5)

pytestmark = pytest.mark.skipif(not default_model().exists(), reason=f"{default_model()} is absent")


def run(*words: object) -> str:
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_label_a_file(tmp_path: Path):
    cloud = make_scene(5, "pantry").room_cloud(np.random.default_rng(0), density=300.0)
    np.savez(tmp_path / "room.npz", xyz=cloud.points, rgb=cloud.colors)
    output = run(EXAMPLES / "01_label_a_file.py", tmp_path / "room.npz", tmp_path / "labels.ply")
    assert f"{len(cloud.points)} points" in output
    assert " points, " in output, "a line per instance"
    assert len(read_cloud(tmp_path / "labels.ply")) == len(cloud.points)


def test_label_rgbd_sequence(tmp_path: Path):
    scene, rng = make_scene(5, "office"), np.random.default_rng(0)
    np.savetxt(tmp_path / "camera-intrinsics.txt", [[131.0, 0, 79.5], [0, 131.0, 59.5], [0, 0, 1]])
    for number, pose in enumerate(camera_path(scene, 3)):
        frame = scene.depth_frame(pose, rng, CAMERA)
        stem = tmp_path / f"frame-{number:06d}"
        depth = np.nan_to_num(1000.0 * frame.points[..., 2]).astype(np.uint16)
        Image.fromarray(depth).save(f"{stem}.depth.png")
        Image.fromarray(frame.colors).save(f"{stem}.color.png")
        np.savetxt(f"{stem}.pose.txt", pose)
    output = run(EXAMPLES / "02_label_rgbd_sequence.py", tmp_path, "--every", "1", "--out", tmp_path / "out")
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures == ["frame-000000.png", "frame-000001.png", "frame-000002.png", "together.png"]
    assert "3 views as one cloud" in output


def test_nearest_chair_in_a_saved_map(tmp_path: Path):
    memory = SceneMemory(Segmenter(), MemorySettings(min_object_views=1))
    memory.save(tmp_path / "map.npz")
    assert "no chair in" in run(EXAMPLES / "05_nearest_chair.py", tmp_path / "map.npz")
