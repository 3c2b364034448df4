"""A wheel built from the checkout holds the whole library, its data and its licences."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

import jspnet_core

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy: setuptools leaves its build folder behind."""
    pytest.importorskip("setuptools", minversion="77", reason="older ones read no licence expressions")
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "jspnet_core", source / "jspnet_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    words = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "out"]
    subprocess.run([*words, "."], cwd=source, check=True, timeout=200)
    (path,) = (source / "out").glob("jspnet-*.whl")
    return zipfile.ZipFile(path)


def test_every_file_of_the_library_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(["git", "ls-files", "jspnet_core"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    assert set(tracked.stdout.split()) <= set(wheel.namelist())


def test_nothing_of_ros_tests_or_benchmarks_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    folders = {name.split("/")[0] for name in wheel.namelist()}
    assert folders == {"jspnet_core", f"jspnet-{jspnet_core.__version__}.dist-info"}


def test_metadata_tells_code_from_weights(wheel: zipfile.ZipFile) -> None:
    information = f"jspnet-{jspnet_core.__version__}.dist-info"
    metadata = Parser().parsestr(wheel.read(f"{information}/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0 AND LicenseRef-S3DIS-Research-Only"
    assert metadata.get_all("License-File") == ["LICENSE", "jspnet_core/models/LICENSE.txt"]
    assert {"train", "export", "prepare", "viz", "docs", "dev"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_command_is_installed_by_the_wheel(wheel: zipfile.ZipFile) -> None:
    entry_points = wheel.read(f"jspnet-{jspnet_core.__version__}.dist-info/entry_points.txt").decode()
    assert "jspnet = jspnet_core.cli.main:main" in entry_points
