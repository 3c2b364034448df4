"""Commands in the documentation run, or name only programs, sub-commands and options that exist."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from jspnet_core.io.ply import write_vertices
from jspnet_core.synthetic import make_scene
from tests.docs.commands import PAGES, ROOT, Block, blocks, commands

ALL = [block for page in PAGES for block in blocks(page)]
RUN = {page: [b for b in blocks(page) if b.mark == "run"] for page in PAGES}
GROUPS = ("prepare",)
"""Sub-commands of `jspnet` that have sub-commands themselves."""


def environment(folder: Path) -> dict[str, str]:
    """Programs of this interpreter first, as after `. tools/environment.sh`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    modules = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PATH": path, "PYTHONPATH": modules, "COLUMNS": "400", "TERM": "dumb"}


@lru_cache
def options(*words: str) -> set[str] | None:
    """Long options that a program lists with --help; None where it cannot be asked."""
    asked = subprocess.run(
        [*words, "--help"], cwd=ROOT, env=environment(ROOT), capture_output=True, text=True, timeout=120, check=False
    )
    return set(re.findall(r"--[a-z][\w-]*", asked.stdout)) if asked.returncode == 0 else None


def check_options(program: list[str], rest: list[str]) -> None:
    """Every long option among the words of a command is one of its program."""
    given = {word.split("=")[0] for word in rest if word.startswith("--")}
    if "--ros-args" in given or not given:
        return
    known = options(*program)
    assert known is not None, f"{' '.join(program)} --help fails"
    assert given <= known, f"{' '.join(program)} has no {', '.join(sorted(given - known))}"


def check_jspnet(words: list[str]) -> None:
    """`jspnet SUB ...`: the sub-command and its options exist."""
    names = words[: 2 if words and words[0] in GROUPS and len(words) > 1 and words[1].islower() else 1]
    if names and not names[0].startswith("-"):
        program = [sys.executable, "-m", "jspnet_core", *names]
        assert options(*program) is not None, f"jspnet has no sub-command {' '.join(names)}"
        check_options(program, words[len(names) :])


def check_module(words: list[str]) -> None:
    """`python -m MODULE ...`: the module is there and has the options."""
    module, *rest = words
    if module == "jspnet_core.cli.main":
        check_jspnet(rest)
    elif module.split(".")[0] in ("jspnet_core", "jspnet_ros", "benchmarks", "tools"):
        assert importlib.util.find_spec(module) is not None, f"no module {module}"
        check_options([sys.executable, "-m", module], rest)


def check_launch(words: list[str]) -> None:
    """`ros2 launch jspnet_ros FILE name:=value`: the file declares the arguments."""
    if words[:2] != ["launch", "jspnet_ros"] or len(words) < 3:
        return
    path = ROOT / "launch" / words[2]
    assert path.exists(), f"no launch file {words[2]}"
    for name in (word.split(":=")[0] for word in words[3:] if ":=" in word):
        assert f'"{name}"' in path.read_text(), f"{words[2]} declares no argument {name}"


def check_make(words: list[str]) -> None:
    targets = [word for word in words if re.fullmatch(r"[a-z-]+", word)]
    known = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets) <= set(known), f"the Makefile has no target {sorted(set(targets) - set(known))}"


def check(words: list[str]) -> None:
    """Every name of a command of this project exists."""
    program, rest = words[0], words[1:]
    if program == "jspnet":
        check_jspnet(rest)
    elif program == "make":
        check_make(rest)
    elif program == "ros2":
        check_launch(rest)
    elif "-m" in words and program in ("python", "torchrun"):
        check_module(words[words.index("-m") + 1 :])
    elif program == "python" and rest and rest[0].endswith(".py"):
        assert (ROOT / rest[0]).exists(), f"no file {rest[0]}"


@pytest.mark.parametrize("block", [b for b in ALL if b.holds_commands and not b.measures], ids=str)
def test_every_block_of_commands_says_whether_it_is_run(block: Block) -> None:
    assert block.mark, "put <!-- run --> or <!-- needs: ... --> before it, or state the language of what it shows"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_name_what_exists(page: Path) -> None:
    for words in commands(page):
        check(words)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, run in RUN.items() if run], ids=lambda p: str(p.relative_to(ROOT)))
def test_blocks_that_are_marked_run(page: Path, checkout: Path) -> None:
    """All of a page, in order, in one copy of the checkout."""
    for block in RUN[page]:
        program = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euo", "pipefail", "-c"]
        done = subprocess.run(
            [*program, block.text], cwd=checkout, env=environment(checkout), capture_output=True, text=True, timeout=500
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder like the checkout, for commands that write, with what users bring: scan.ply, a folder of rooms."""
    for entry in ROOT.iterdir():
        if entry.name not in ("out", "runs", ".git", "docs", "build", "log"):
            (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "docs").mkdir()
    for page in (ROOT / "docs").iterdir():
        (tmp_path / "docs" / page.name).write_bytes(page.read_bytes())
    cloud = make_scene(5, "pantry").room_cloud(np.random.default_rng(0), density=300.0)
    columns = dict(zip(("x", "y", "z"), cloud.points.T, strict=True))
    columns |= dict(zip(("red", "green", "blue"), cloud.colors.T, strict=True))
    with (tmp_path / "scan.ply").open("wb") as file:
        write_vertices(file, columns)
    return tmp_path
