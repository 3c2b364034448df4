"""`jspnet synth --scenes furnished`: scans and sensor frames of rooms that are furnished from a library of meshes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from jspnet_core.classes import INDOOR
from jspnet_core.cli.prepare_progress import class_table, rooms_table
from jspnet_core.cli.terminal import output, progress_bar
from jspnet_core.data.furnished import UNSEEN, SceneJob, Taken, scene_jobs, take
from jspnet_core.data.generated import FRAMES, KIND
from jspnet_core.data.preparation import (
    DatasetInfo,
    PreparationResult,
    check_output_folder,
    parallel_map,
    write_room_index,
)
from jspnet_core.data.provenance import FURNISHED_DATA
from jspnet_core.data.room_index import INDEX_NAME, read_index
from jspnet_core.data.splits import SplitRule
from jspnet_core.io.atomic import replacing_folder
from jspnet_core.synthetic.assets.library import read_library
from jspnet_core.synthetic.sensors.devices import KINDS as SENSORS
from jspnet_core.synthetic.world import OWN


@dataclass(frozen=True)
class Count:
    """Amount of data. per_scene: most frames of one scene. val_share: share of scenes, with unseen furniture."""

    rooms: int
    frames: int
    per_scene: int
    val_share: float


def write_furnished(out: Path, count: Count, seed: int, assets: str, sensor: str, workers: int) -> None:
    """Write OUT/rooms.json with scans, and OUT/frames/rooms.json with frames, one prepared folder each."""
    check_output_folder(out, KIND, Path(FRAMES) / INDEX_NAME)
    console, models = output(), 0
    if assets != OWN:
        library = read_library(assets)
        models = len(library.assets)
        for reason, number in library.left_out.items():
            console.print(f"{number} models left out: {reason}", highlight=False, markup=False)
    sensors = SENSORS if sensor == "mixed" else (sensor,)
    settings: dict[str, str | bool | int | float] = {
        "scenes": "furnished",
        "seed": seed,
        "sensor": sensor,
        "models": models,
    }
    with replacing_folder(out) as folder:
        views = folder / FRAMES
        views.mkdir()
        jobs = scene_jobs(
            count.rooms, count.frames, count.per_scene, seed, assets, sensors, count.val_share, folder, views
        )
        taken = _take(jobs, workers)
        rule = SplitRule(val=(f"{UNSEEN}_*",))
        if count.rooms:
            data = DatasetInfo(KIND, INDOOR, settings, source=FURNISHED_DATA)
            write_room_index([room for job in taken for room in job.rooms], folder, data, rule)
        if count.frames:
            data = DatasetInfo(KIND, INDOOR, settings, single_views=True, source=FURNISHED_DATA)
            write_room_index([frame for job in taken for frame in job.frames], views, data, rule)
        else:
            views.rmdir()
    for number, place in ((count.rooms, out), (count.frames, out / FRAMES)):
        if number:
            index = read_index(place)
            console.print(*([rooms_table(index)] if number <= 40 else []), class_table(index))
    _report_lost(console, [outcome for job in taken for outcome in (*job.rooms, *job.frames) if outcome.error])
    console.print(f"{out}: {count.rooms} rooms, {count.frames} frames", highlight=False, soft_wrap=True, markup=False)


def _take(jobs: list[SceneJob], workers: int) -> list[Taken]:
    """Do all jobs; results in the order of the scenes' names."""
    done: list[Taken] = []
    with progress_bar() as progress:
        task = progress.add_task("scenes", total=len(jobs))
        for taken in parallel_map(take, jobs, workers):
            done.append(taken)
            progress.update(task, advance=1, description=taken.name)
    return sorted(done, key=lambda taken: taken.name)


def _report_lost(console: Console, lost: list[PreparationResult]) -> None:
    for outcome in lost[:5]:
        console.print(f"left out {outcome.name}: {outcome.error}", highlight=False, markup=False)
    if lost:
        console.print(f"{len(lost)} rooms and frames left out", highlight=False, markup=False)
