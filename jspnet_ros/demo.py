"""Demo: a simulated depth camera walks through a furnished home, and the node labels its clouds.

    python -m jspnet_ros.demo

Starts the node and the camera as processes of their own, listens to the labelled clouds over DDS, then prints a
table and writes out/demo.png. Exit code 0 only if labelled clouds came back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rclpy
import typer
from rclpy.signals import SignalHandlerOptions
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jspnet_ros.demo_support.listener import CAMERA, Heard, Listener
from jspnet_ros.demo_support.processes import Child, DemoError, dds_profile
from jspnet_ros.demo_support.report import print_report, write_picture
from jspnet_ros.node.shutdown import Interruption
from jspnet_ros.simulated_camera import RoomKind

LIMIT_SECONDS = 150.0
"""The demo stops listening then in any case; compiling the kernels for the first time takes part of it."""

console = Console(highlight=False)


def demo(
    rate: Annotated[float, typer.Option(min=0.1, max=60.0, help="clouds per second from the camera")] = 2.0,
    frames: Annotated[int, typer.Option(min=1, help="labelled clouds after which the demo ends")] = 20,
    seconds: Annotated[float, typer.Option(min=1.0, help="seconds from the first labelled cloud to the end")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="number of the world")] = 1,
    room: Annotated[RoomKind, typer.Option(help="kind of room, or dwelling or floor: several rooms")] = "living_room",
    assets: Annotated[
        str, typer.Option(help="furniture library; own: own shapes alone; by default the library in its usual place")
    ] = "",
    poses: Annotated[int, typer.Option(min=1, max=400, help="views of one walk round the rooms")] = 30,
    set_: Annotated[list[str] | None, typer.Option("--set", help="a parameter of the node, NAME:=VALUE")] = None,
    out: Annotated[Path, typer.Option(help="folder for demo.png and the logs")] = Path("out"),
) -> None:
    """Label the clouds of a simulated depth camera with the real node, and report the result."""
    out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(dds_profile()))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    interruption = Interruption()
    camera = [f"rate:={rate}", f"room:={room}", f"seed:={seed}", f"poses:={poses}", "truth:=true"]
    camera += [f"assets:={assets}"] if assets else []
    parameters = ["silence_error:=0.0", *(set_ or [])]  # the camera renders first, which is no error of the node
    children = [
        Child(
            "node",
            "jspnet_ros.segment_node",
            out / "demo_node.log",
            parameters,
            {"~/input/points": f"{CAMERA}/points"},
        ),
        Child("camera", "jspnet_ros.simulated_camera", out / "demo_camera.log", camera),
    ]
    try:
        heard = _listen(children, frames, seconds, interruption)
    except DemoError as error:
        console.print(f"the demo failed: {error}", markup=False, style="red")
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        console.print("interrupted; the node and the camera are gone")
        raise typer.Exit(130) from None
    if not heard.labelled:
        console.print("the demo failed: no labelled cloud came back", style="red")
        for child in children:
            console.print(f"the {child.name}'s last lines:\n{child.last_lines()}", markup=False)
        raise typer.Exit(1)
    print_report(console, heard)
    if heard.views and heard.classes is not None:
        write_picture(out / "demo.png", heard, heard.classes)
        console.print(f"picture: {out / 'demo.png'}")


def _listen(children: list[Child], frames: int, seconds: float, interruption: Interruption) -> Heard:
    """Run the children and listen until enough frames are labelled. Raises `DemoError` if it cannot go on."""
    with _ros() as listener, _running(children), _progress() as progress:
        interruption.hold()
        heard, start, first = listener.heard, time.monotonic(), None
        task = progress.add_task("starting the node and the camera", total=frames)
        while heard.labelled < frames and time.monotonic() - start < LIMIT_SECONDS:
            interruption.check()
            for child in children:
                child.check()
            if heard.problem and not heard.labelled:
                raise DemoError(f"the node reports: {heard.problem}")
            rclpy.spin_once(listener, timeout_sec=0.1)
            progress.update(task, completed=heard.labelled, description=_progress_text(heard))
            if heard.labelled and first is None:
                first = time.monotonic()
            if first is not None and time.monotonic() - first > seconds:
                break
        _hear_last_diagnostics(listener)
    return heard


def _hear_last_diagnostics(listener: Listener) -> None:
    """Wait for the counters after the last frame; they are published once a second."""
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        rclpy.spin_once(listener, timeout_sec=0.1)


def _progress_text(heard: Heard) -> str:
    if not heard.sent:
        return f"the camera renders, the node loads ({heard.status or 'starting'})"
    return f"{heard.sent} clouds sent, {heard.labelled} labelled"


def _progress() -> Progress:
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True)


@contextmanager
def _ros() -> Iterator[Listener]:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)  # Ctrl-C shall reach Python
    listener = Listener()
    try:
        yield listener
    finally:
        listener.destroy_node()
        rclpy.try_shutdown()


@contextmanager
def _running(children: list[Child]) -> Iterator[None]:
    """Start the children, and end them however the block ends."""
    try:
        for child in children:
            child.start()
        yield
    finally:
        for child in children:
            child.interrupt()
        for child in children:
            child.wait()


if __name__ == "__main__":
    typer.run(demo)
