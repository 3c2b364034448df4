"""Label the same clouds with two checkouts of this repository and compare what comes out.

    python -m tools.compare_checkouts BEFORE [AFTER] [--frames bag --frames room] [--turns 5]

BEFORE and AFTER (default: this checkout) are folders. Both run with this interpreter, each in a process of its own, on
the clouds of `benchmarks.frame`: a frame of a ROS 2 bag, one of 7-Scenes, a real room and a generated frame; what is
absent here is skipped. Both get the same model file and the same gravity transform, so that neither a new model nor
another estimate of gravity hides in the labels; `--own-gravity` lets each estimate its own.

Compared are labels, instance ids and confidences of all points, the summaries of the instances, and, where ROS is
installed, the bytes of the published instance cloud. Times are medians of turns that the two take by frame, so that a
busy machine slows both. Exit code 1 where anything but the times differs.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer

HERE = Path(__file__).resolve().parents[1]

WORKER = '''
import importlib, pickle, sys, time
from pathlib import Path

def find(name, *modules):
    """An object from the first of the modules that has it: modules have moved between checkouts."""
    for module in modules:
        try:
            return getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"{sys.path[0]} has no {name}")

Segmenter = find("Segmenter", "jspnet_core.pipeline.segmenter", "jspnet_core.segmenter")
settings = importlib.import_module("jspnet_core.settings")
folder, model, own_gravity = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "own"

def message_bytes(points, found):
    """Layout and data of the published instance cloud, or None without ROS.

    Not the serialised message itself: its padding between fields is not initialised, and differs from run to run.
    """
    try:
        from rclpy.serialization import deserialize_message
        from sensor_msgs.msg import PointCloud2
        from std_msgs.msg import Header
    except ImportError:
        return None
    instance_cloud = find("instance_cloud", "jspnet_ros.messages.labelled_clouds", "jspnet_ros.messages.point_cloud",
                          "jspnet_ros.point_cloud")
    cloud = instance_cloud(Header(frame_id="camera"), (1, len(points)), points, found)
    cloud = deserialize_message(cloud, PointCloud2) if isinstance(cloud, bytes) else cloud
    fields = [(f.name, f.offset, f.datatype, f.count) for f in cloud.fields]
    return fields, cloud.height, cloud.width, cloud.point_step, cloud.is_dense, bytes(cloud.data)

opened = {}
for line in sys.stdin:
    name = line.strip()
    given = pickle.loads((folder / f"{name}.pickle").read_bytes())
    chosen = getattr(settings, given["settings"])(**given["values"])
    segmenter = opened.setdefault(given["settings"], None) or Segmenter(model, settings=chosen)
    opened[given["settings"]] = segmenter
    segmenter.settings = chosen
    T = None if own_gravity else given["T"]
    begin = time.perf_counter()
    found = segmenter.segment(given["points"], given["colors"], T_gravity_input=T)
    took = time.perf_counter() - begin
    summary = [
        (i.id, i.label, i.confidence, i.point_count, i.centroid.tolist(), i.minimum.tolist(), i.maximum.tolist())
        for i in found.instances
    ]
    result = {
        "label": found.label, "instance": found.instance, "confidence": found.confidence, "instances": summary,
        "gravity": found.T_gravity_input, "bytes": message_bytes(given["points"], found), "seconds": took,
    }
    (folder / sys.argv[4]).write_bytes(pickle.dumps(result))
    print(name, flush=True)
'''


@dataclass
class Checkout:
    """A checkout and its process. turns: seconds of each frame; results: of its last turn."""

    path: Path
    process: subprocess.Popen[str]
    answer: Path
    turns: dict[str, list[float]] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def start(cls, path: Path, folder: Path, model: Path, own_gravity: bool, name: str) -> Checkout:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
        words = [sys.executable, "-c", WORKER, str(folder), str(model), "own" if own_gravity else "given", name]
        process = subprocess.Popen(
            words, cwd=path, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return cls(path, process, folder / name)

    def label(self, frame: str) -> None:
        """Label a frame once. Raises RuntimeError where the process has ended; its traceback is on stderr."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(frame + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline().strip() != frame:
            raise RuntimeError(f"the process of {self.path} ended while it labelled {frame}")
        self.results[frame] = pickle.loads(self.answer.read_bytes())
        self.turns.setdefault(frame, []).append(self.results[frame]["seconds"])

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """List the differences between two results, one phrase each; empty if they are identical."""
    found = []
    for name in ("label", "instance", "confidence"):
        a, b = before[name], after[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            found.append(f"{name}: {a.shape} {a.dtype} and {b.shape} {b.dtype}")
        elif not np.array_equal(a, b):
            found.append(f"{name}: {(a != b).sum()} of {len(a)} points")
    if not np.array_equal(before["gravity"], after["gravity"]):
        found.append(f"gravity: up to {np.abs(before['gravity'] - after['gravity']).max():.2g}")
    if before["instances"] != after["instances"]:
        found.append(f"summaries of {len(before['instances'])} and {len(after['instances'])} instances")
    if before["bytes"] is not None and after["bytes"] is not None and before["bytes"] != after["bytes"]:
        found.append("published bytes")
    return found


def _write_frames(folder: Path, names: list[str]) -> list[str]:
    """Write the clouds for both processes. Returns the names of those that are there."""
    from benchmarks.frame.frames import Absent, load_frame
    from jspnet_core.pipeline.gravity.estimate import find_gravity

    there = []
    for name in names:
        try:
            frame = load_frame(name)
        except Absent as error:
            print(f"{name}: skipped, {error}")
            continue
        values = frame.settings.model_dump(exclude_unset=True, exclude={"up_axis", "gravity"})
        T = find_gravity(frame.points[np.isfinite(frame.points).all(axis=1)]).T_gravity_input
        given = {
            "points": frame.points,
            "colors": frame.colors,
            "settings": type(frame.settings).__name__,
            "values": values,
            "T": T,
        }
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(given))
        there.append(name)
    return there


