"""Points that carry a class and no object, in real frames and in camera views of labelled rooms, as Markdown.

    python -m benchmarks.accuracy.objects --rooms S3DIS_ROOMS --views 8 --out objects.md

Each frame is labelled once with the settings of frames; classes do not depend on how instances are formed. Scores of
instances come from `jspnet evaluate --views`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.frame.frames import BAG, DATA, SEVEN_SCENES, Absent, Frame, load_frame
from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.data.depth_view import DepthCamera
from jspnet_core.data.rooms import read_split
from jspnet_core.evaluation.evaluate import read_scorable_room, simulate_views
from jspnet_core.io.rgbd import read_sequence
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.segmentation import Segmentation
from jspnet_core.settings import FrameSettings

EVERY = 12
"""Frames of the Kinect sequence between two that are labelled."""


def real_frames() -> Iterator[tuple[str, Frame]]:
    """Frames of the bag, of the Kinect sequence and of PCL's files, with a name; those that are absent are left out."""
    if BAG.exists():
        yield BAG.name, load_frame("bag")
    for path in sorted((DATA / "pcl").glob("*.pcd")):
        yield path.name, load_frame(str(path))
    if SEVEN_SCENES.is_dir():
        for number, frame in enumerate(read_sequence(SEVEN_SCENES)):
            if number % EVERY == 0:
                yield f"7-Scenes #{number}", Frame(frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3), "Kinect")


def share_without_object(found: Segmentation) -> float:
    """Share of the points with a class that carry no object, 0 to 1."""
    labelled = found.label != UNLABELLED
    return float((found.instance[labelled] == NO_INSTANCE).mean()) if labelled.any() else 0.0


def row(name: str, found: Segmentation) -> str:
    return f"| {name} | {100 * share_without_object(found):.1f} | {len(found.instances)} |"


def view_row(segmenter: Segmenter, rooms: Path, views: int) -> str:
    """Mean and largest share over the camera views of the split `val`."""
    shares, objects = [], 0
    for name in read_split(rooms)["val"]:
        room = read_scorable_room(rooms / f"{name}.npz", segmenter, None)
        for view, T in simulate_views(room, views, 0, DepthCamera()):
            found = segmenter.segment(np.asarray(view.points), np.asarray(view.colors), T_gravity_input=T)
            shares.append(share_without_object(found))
            objects += len(found.instances)
    name = f"{len(shares)} views of rooms, mean (largest)"
    return f"| {name} | {100 * np.mean(shares):.1f} ({100 * max(shares):.1f}) | {objects / len(shares):.1f} |"


def main(
    rooms: Annotated[Path | None, typer.Option(help="folder of labelled rooms (npz); without it no views")] = None,
    views: Annotated[int, typer.Option(min=1, help="views of each room of the split val")] = 8,
    model: Annotated[str | None, typer.Option(help="model name or file")] = None,
    out: Annotated[Path | None, typer.Option(help="page to write; without it the terminal alone")] = None,
) -> None:
    segmenter = Segmenter(model, settings=FrameSettings())
    lines = ["| frame | points with a class and no object, % | objects |", "|---|---|---|"]
    try:
        lines += [row(name, segmenter.segment(frame.points, frame.colors)) for name, frame in real_frames()]
    except Absent as error:
        raise typer.BadParameter(str(error)) from error
    if rooms is not None:
        lines.append(view_row(segmenter, rooms, views))
    segmenter.close()
    print("\n".join(lines))
    if out is not None:
        out.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    typer.run(main)
