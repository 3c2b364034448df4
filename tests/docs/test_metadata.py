"""Versions, licences, requirements and package data agree wherever they are written."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import jspnet_core
from tests.docs.test_architecture import ROS

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli", reason="reads pyproject.toml where Python has no tomllib")

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = jspnet_core.__version__


def names(requirements: list[str]) -> set[str]:
    """Names of packages, without versions and extras."""
    return {re.split(r"[\s\[<>=!;~]", line)[0].lower() for line in requirements}


def pinned() -> dict[str, str]:
    """Package: requirement file, but for the constraints of ROS."""
    found = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        if "constraints" not in path.name:
            lines = [line for line in path.read_text().splitlines() if line and line[0] not in "#-"]
            assert all("==" in line for line in lines), path
            found |= dict.fromkeys(names(lines), path.name)
    return found


def test_every_file_states_the_same_version() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "jspnet_core.__version__"
    assert ElementTree.parse(ROOT / "package.xml").findtext("version") == VERSION
    assert re.findall(r"\bVERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()) == [VERSION]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == VERSION
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert releases[0] == VERSION


def test_the_version_is_a_literal_that_setuptools_reads_without_importing() -> None:
    tree = ast.parse((ROOT / "jspnet_core" / "__init__.py").read_text())
    values = [n.value for n in tree.body if isinstance(n, ast.Assign) and "__version__" in ast.dump(n.targets[0])]
    assert [ast.literal_eval(value) for value in values] == [VERSION]


def test_package_xml_declares_every_ros_package_that_is_imported() -> None:
    declared = {element.text for element in ElementTree.parse(ROOT / "package.xml").iter() if "depend" in element.tag}
    files = [path for folder in ("jspnet_ros", "launch", "examples") for path in (ROOT / folder).rglob("*.py")]
    imported = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    missing = {name for name in imported & set(ROS) if not {name, f"{name}_py"} & declared}
    assert missing <= {"jspnet_ros"}, f"add to package.xml: {sorted(missing)}"


def test_licences_tell_code_from_weights() -> None:
    code, weights = PROJECT["project"]["license"].split(" AND ")
    assert code == "Apache-2.0"
    assert (ROOT / "jspnet_core" / "models" / "LICENSE.txt").read_text().startswith(weights)
    for path in PROJECT["project"]["license-files"]:
        assert (ROOT / path).is_file(), path
    stated = [element.text for element in ElementTree.parse(ROOT / "package.xml").findall("license")]
    assert stated == [code, weights]


def test_every_requirement_of_the_package_has_a_pin() -> None:
    wanted = names(PROJECT["project"]["dependencies"])
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        if extra != "tensorrt":  # needs a GPU; its versions belong to the robot's JetPack or driver
            wanted |= names(requirements)
    assert wanted <= set(pinned())


def test_every_pinned_package_has_a_line_of_why() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text().lower()
    first = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("|"))
    words = [word for word in re.split(r"[\s,`\[\]]+", first) if word.strip("-")]
    missing = [name for name in pinned() if not any(_named(name, word) for word in words)]
    assert not missing, f"docs/dependencies.md has no line for {', '.join(missing)}"


def _named(package: str, word: str) -> bool:
    """A word of the table names a package, its end (`-bindings`), or a family (`ros-ament-*`)."""
    return fnmatch.fnmatch(package, word) or (word.startswith("-") and package.endswith(word))


def test_every_file_of_the_package_is_in_a_wheel() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["jspnet_core"]
    listed = subprocess.run(["git", "ls-files", "jspnet_core"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    missing = []
    for line in listed.stdout.splitlines():
        path = Path(line).relative_to("jspnet_core")
        flat = [p.replace("**/", "*") for p in patterns]
        if path.suffix != ".py" and not any(fnmatch.fnmatch(str(path), pattern) for pattern in flat):
            missing.append(line)
    assert not missing, f"add to package-data in pyproject.toml: {missing}"


def test_every_folder_of_modules_is_a_package() -> None:
    """setuptools finds packages by their __init__.py; a folder without one would be left out of the wheel."""
    folders = {path.parent for path in (ROOT / "jspnet_core").rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]


def test_the_marker_of_types_is_there() -> None:
    assert (ROOT / "jspnet_core" / "py.typed").exists()


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_files_for_the_host_are_well_formed(path: Path) -> None:
    assert yaml.safe_load(path.read_text())


def test_continuous_integration_runs_make_test() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]
    assert ".ci/run" in [step.get("run") for step in jobs["test"]["steps"]]
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test")


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert sorted(line.split()[0] for line in shown.splitlines()) == sorted(phony[1].split())


def test_slow_rooms_of_tests_exist() -> None:
    from tests.conftest import HERE, SLOW

    assert not [name for name in SLOW if not (HERE / name).exists()]
