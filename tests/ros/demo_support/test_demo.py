"""The demo as a user starts it: real processes, real DDS, and an end in every case."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tests.ros.client import QUICK, new_domain

pytest.importorskip("matplotlib", reason="the demo draws with matplotlib (extra viz)")

QUICK_DEMO = ["--room", "hall", "--seed", "1", "--poses", "3", "--rate", "4"]
QUICK_NODE = [word for name, value in QUICK.items() for word in ("--set", f"{name}:={value}")]


class Demo:
    """`python -m jspnet_ros.demo` in a domain of its own; its processes carry a mark in their environment."""

    def __init__(self, out: Path, *words: str) -> None:
        self.mark = f"JSPNET_DEMO_TEST={uuid.uuid4().hex}"
        key, value = self.mark.split("=")
        environment = {**os.environ, "ROS_DOMAIN_ID": str(new_domain()), key: value, "COLUMNS": "160"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jspnet_ros.demo", "--out", str(out), *QUICK_DEMO, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )

    def finish(self) -> tuple[int, str]:
        """Exit code and output."""
        try:
            output, _ = self.process.communicate(timeout=240)
        finally:
            self.process.kill()
        return self.process.returncode, output

    def processes(self) -> list[int]:
        """Processes of this demo that are alive, the demo itself included."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and self.mark.encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except (PermissionError, FileNotFoundError, ProcessLookupError):
                continue  # not ours, or gone meanwhile
        return found


def test_labels_come_back_and_are_reported(tmp_path: Path):
    demo = Demo(tmp_path, "--frames", "3", *QUICK_NODE)
    code, output = demo.finish()
    assert code == 0, output
    assert demo.processes() == []
    assert "labelled clouds that came back" in output
    for line in ("sent by the camera", "skipped", "total", "network", "floor", "wall", "agreement with the truth"):
        assert line in output
    counts = {line.split("│")[1].strip(): line.split("│")[2] for line in output.splitlines() if line.startswith("│")}
    assert int(counts["labelled by the node"]) >= 3
    assert int(counts["sent by the camera"]) >= 3
    picture = tmp_path / "demo.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000, "three panels of a room, not an empty page"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("model:=/no/such/model.onnx", "the node reports: .*no/such/model.onnx"),
        ("engine:=abacus", r"the node ended with exit code 2.*\n.*abacus"),
    ],
)
def test_a_node_that_cannot_work_is_explained(tmp_path: Path, setting: str, said: str):
    demo = Demo(tmp_path, "--set", setting)
    code, output = demo.finish()
    assert code == 1, output
    assert demo.processes() == []
    assert re.search(said, output), output
    assert not (tmp_path / "demo.png").exists()


def test_interrupt_ends_everything(tmp_path: Path):
    demo = Demo(tmp_path, "--frames", "1000", *QUICK_NODE)
    end = time.monotonic() + 120
    while len(demo.processes()) < 3:
        assert time.monotonic() < end, "the demo starts a node and a camera"
        time.sleep(0.2)
    time.sleep(3.0)
    demo.process.send_signal(signal.SIGINT)
    code, output = demo.finish()
    assert code == 130, output
    assert "interrupted" in output
    assert demo.processes() == []
