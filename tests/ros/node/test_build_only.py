"""`build_only`: the node builds its engine, or logs the reason why not, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jspnet_core.engine.cuda_driver import find_gpu
from jspnet_core.errors import EngineError


def gpu_missing() -> str | None:
    try:
        find_gpu()
    except EngineError as error:
        return str(error)
    return None


def build_only(cache: Path, *assignments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "jspnet_ros.segment_node", "--ros-args"]
    for assignment in ("build_only:=true", *assignments):
        words += ["-p", assignment]
    environment = {**os.environ, "ROS_DOMAIN_ID": "0", "JSPNET_CACHE": str(cache)}
    return subprocess.run(words, capture_output=True, text=True, timeout=500, env=environment)


@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_an_engine_that_needs_no_building_is_refused(engine, tmp_path):
    ended = build_only(tmp_path, f"engine:={engine}")
    assert ended.returncode == 1
    assert f"the engine is not built: engine '{engine}' needs no building; engine:=tensorrt does" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_model_that_cannot_be_used_is_named(tmp_path):
    ended = build_only(tmp_path, "engine:=tensorrt", f"model:={tmp_path}/missing.onnx")
    assert ended.returncode == 1
    assert f"the engine is not built: {tmp_path}/missing.onnx does not exist" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(gpu_missing() is None, reason="this machine has a GPU")
def test_without_a_gpu_one_sentence_says_so(tmp_path):
    ended = build_only(tmp_path, "engine:=tensorrt")
    assert ended.returncode == 1
    assert "the engine is not built: " in ended.stderr
    assert "engine:=onnxruntime" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(gpu_missing() is not None, reason=f"no GPU to build for: {gpu_missing()}")
def test_an_engine_is_built_with_progress_and_found_again(tmp_path):
    first = build_only(tmp_path, "engine:=tensorrt")
    assert first.returncode == 0
    assert "building the engine: " in first.stderr
    second = build_only(tmp_path, "engine:=tensorrt")
    assert second.returncode == 0
    assert "building" not in second.stderr
    assert len(list(tmp_path.glob("*.engine"))) == 1
