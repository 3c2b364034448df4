"""Benchmark of the node over DDS: age of labels under a fast camera, cost of outputs, start-up, memory allocator.

    . tools/environment.sh
    python -m benchmarks.node --json out/node.json --markdown docs/node_performance.md

The node runs in a process of its own; this one plays the camera. Variants are measured in turns, and by CPU time and
page faults, because other work on the machine changes the wall clock alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import rclpy
import typer
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from benchmarks.frame.frames import load_frame
from benchmarks.node.page import page, processor
from benchmarks.node.process import OUTPUTS, PATIENCE, Camera, NodeProcess
from jspnet_ros.demo_support.processes import dds_profile
from jspnet_ros.messages.labelled_clouds import color_cloud

THRESHOLDS = {"MALLOC_MMAP_THRESHOLD_": "4000000000", "MALLOC_TRIM_THRESHOLD_": "8000000000"}
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
ALLOCATORS: dict[str, dict[str, str]] = {
    "as it is": {},
    "as it is, again": {},
    "memory kept": THRESHOLDS,
    "huge pages": HUGE_PAGES,
    "both": {**THRESHOLDS, **HUGE_PAGES},
}
"""Settings of glibc's allocator by name: environment variables. The second shows how much equal nodes differ."""

SECTIONS = ("start", "flood", "allocator")


def main(
    source: Annotated[str, typer.Option("--input", help="auto, bag, synthetic, or a cloud file")] = "auto",
    rate: Annotated[float, typer.Option(help="clouds per second of the fast camera")] = 30.0,
    seconds: Annotated[float, typer.Option(help="how long it sends, for each set of outputs")] = 20.0,
    rounds: Annotated[int, typer.Option(help="frames by each setting of the allocator")] = 20,
    starts: Annotated[int, typer.Option(help="how often the node is started")] = 3,
    only: Annotated[
        list[str] | None, typer.Option(help=f"of {', '.join(SECTIONS)}; the other figures are kept from the JSON file")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="a parameter of the flooded node, NAME:=VALUE")
    ] = None,
    json_file: Annotated[Path, typer.Option("--json", help="figures")] = Path("out/node.json"),
    markdown: Annotated[Path | None, typer.Option(help="write the page docs/node_performance.md here")] = None,
) -> None:
    """Measure, print and write the figures."""
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(dds_profile()))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    folder = json_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    frame = load_frame(source)
    shape = (480, 640) if len(frame.points) == 480 * 640 else (1, len(frame.points))
    cloud = color_cloud(Header(frame_id="camera_optical_frame"), shape, frame.points, frame.colors)
    result = json.loads(json_file.read_text()) if only and json_file.is_file() else {}
    machine = {"cores": len(os.sched_getaffinity(0)), "processor": processor()}
    rclpy.init()
    for section in only or SECTIONS:
        if section == "start":
            found = {"cold CPU s": start_up(folder, 1, cold=True)["CPU s"][0], **start_up(folder, starts)}
            found["imports"] = imports()
        elif section == "flood":
            found = {"input": frame.source, "MB": len(cloud.data) / 1e6, "rate": rate}
            found["outputs"] = flood(folder, cloud, rate, seconds, set_ or [])
        elif section == "allocator":
            found = {"input": frame.source, "nodes": allocator(folder, cloud, rounds)}
        else:
            raise typer.BadParameter(f"{section!r} is not one of {', '.join(SECTIONS)}", param_hint="--only")
        result[section] = {**found, **machine, "load": os.getloadavg()[1]}
    rclpy.shutdown()
    json_file.write_text(json.dumps(result, indent=2) + "\n")
    if result.keys() >= set(SECTIONS):
        text = page(result)
        print(text)
        if markdown:
            markdown.write_text(text)


@contextmanager
def running(*nodes: NodeProcess) -> Iterator[None]:
    """Start the nodes, and end them afterwards."""
    try:
        for node in nodes:
            node.start()
        yield
    finally:
        for node in nodes:
            node.interrupt()
        for node in nodes:
            node.wait()


