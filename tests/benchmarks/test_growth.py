"""The benchmark of growth glues rooms that do not overlap, and a larger floor costs no more than its share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_growth_benchmark_measures_each_floor(tmp_path):
    command = [sys.executable, "-m", "benchmarks.scaling.growth", "--rooms", "1", "--rooms", "2", "--density", "60"]
    command += ["--points", "3000", "--floor-points", "30000", "--floor-rooms", "1", "--markdown", tmp_path / "page.md"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [*command, "--json", tmp_path / "g.json"], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "g.json").read_text())
    (command,) = results["command"]
    assert command["points"] == 30000
    assert command["labelled"] > 0.99
    assert f"{command['mib_peak']:.0f} MiB at most" in " ".join((tmp_path / "page.md").read_text().split())
    one, two = results["area"]
    assert two["points"] > one["points"]
    assert two["square_metres"] > 1.5 * one["square_metres"]  # side by side, not one in the other
    assert two["blocks"] > one["blocks"]
    assert two["mib_peak"] < one["mib_peak"] + 200
