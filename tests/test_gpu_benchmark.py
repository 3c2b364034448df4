"""`benchmarks/gpu.py` without a GPU, and the page that it writes with one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.engine import EngineError
from jspnet_core.engine.cuda_driver import find_gpu

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import gpu_report  # noqa: E402
import gpu_work  # noqa: E402


def gpu_is_there():
    try:
        find_gpu()
    except EngineError:
        return False
    return True


@pytest.mark.skipif(gpu_is_there(), reason="this machine has a GPU")
def test_without_a_gpu_nothing_is_measured_and_nothing_written(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "gpu.py"), "--results", str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.startswith("nothing was measured: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_section_that_fails_leaves_its_reason_and_what_it_had(tmp_path):
    import gpu

    out = gpu.run("no_such_section", 300.0, None)
    assert out["error"].startswith("exit 1: KeyError")
    assert gpu.run("machine", 0.01, None)["error"] == "stopped after 0 s"


def test_the_page_holds_what_was_measured_and_what_was_not():
    took = {"median_ms": 2.5, "p95_ms": 3.0}
    result = {
        "gpu": "Some GPU",
        "ceilings": {"copy_gb_per_s": 100.0, "fp16_tflop_per_s": 50.0},
        "attention": {"8": {**took, "tflop_per_s": 20.0}},
        "network": {"graph fp16, 8 blocks": took, "parity of graph fp16": "the same"},
        "frame": {"error": "exit 1: no memory"},
    }
    page = gpu_report.page(json.loads(json.dumps(result)))
    assert "| graph fp16 | - | 2.50 | - | - |" in page
    assert "Attention of 8 blocks: 20 TFLOP/s, 40 % of that." in page
    assert "- frame: exit 1: no memory" in page
    assert "p95" not in page


def test_work_is_counted_from_the_configuration():
    full = gpu_work.work_of_a_block(NetworkConfiguration(), padded=False)
    points = NetworkConfiguration().points
    assert full.operations["attention"] == 2 * 2 * points * points * (64 + 128)
    fewer_keys = NetworkConfiguration(piff_keys="level1")
    assert gpu_work.work_of_a_block(fewer_keys, padded=False).total() < 0.6 * full.total()
