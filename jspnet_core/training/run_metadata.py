"""Metadata of a training run: recipe.json and run.json, for reports and to reproduce the run."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

import jspnet_core
from jspnet_core.io.atomic import replacing
from jspnet_core.training.distributed import World
from jspnet_core.training.recipe import Recipe

RECIPE_FILE = "recipe.json"
RUN_FILE = "run.json"


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file atomically."""
    with replacing(path) as file:
        file.write((json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_run_file(folder: Path) -> dict[str, Any]:
    """Read run.json of a run's folder; empty if there is none."""
    path = folder / RUN_FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def run_metadata(recipe: Recipe, world: World, facts: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Collect command, commit, versions, device and times. before: metadata of the run that is resumed, or empty."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return {
        "command": sys.argv,
        "commit": git_commit(),
        "versions": {
            "jspnet": jspnet_core.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "device": torch.cuda.get_device_name(world.device) if world.device.type == "cuda" else cpu_name(),
        "processes": world.size,
        "seed": recipe.seed,
        "started": before.get("started", now),
        "resumed": [*before.get("resumed", []), now] if before else [],
        "wall_seconds": before.get("wall_seconds", 0.0),
        **facts,
    }


def cpu_name() -> str:
    """Return the processor's name; where the system has none, its architecture, as `x86_64`.

    psutil and `platform` know the architecture only: on Linux the name stands in /proc/cpuinfo.
    """
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8", errors="replace").splitlines() if listed.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*names, platform.processor()]), platform.machine())


def git_commit() -> str | None:
    """Return the git commit of this code, with `+` if files differ from it; None outside a checkout or without git."""
    folder = Path(__file__).parent
    try:
        shown = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return shown.stdout.strip()
