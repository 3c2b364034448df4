"""Read the folder of a training run: its metadata, logs and scores."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint

MISSING = "not recorded"


class RunError(JspnetError):
    """A folder that is not a run to report on: one sentence naming it."""


@dataclass(frozen=True)
class Curve:
    """A logged quantity. blocks: (K,) int64, blocks trained on so far, ascending. values: (K,) float64."""

    blocks: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class RunRecord:
    """One training run.

    checkpoint: the file that is evaluated, best.pt. sha256: of it. blocks: trained on until then. weights: numbers in
    the network. recipe: as trained. record: run.json, empty for runs from before there was one. curves: by
    TensorBoard's names. logged_seconds: from the first to the last entry of the logs.
    """

    name: str
    folder: Path
    checkpoint: Path
    sha256: str
    blocks: int
    weights: int
    configuration: NetworkConfiguration
    classes: ClassTable
    recipe: dict[str, Any]
    record: dict[str, Any]
    curves: dict[str, Curve]
    logged_seconds: float

    def facts(self) -> dict[str, str]:
        """Facts needed to reproduce the run: text by heading."""
        get = self.record.get
        versions = ", ".join(f"{name} {version}" for name, version in get("versions", {}).items())
        command = get("command")
        return {
            "system": self.configuration.system,
            "weights": f"{self.weights:,}",
            "points per block": str(self.configuration.points),
            "blocks trained on, to the best checkpoint": f"{self.blocks:,}",
            "batch": str(self.recipe["batch"]),
            "seed": str(get("seed", self.recipe.get("seed", MISSING))),
            "git commit": str(get("commit") or MISSING),
            "training data": str(get("data") or MISSING),
            "training data, sha256": str(get("data_sha256") or MISSING),
            "started from": str(get("init") or "random weights") if self.record else MISSING,
            "wall time": self.wall_time(),
            "device": str(get("device") or MISSING),
            "processes": str(get("processes", MISSING)),
            "started": str(get("started") or MISSING),
            "resumed": ", ".join(get("resumed", [])) or ("never" if self.record else MISSING),
            "versions": versions or MISSING,
            "command": " ".join(command) if command else MISSING,
            "checkpoint, sha256": self.sha256,
        }

    def wall_time(self) -> str:
        seconds = self.record.get("wall_seconds") or 0.0
        if seconds:
            return duration(seconds)
        if self.logged_seconds:
            return f"{duration(self.logged_seconds)} (first to last entry of the log)"
        return MISSING

    def settings(self) -> dict[str, str]:
        """Network and recipe, flat, as JSON texts."""
        nested = {"network": self.configuration.model_dump(mode="json"), "recipe": self.recipe}
        return {key: json.dumps(value) for key, value in _flat(nested)}


def read_run(folder: Path) -> RunRecord:
    """Read a run's best.pt, run.json and TensorBoard logs. Raises `RunError`, `CheckpointError`."""
    path = folder / "best.pt"
    if not path.is_file():
        raise RunError(f"{folder}: no best.pt; a run is a folder that `jspnet train` wrote and validated in")
    checkpoint = Checkpoint.load(path)
    curves, seconds = _curves(folder / "tensorboard")
    return RunRecord(
        name=folder.resolve().name,
        folder=folder,
        checkpoint=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        blocks=checkpoint.samples,
        weights=sum(parameter.numel() for parameter in checkpoint.build().parameters()),
        configuration=checkpoint.configuration,
        classes=checkpoint.classes,
        recipe=checkpoint.recipe,
        record=_record(folder / "run.json"),
        curves=curves,
        logged_seconds=seconds,
    )


def duration(seconds: float) -> str:
    """Seconds for people: `2 h 05 min`, `3 min 20 s`."""
    minutes = int(seconds // 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {int(seconds % 60):02d} s"


def _record(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path}: not a JSON file ({error})") from None


def _curves(folder: Path) -> tuple[dict[str, Curve], float]:
    """All scalars of the event files, and the seconds from the first to the last."""
    if not folder.is_dir():
        return {}, 0.0
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})  # 0: all of them
    events.Reload()
    scalars = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    curves = {tag: _curve([e.step for e in entries], [e.value for e in entries]) for tag, entries in scalars.items()}
    times = [e.wall_time for entries in scalars.values() for e in entries]
    return curves, max(times) - min(times) if times else 0.0


def _curve(steps: list[int], values: list[float]) -> Curve:
    """Build a curve; of steps that were repeated after resuming, the last value counts."""
    blocks = np.array(steps, np.int64)
    later = np.minimum.accumulate(blocks[::-1])[::-1]  # the smallest of this and all later steps
    last = np.append(blocks[:-1] < later[1:], True)[: len(blocks)]
    return Curve(blocks[last], np.array(values, np.float64)[last])


def _flat(nested: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in nested.items():
        inside = _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [(f"{prefix}{key}", value)]
        pairs.extend(inside)
    return pairs
