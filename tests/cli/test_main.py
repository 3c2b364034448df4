"""The `jspnet` command itself: quick to start, one line for user errors and for missing packages."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str | Path, prelude: str = "") -> subprocess.CompletedProcess[str]:
    """Run `jspnet ARGUMENTS` in a process of its own, after the Python statements of `prelude`."""
    code = f"{prelude}\nfrom jspnet_core.cli.main import main\nmain()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_help_names_the_commands_without_loading_what_they_need() -> None:
    heavy = "{'numpy', 'torch', 'onnxruntime', 'numba', 'scipy'} & set(sys.modules)"
    shown = run("--help", prelude=f"import sys, atexit; atexit.register(lambda: print('loaded:', {heavy}))")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in ("label", "evaluate", "train", "export"))
    assert "loaded: set()" in shown.stdout


@pytest.mark.parametrize("name", ["train", "export"])
def test_without_torch_one_line_says_how_to_get_it(name: str) -> None:
    result = run(name, "--help", prelude="import sys; sys.modules['torch'] = None")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"'{name}' needs torch" in result.stderr
    assert "pip install 'jspnet[" in result.stderr


def test_labelling_does_not_load_torch(tmp_path: Path) -> None:
    result = run(
        "label", tmp_path / "none.ply", tmp_path / "out.ply", prelude="import sys; sys.modules['torch'] = None"
    )
    assert result.returncode == 2
    assert result.stderr == f"jspnet: {tmp_path / 'none.ply'}: no such file\n"


def test_a_defect_is_not_dressed_up_as_a_user_error() -> None:
    broken = "import jspnet_core.cli.evaluate as m\ndef evaluate(): raise ValueError('a defect')\nm.evaluate = evaluate"
    result = run("evaluate", prelude=broken)
    assert "Traceback" in result.stderr
    assert result.returncode == 1


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8, 1.6])
def test_an_interrupt_at_the_start_prints_no_traceback(seconds: float, tmp_path: Path) -> None:
    code = "import jspnet_core.cli.main as m; print('up', flush=True); m.main()"
    command = [sys.executable, "-c", code, "label", str(tmp_path / "none.ply"), str(tmp_path / "out.ply")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert "Traceback" not in said
    assert child.returncode in (-signal.SIGINT, 130, 2)  # 2: it was quicker


@pytest.mark.slow
def test_the_kernels_are_compiled_ahead_and_said_to_be(tmp_path: Path) -> None:
    """With an empty cache; afterwards nothing is left to compile."""
    code = "from jspnet_core.cli.main import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code, "warm-up"]
    first, again = (
        subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=True)
        for _ in range(2)
    )
    assert "compiling the kernels for this machine, once" in first.stderr
    assert "compiled" in first.stderr
    assert "ready" in first.stdout
    assert "compil" not in again.stderr


def test_unknown_values_are_refused_naming_the_accepted_ones() -> None:
    result = run("label", "a.ply", "b.ply", "--up", "sideways")
    assert result.returncode == 2
    assert all(word in result.stderr for word in ("sideways", "auto", "optical", "-z"))
    result = run("label", "a.ply", "b.ply", "--stride", "7")
    assert result.returncode == 2
    assert "--stride" in result.stderr
