"""The frame benchmark runs, and its two routes give equal results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jspnet_core.synthetic import camera_path, make_scene

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def corner(tmp_path):
    """Part of a generated frame, a few blocks: what a whole one takes the reference's route a minute for."""
    scene = make_scene(seed=0)
    frame = scene.depth_frame(next(iter(camera_path(scene))), np.random.default_rng(0))
    points, colors = frame.points[240:, 200:440:2].reshape(-1, 3), frame.colors[240:, 200:440:2].reshape(-1, 3)
    near = points[:, 2] < 2.5  # NaN compares false
    np.savez(tmp_path / "corner.npz", xyz=points[near], rgb=colors[near])
    return tmp_path / "corner.npz"


def test_frame_benchmark_compares_two_routes_that_label_alike(corner, tmp_path):
    pytest.importorskip("torch", reason="the reference's route runs PyTorch")
    command = [sys.executable, "-m", "benchmarks.frame", "--input", corner, "--frames", "2"]
    outputs = ["--reference-frames", "1", "--json", tmp_path / "out/frame.json", "--markdown", tmp_path / "out/page.md"]
    outputs += ["--picture", tmp_path / "out/page.png"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run([*command, *outputs], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out/frame.json").read_text())
    assert result["labels_alike"] > 0.8  # the blocks' random points differ
    assert result["ours_ms"].keys() - {"read", "publish"} == result["reference_ms"].keys()
    assert result["limit_ms"].keys() >= result["reference_ms"].keys() - {"whole frame"}
    for stage, limit in result["limit_ms"].items():
        assert 0 < limit < result["ours_ms"].get(stage, {"median": np.inf})["median"], f"{stage} is below its limit"
    assert result["ceilings"]["sgemm_gflop_per_s"]["onnxruntime"] > 1
    assert (tmp_path / "out/page.png").read_bytes().startswith(b"\x89PNG")
    whole = result["reference_ms"]["whole frame"]["median"] / result["ours_ms"]["whole frame"]["median"]
    assert result["ratio_to_reference"] == pytest.approx(whole)
    assert "pre-processing >= 10 times the reference" in (tmp_path / "out/page.md").read_text()
    assert f"{whole:.1f} times as fast" in " ".join((tmp_path / "out/page.md").read_text().split())


def test_inputs_that_are_not_here_are_skipped_with_a_sentence(tmp_path, monkeypatch):
    from benchmarks.frame import frames

    monkeypatch.setattr(frames, "ROOM", tmp_path / "nowhere.npz")
    said = []
    loaded = list(frames.load_frames(["room", "synthetic"], said.append))
    assert [frame.source for frame in loaded] == ["generated frame, 640x480"]
    assert said == [f"room: skipped, {tmp_path / 'nowhere.npz'} is not on this machine"]


def test_each_script_writes_its_part_of_the_page(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="the report names its version")
    from benchmarks.common.report import write_section

    page = tmp_path / "page.md"
    for name, text in (("a", "one"), ("b", "two"), ("a", r"three \1")):
        write_section(page, name, text)
    text = page.read_text()
    assert "one" not in text
    assert text.index(r"three \1") < text.index("two")


def test_worst_cases_compare_each_kind_of_embeddings_with_scikit_learn(monkeypatch):
    pytest.importorskip("torch", reason="one kind comes from an untrained network")
    from benchmarks.frame import worst_cases

    rng = np.random.default_rng(0)
    blocks = [np.repeat(rng.normal(size=(4, 5)) * 5, 60, axis=0) + 0.05 * rng.normal(size=(240, 5)) for _ in range(2)]
    row = worst_cases.clustering("tight", [block.astype(np.float32) for block in blocks])
    assert row["clusters"] == 4
    assert row["least ARI"] == pytest.approx(1.0)
    assert row["times as fast"] > 1
    assert "| tight | 4 |" in worst_cases.markdown_of([row])