def main(
    before: Annotated[Path, typer.Argument(help="checkout to compare with")],
    after: Annotated[Path, typer.Argument(help="checkout to look at")] = HERE,
    frames: Annotated[list[str], typer.Option(help="bag, 7scenes, room, synthetic")] = [  # noqa: B006 (typer copies it)
        "bag",
        "7scenes",
        "room",
        "synthetic",
    ],
    turns: Annotated[int, typer.Option(min=1, help="timed turns of each frame, after one to warm up")] = 3,
    model: Annotated[Path | None, typer.Option(help="model file of both; without it the default one of BEFORE")] = None,
    own_gravity: Annotated[bool, typer.Option(help="let each checkout estimate gravity")] = False,
) -> None:
    """Label the same clouds with two checkouts and compare what comes out."""
    model = (model or before / "jspnet_core/models/jspnet_s3dis.onnx").resolve()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        names = _write_frames(folder, frames)
        pair = [
            Checkout.start(path.resolve(), folder, model, own_gravity, name)
            for path, name in ((before, "before"), (after, "after"))
        ]
        try:
            different = [name for name in names if _compare(name, turns, *pair)]
        finally:
            for checkout in pair:
                checkout.close()
    if different:
        raise SystemExit(1)


def _compare(name: str, turns: int, before: Checkout, after: Checkout) -> bool:
    """Label a frame by turns and print what was found. Returns whether anything differs."""
    for _ in range(turns + 1):
        before.label(name)
        after.label(name)
    a, b = (1e3 * median(checkout.turns[name][1:]) for checkout in (before, after))
    found = differences(before.results[name], after.results[name])
    ros = "" if before.results[name]["bytes"] is None else ", published bytes"
    same = f"identical labels, ids, confidences, summaries{ros}"
    verdict = f"DIFFERENT: {'; '.join(found)}" if found else same
    count, instances = len(before.results[name]["label"]), len(before.results[name]["instances"])
    print(
        textwrap.dedent(f"""\
        {name}: {count} points, {instances} instances
          {verdict}
          {a:.0f} ms before, {b:.0f} ms after, ratio {b / a:.2f}"""),
        flush=True,
    )
    return bool(found)


if __name__ == "__main__":
    typer.run(main)
