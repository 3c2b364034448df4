"""Kernels run where their cache cannot be written or read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import logging, resource, sys
from numba import njit
from jspnet_core.util.kernel_cache import tolerate_cache_errors

logging.basicConfig(format="%(levelname)s %(message)s")
if "tolerate" in sys.argv:
    tolerate_cache_errors()

@njit(cache=True)
def double(x):
    return 2 * x

@njit(cache=True)
def half(x):
    return x / 2

if "full" in sys.argv:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # what is written beyond it fails, as on a full disk
print(double(21), half(84.0))
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess:
    script, cache = folder / "kernels.py", folder / "cache"
    script.write_text(SCRIPT)
    environment = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, str(script), *words], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_full_disk_costs_the_cache_and_one_warning(tmp_path):
    ended = run(tmp_path, "tolerate", "full")
    assert ended.stdout.split() == ["42", "42.0"], ended.stderr
    assert ended.stderr.count("WARNING") == 1
    assert str(tmp_path / "cache") in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_cache_is_compiled_anew(tmp_path, kind):
    assert run(tmp_path, "tolerate").stderr == ""
    files = list((tmp_path / "cache").rglob(f"*.{kind}"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:10])
    ended = run(tmp_path, "tolerate")
    assert ended.stdout.split() == ["42", "42.0"], ended.stderr


def test_without_it_a_full_disk_is_an_error(tmp_path):
    """Otherwise nothing is left for `tolerate_cache_errors` to do: numba has learnt it."""
    assert run(tmp_path, "full").returncode != 0
