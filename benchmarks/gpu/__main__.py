"""GPU benchmarks: all sections in one command and under eight minutes.

    python -m benchmarks.gpu                      # writes benchmarks/results/gpu-NAME.json and .md
    python -m benchmarks.gpu --checkpoint best.pt # a trained network; without it the full network, random weights
    python -m benchmarks.gpu --rehearse --results out/gpu # the same lines on a CPU, to find mistakes; no figure counts

Each section is a process of its own: one that fails, hangs or crashes is recorded with its reason, and the others go
on. What a section had measured by then is kept. Without a GPU nothing is measured and nothing is written.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.gpu.report import page
from jspnet_core.engine.cuda_driver import Gpu, find_gpu
from jspnet_core.errors import EngineError

HERE = Path(__file__).parent
SECTIONS = {
    "machine": 60,
    "ceilings": 60,
    "attention": 60,
    "frame": 150,
    "tensorrt": 150,
    "network": 120,
    "parity": 120,
    "stages": 90,
    "kernels": 90,
    "compiled": 150,
}
"""Seconds that each may take, the dispensable last."""


def main(
    checkpoint: Annotated[Path | None, typer.Option(help="best.pt of a training run")] = None,
    results: Annotated[Path, typer.Option(help="folder to write to")] = HERE.parent / "results",
    rehearse: Annotated[bool, typer.Option(help="run on the CPU with a tiny network: times mean nothing")] = False,
    seconds: Annotated[int, typer.Option(help="for everything; sections that no longer fit are left out")] = 460,
    only: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(SECTIONS)}; results of others in the JSON file are kept")
    ] = None,
) -> None:
    """Measure, and write JSON and markdown."""
    try:
        gpu = Gpu("rehearsal on a CPU", (0, 0), 0) if rehearse else find_gpu()
    except EngineError as error:
        print(f"nothing was measured: {str(error).partition(';')[0]}", file=sys.stderr)
        raise SystemExit(1) from None
    if unknown := set(only or ()) - SECTIONS.keys():
        raise typer.BadParameter(f"{', '.join(unknown)}: not of {', '.join(SECTIONS)}", param_hint="--only")
    name = gpu.name.lower().replace("nvidia ", "").replace(" ", "-")
    results.mkdir(parents=True, exist_ok=True)
    before = results / f"gpu-{name}.json"
    result: dict[str, Any] = json.loads(before.read_text()) if only and before.is_file() else {}
    result |= {"gpu": gpu.name, "capability": list(gpu.capability), "driver_cuda": gpu.driver}
    end = time.monotonic() + seconds
    for section in only or SECTIONS:
        limit = min(SECTIONS[section], end - time.monotonic())
        result[section] = (
            run(section, limit, checkpoint, rehearse) if limit > 15 else {"error": "no time was left for it"}
        )
        text = json.dumps(result, indent=2) + "\n"
        (results / f"gpu-{name}.json").write_text(text)
        (results / f"gpu-{name}.md").write_text(page(result))
        print(f"{section}: {result[section].get('error', 'done')}", flush=True)
    print(page(result))


def run(section: str, limit: float, checkpoint: Path | None, rehearse: bool = False) -> dict[str, Any]:
    """Measurements of a section, with `error` if it failed, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "section.json"
        command = [sys.executable, "-m", "benchmarks.gpu.sections", section, str(out)]
        command.append("rehearsal" if rehearse else "gpu")
        command += [str(checkpoint.resolve())] if checkpoint else []
        begin = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
            error = f"exit {done.returncode}: {last_line(done.stderr)}" if done.returncode else None
        except subprocess.TimeoutExpired:
            error = f"stopped after {limit:.0f} s"
        measured = json.loads(out.read_text()) if out.exists() else {}
    measured["seconds"] = round(time.monotonic() - begin, 1)
    return {**measured, "error": error} if error else measured


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1][:400] if lines else "no message"


if __name__ == "__main__":
    typer.run(main)