def start_up(folder: Path, starts: int, cold: bool = False) -> dict[str, list[float]]:
    """Seconds from the start of the process until it takes clouds, one more start before them left out.

    cold: with no compiled kernels on disk, and that one start not left out.
    """
    found: dict[str, list[float]] = {"wall s": [], "CPU s": []}
    for number in range(cold, starts + 1):
        with TemporaryDirectory() as empty:
            node = NodeProcess("start", folder, environment={"NUMBA_CACHE_DIR": empty} if cold else {})
            _start_once(node, found if number else {"wall s": [], "CPU s": []})
    return found


def _start_once(node: NodeProcess, found: dict[str, list[float]]) -> None:
    with running(node):
        begin = time.monotonic()
        while "labelling" not in node.last_lines():
            node.check()
            if time.monotonic() > begin + PATIENCE:
                raise TimeoutError(f"the node is not ready after {PATIENCE:.0f} s:\n{node.last_lines()}")
            time.sleep(0.02)
        found["wall s"].append(time.monotonic() - begin)
        found["CPU s"].append(node.cpu_seconds())


def imports() -> dict[str, float]:
    """Return the seconds that each package's own modules take to import, in descending order."""
    words = [sys.executable, "-X", "importtime", "-c", "import jspnet_ros.segment_node"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stderr.splitlines()
    seconds: defaultdict[str, float] = defaultdict(float)
    for line in lines:
        if found := re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)", line):
            seconds[found[2].split(".")[0]] += int(found[1]) / 1e6
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def flood(
    folder: Path, cloud: PointCloud2, rate: float, seconds: float, parameters: Sequence[str] = ()
) -> dict[str, dict]:
    """Measure under a camera faster than the node: all outputs, the semantic cloud alone, and none."""
    node, found = NodeProcess("flooded", folder, parameters), {}
    with running(node):
        for name, outputs in {"all outputs": list(OUTPUTS), "semantic alone": ["semantic"], "no output": []}.items():
            camera = Camera(node, outputs)
            camera.wait_for_node()
            if outputs:
                camera.label(cloud)
            found[name] = _flood(node, camera, cloud, rate, seconds)
            camera.destroy_node()
    return found


def _flood(node: NodeProcess, camera: Camera, cloud: PointCloud2, rate: float, seconds: float) -> dict:
    before, cpu, memory = camera.counts(), node.cpu_seconds(), []
    for times in camera.times.values():
        times.clear()
    begin = last = time.monotonic()
    sent = 0
    while (now := time.monotonic()) < begin + seconds:
        camera.send(cloud)
        sent += 1
        if now > last + 0.5:
            memory.append(node.resident_mb())
            last = now
        camera.spin_for(max(begin + sent / rate - time.monotonic(), 0.001))
    after = camera.counts()
    return {
        "sent": sent,
        "counts": {fate: n - before.get(fate, 0) for fate, n in after.items() if not fate.startswith("block")},
        "CPU s": node.cpu_seconds() - cpu,
        "times ms": {kind: list(map(float, times)) for kind, times in camera.times.items()},
        "publish share": float(camera.values["publish ms"]) / float(camera.values["total ms"]),
        "memory MB": memory,
    }


def allocator(folder: Path, cloud: PointCloud2, rounds: int) -> dict[str, dict]:
    """Measure the same frame by nodes that differ in the allocator's settings, in turns."""
    nodes = {
        name: NodeProcess(f"allocator_{i}", folder, environment=environment)
        for i, (name, environment) in enumerate(ALLOCATORS.items())
    }
    found: dict[str, dict] = {
        name: {"environment": ALLOCATORS[name], "total ms": [], "CPU s": 0.0, "page faults": 0} for name in nodes
    }
    with running(*nodes.values()):
        cameras = {name: Camera(node, list(OUTPUTS)) for name, node in nodes.items()}
        for camera in cameras.values():
            camera.wait_for_node()
            camera.label(cloud)
            camera.label(cloud)
        for turn in range(rounds):
            for name in np.roll(list(nodes), turn):
                node, of_node = nodes[name], found[name]
                cpu, faults = node.cpu_seconds(), node.page_faults()
                of_node["total ms"].append(cameras[name].label(cloud))
                of_node["CPU s"] += node.cpu_seconds() - cpu
                of_node["page faults"] += node.page_faults() - faults
        for name, node in nodes.items():
            found[name]["memory MB"] = node.resident_mb()
            cameras[name].destroy_node()
    return found


if __name__ == "__main__":
    typer.run(main)
