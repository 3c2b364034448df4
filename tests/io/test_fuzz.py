"""Damaged files: the documented error in one line or a cloud, and no more memory than a bound."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("form", ["ply", "pcd", "npz", "npy", "txt", "model"])
def test_mutations_of_well_formed_files_raise_nothing_but_the_documented_error(form: str) -> None:
    command = [sys.executable, ROOT / "tools" / "fuzz.py", form, "--random", "400"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stdout) == (0, "400 inputs: no defect\n"), done.stderr[-2000:]
