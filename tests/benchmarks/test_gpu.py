"""`benchmarks/gpu` without a GPU, and the page that it writes with one."""

import json
import subprocess
import sys

import pytest

from benchmarks.gpu import report as gpu_report
from benchmarks.gpu import work as gpu_work
from jspnet_core.engine.cuda_driver import find_gpu
from jspnet_core.errors import EngineError
from jspnet_core.network_config import NetworkConfiguration


def gpu_is_there():
    try:
        find_gpu()
    except EngineError:
        return False
    return True


@pytest.mark.skipif(gpu_is_there(), reason="this machine has a GPU")
def test_without_a_gpu_nothing_is_measured_and_nothing_written(tmp_path):
    command = [sys.executable, "-m", "benchmarks.gpu", "--results", str(tmp_path / "results")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.startswith("nothing was measured: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_a_section_that_fails_leaves_its_reason_and_what_it_had(tmp_path):
    from benchmarks.gpu import __main__ as gpu

    out = gpu.run("no_such_section", 300.0, None)
    assert out["error"].startswith("exit 1: KeyError")
    assert gpu.run("machine", 0.01, None)["error"] == "stopped after 0 s"


def test_the_page_holds_what_was_measured_and_what_was_not():
    took = {"median_ms": 2.5, "p95_ms": 3.0}
    result = {
        "gpu": "Some GPU",
        "ceilings": {"copy_gb_per_s": 100.0, "fp16_tflop_per_s": 50.0},
        "attention": {"8": {**took, "tflop_per_s": 20.0}},
        "network": {"gflop_per_block": 5.0, "mb_per_block": 10.0, "graph fp16, 8 blocks": took},
        "parity": {"parity of graph fp16": "the same"},
        "frame": {"error": "exit 1: no memory"},
    }
    page = gpu_report.page(json.loads(json.dumps(result)))
    assert "| graph fp16 | - | 2.50 | - | - |" in page
    assert "Attention of 8 blocks: 20 TFLOP/s, 40 % of that." in page
    assert "Fastest route, 8 blocks: 16.0 TFLOP/s, 32 % of the fp16 ceiling" in page
    assert "- parity of graph fp16: the same" in page
    assert "- frame: exit 1: no memory" in page
    assert "p95" not in page


def test_a_rehearsal_runs_every_section_as_far_as_a_cpu_can(tmp_path):
    """The lines that will run on a GPU, with a tiny network between kernels that are compiled for the host."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--rehearse", "--results", str(tmp_path), "--seconds", "900"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "gpu-rehearsal-on-a-cpu.json").read_text())
    errors = {name: part["error"] for name, part in result.items() if isinstance(part, dict) and "error" in part}
    assert set(errors) == {"tensorrt", "parity", "compiled"}
    for name, error in errors.items():
        assert "needs a GPU, this is a rehearsal" in error, f"{name}: {error}"
    assert result["gpu"] == "rehearsal on a CPU"
    assert result["frame"]["p95_ms"] >= result["frame"]["median_ms"] > 0
    assert "clusters" in result["stages"]["2"]
    assert result["kernels"]["share of sample as on the CPU"] == 1.0
    page = (tmp_path / "gpu-rehearsal-on-a-cpu.md").read_text()
    assert "| whole frame, p95 |" in page
    assert "- parity of eager fp32: " in page


def test_work_is_counted_from_the_configuration():
    full = gpu_work.work_of_a_block(NetworkConfiguration(), padded=False)
    points = NetworkConfiguration().points
    assert full.operations["attention"] == 2 * 2 * points * points * (64 + 128)
    for keys, count in (("level1", points // 4), ("level2", points // 16)):
        fewer = gpu_work.work_of_a_block(NetworkConfiguration(piff_keys=keys), padded=False)
        assert fewer.operations["attention"] == 2 * 2 * points * count * (64 + 128)
        assert fewer.total() < 0.6 * full.total()
