"""Child processes with nodes, for the demo, examples and benchmarks: start, watch and end them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

PATIENCE = 10.0
"""Seconds that a process has to end by itself once interrupted."""


class DemoError(RuntimeError):
    """The demo cannot go on; the message has the reason and the last lines of the process concerned."""


def dds_profile() -> Path:
    """Return the path of the DDS profile for large clouds, in the checkout or the installed package."""
    here = Path(__file__).parents[2] / "config" / "dds_large_clouds.xml"
    return here if here.exists() else Path(get_package_share_directory("jspnet_ros")) / "config" / here.name


class Child:
    """A node in a process of its own, `python -m MODULE`.

    name: for people. log: file that takes what the node prints. parameters: NAME:=VALUE. remaps: topics by name,
    or the node's own name as `__node`. environment: variables beside those of this process.
    """

    def __init__(
        self,
        name: str,
        module: str,
        log: Path,
        parameters: Sequence[str],
        remaps: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self._log, self._environment = name, log, dict(environment or {})
        self._words = [sys.executable, "-m", module, "--ros-args"]
        for parameter in parameters:
            self._words += ["-p", parameter]
        for topic, target in (remaps or {}).items():
            self._words += ["-r", f"{topic}:={target}"]
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                self._words,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends its children in order
            )

    @property
    def pid(self) -> int:
        """Process id, once started."""
        assert self._process is not None, "not started"
        return self._process.pid

    def check(self) -> None:
        """Raises `DemoError` if the process has ended."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise DemoError(f"the {self.name} ended with exit code {code}, its last lines:\n{self.last_lines()}")

    def last_lines(self, count: int = 15) -> str:
        """Return the last lines that the process printed, indented."""
        with self._log.open(errors="replace") as lines:
            return "".join(f"  {line}" for line in deque(lines, maxlen=count)).rstrip() or "  (it printed nothing)"

    def interrupt(self) -> None:
        """Ask the process to end, as Ctrl-C does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Wait until the process has ended; kill it after `PATIENCE`."""
        if self._process is None:
            return
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
