"""`jspnet synth`: labelled rooms and depth-camera frames of the scene generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from jspnet_core.classes import S3DIS
from jspnet_core.cli.prepare_progress import class_table, rooms_table
from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.synth_furnished import Count, write_furnished
from jspnet_core.cli.terminal import output, progress_bar
from jspnet_core.data.generated import DENSITY, FIRST_SEED, FRAMES, KIND, SEED_STRIDE, GeneratedRoom
from jspnet_core.data.generated_frames import (
    FRAMES_INDEX,
    PER_SCENE,
    frame_jobs,
    take_frames,
    write_frames_index,
)
from jspnet_core.data.preparation import DatasetInfo, PreparationResult, check_output_folder, fill_folder, parallel_map
from jspnet_core.data.provenance import GENERATED_DATA
from jspnet_core.data.room_index import read_index
from jspnet_core.data.splits import SplitRule
from jspnet_core.io.atomic import replacing_folder
from jspnet_core.synthetic import Camera
from jspnet_core.synthetic.assets.place import assets_folder
from jspnet_core.synthetic.world import OWN
from jspnet_core.util.threads import available_cores


def synth(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder to write; one made by synth before is replaced")],
    rooms: Annotated[int, typer.Option(min=0, max=SEED_STRIDE, help="rooms, scanned whole")] = 0,
    frames: Annotated[int, typer.Option(min=0, help="frames of a depth camera, to OUT/frames")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=1000, help="another seed, other rooms")] = 0,
    form: Annotated[Literal["npz", "ply"], typer.Option("--format", help="of the frames")] = "npz",
    density: Annotated[float, typer.Option(min=10, help="points of a room per square metre of surface")] = DENSITY,
    val_share: Annotated[float, typer.Option(min=0.0, max=1.0, help="share of rooms that validate")] = 0.15,
    workers: Annotated[int, typer.Option(min=0, help="processes; 0: one per core")] = 0,
    scenes_of: Annotated[
        Literal["primitives", "furnished"],
        typer.Option("--scenes", help="boxes and cylinders, or rooms of a furniture library"),
    ] = "primitives",
    sensor: Annotated[
        Literal["mixed", "stereo", "structured_light", "time_of_flight", "lidar"],
        typer.Option(help="of the frames of furnished scenes"),
    ] = "mixed",
    assets: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="furniture library; default: $JSPNET_ASSETS or the cache folder; own: own shapes alone"
        ),
    ] = None,
    per_scene: Annotated[int, typer.Option(min=1, help="most frames of one furnished scene")] = 10,
) -> None:
    """Write labelled rooms of generated scenes in the prepared format, and labelled sensor frames of them.

    Primitives: offices, meeting rooms, hallways and pantries in turn, frames as npz or ply. Furnished: rooms, dwellings
    and floors of many kinds with the classes of the table `indoor`; OUT/frames is a prepared folder of single views.
    The same options give the same bytes.
    """
    if not rooms and not frames:
        raise OptionError("nothing to write: give --rooms N, --frames M or both")
    if scenes_of == "furnished":
        count = Count(rooms, frames, per_scene, val_share)
        write_furnished(
            out,
            count,
            seed,
            assets if assets == OWN else str(assets_folder(assets)),
            sensor,
            workers or available_cores(),
        )
        return
    check_output_folder(out, KIND, Path(FRAMES) / FRAMES_INDEX)
    first = FIRST_SEED + SEED_STRIDE * seed
    scenes = [GeneratedRoom(first + i, density) for i in range(rooms or -(-frames // PER_SCENE))]
    with replacing_folder(out) as folder:
        if rooms:
            data = DatasetInfo(KIND, S3DIS, {"seed": seed, "density": density}, source=GENERATED_DATA)
            _write_rooms(scenes, folder, data, SplitRule(share=val_share), workers or available_cores())
        if frames:
            _write_frames(scenes, frames, folder / FRAMES, form, seed, workers or available_cores())
    console = output()
    if rooms:
        index = read_index(out)
        console.print(rooms_table(index), class_table(index))
    console.print(f"{out}: {rooms} rooms, {frames} frames", highlight=False, soft_wrap=True, markup=False)


def _write_rooms(scenes: list[GeneratedRoom], folder: Path, data: DatasetInfo, rule: SplitRule, workers: int) -> None:
    with progress_bar() as progress:
        task = progress.add_task("rooms", total=len(scenes))

        def report(outcome: PreparationResult) -> None:
            progress.update(task, advance=1, description=outcome.name)

        fill_folder(scenes, folder, data, rule, workers, report)


def _write_frames(
    scenes: list[GeneratedRoom], frames: int, folder: Path, form: Literal["npz", "ply"], seed: int, workers: int
) -> None:
    folder.mkdir()
    camera, entries = Camera(), []
    with progress_bar() as progress:
        task = progress.add_task("frames", total=frames)
        for taken in parallel_map(take_frames, frame_jobs(scenes, frames, folder, form, camera), workers):
            entries += taken
            progress.update(task, advance=len(taken), description=taken[0]["scene"])
    write_frames_index(folder, entries, camera, seed)
