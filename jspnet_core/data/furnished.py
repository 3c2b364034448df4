"""Scans and sensor frames of furnished scenes as training rooms: z above the floor, classes of the table `indoor`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from jspnet_core.classes import INDOOR
from jspnet_core.data.preparation import PreparationResult
from jspnet_core.data.room_index import RoomFileError
from jspnet_core.data.room_writer import write_room
from jspnet_core.data.rooms import Room
from jspnet_core.synthetic.assets.library import Library, read_library
from jspnet_core.synthetic.layout.make import LayoutError, make_furnished_scene
from jspnet_core.synthetic.meshes import FurnishedScene
from jspnet_core.synthetic.random_frames import random_frame
from jspnet_core.synthetic.render.shade import Light, light_scene
from jspnet_core.synthetic.render.triangles import Triangles, flatten
from jspnet_core.synthetic.scan import Cloud, scan_room
from jspnet_core.synthetic.sensors.devices import devices_of
from jspnet_core.synthetic.world import OWN

SCENE_TRIES = 5
"""Scenes that are drawn where one has no floor to stand on."""

SEED_STRIDE = 1_000_000
"""Scenes of one seed; those of another seed are all different."""

UNSEEN = "unseen"
"""Begins the names of scenes whose furniture never trains."""


@dataclass(frozen=True)
class SceneSource:
    """Furnished scene `number` of a seed. kind: of room; None: any. unseen: only models that never train.

    assets: folder of the furniture library, or OWN for the shapes of this project alone, in plain colours.
    """

    number: int
    seed: int
    assets: str
    unseen: bool = False
    kind: str | None = None

    @property
    def name(self) -> str:
        return f"{UNSEEN if self.unseen else 'furnished'}_{self.seed}_{self.number:06d}"

    def rng(self, purpose: int) -> np.random.Generator:
        """Create the random generator of a scene for one purpose, equal at every call."""
        return np.random.default_rng((self.seed, self.number, purpose))


@dataclass(frozen=True)
class SceneJob:
    """Scan and frames to take of one scene, and their folders. sensors: kinds."""

    source: SceneSource
    scan: bool
    frames: int
    sensors: tuple[str, ...]
    rooms_folder: Path
    frames_folder: Path


@dataclass(frozen=True)
class Taken:
    """Result of one job."""

    name: str
    rooms: list[PreparationResult]
    frames: list[PreparationResult]


def scene_jobs(
    rooms: int,
    frames: int,
    per_scene: int,
    seed: int,
    assets: str,
    sensors: Sequence[str],
    val_share: float,
    rooms_folder: Path,
    frames_folder: Path,
) -> list[SceneJob]:
    """`rooms` scans, one a scene, and `frames` frames, as many in one scene as in the other, at most `per_scene`."""
    scenes = max(rooms, -(-frames // per_scene))
    jobs = []
    for i in range(scenes):
        unseen = int((i + 1) * val_share) > int(i * val_share)
        count = frames // scenes + (i < frames % scenes)
        source = SceneSource(i, seed, assets, unseen)
        jobs.append(SceneJob(source, i < rooms, count, tuple(sensors), rooms_folder, frames_folder))
    return jobs


@cache
def _library(folder: str) -> Library | None:
    return None if folder == OWN else read_library(folder)


def make(source: SceneSource) -> tuple[FurnishedScene, Triangles, Light]:
    """The scene with its triangles and light. Raises `RoomFileError` where SCENE_TRIES scenes cannot be furnished."""
    library = _library(source.assets)
    reason = ""
    for attempt in range(SCENE_TRIES):
        seed = ((source.seed + 1) * SCENE_TRIES + attempt) * SEED_STRIDE + source.number
        try:
            scene = make_furnished_scene(seed, source.kind, library, "val" if source.unseen else "train")
        except LayoutError as error:
            reason = str(error)
            continue
        if any(len(free) for free in scene.free):
            triangles = flatten(scene.placed, None if library is None else library.textures)
            return scene, triangles, light_scene(scene, triangles)
        reason = "no free floor to stand on"
    raise RoomFileError(f"{source.name}: none of {SCENE_TRIES} scenes could be furnished; the last: {reason}")


def generate(source: SceneSource, scan: bool, frames: int, sensors: Sequence[str]) -> Iterator[tuple[Room, str | None]]:
    """Training rooms of one scene, in memory: its scan, then frames, each with its device; None for the scan.

    z is above the floor in all of them. Raises `RoomFileError` where the scene cannot be furnished.
    """
    scene, triangles, light = make(source)
    if scan:
        rng = source.rng(100)
        share = np.array([float(len(free) > 0) for free in scene.free])
        room = int(rng.choice(len(share), p=share / share.sum()))
        yield _room(f"{source.name}_{scene.kind}", scan_room(scene, triangles, light, room, rng)), None
    for i in range(frames):
        frame = random_frame(scene, triangles, light, devices_of(tuple(sensors)), source.rng(1000 + i))
        name = f"{source.name}_{scene.kind}_{i:03d}_{frame.device}"
        yield _room(name, frame.cloud(name)), frame.device


def take(job: SceneJob) -> Taken:
    """Write scan and frames of a scene; those unfit for training are left out, with the reason."""
    name = job.source.name
    taken = Taken(name, [], [])
    try:
        for room, device in generate(job.source, job.scan, job.frames, job.sensors):
            if device is None:
                taken.rooms.append(_write(job.rooms_folder, room, "scan", keep_height=False))
            else:
                taken.frames.append(_write(job.frames_folder, room, device, keep_height=True))
    except RoomFileError as error:
        lost = taken.rooms if job.scan else taken.frames
        lost.append(PreparationResult(name, name, error=str(error)))
    return taken


def _room(name: str, cloud: Cloud) -> Room:
    return Room(name, cloud.points, cloud.colors, cloud.label, cloud.instance)


def _write(folder: Path, room: Room, source: str, keep_height: bool) -> PreparationResult:
    try:
        return PreparationResult(room.name, source, write_room(folder, room, INDOOR, source, keep_height))
    except RoomFileError as error:
        return PreparationResult(room.name, source, error=str(error))
