"""Depth-camera frames of generated scenes, with the truth of every pixel, as files that `jspnet label` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numba
import numpy as np

from jspnet_core.classes import S3DIS
from jspnet_core.data.generated import GeneratedRoom
from jspnet_core.io.atomic import replacing
from jspnet_core.io.ply import write_vertices
from jspnet_core.synthetic import Camera, DepthFrame, camera_path

FRAMES_INDEX = "frames.json"
PER_SCENE = 25
"""Most frames of one scene, where the number of scenes is free."""

PER_JOB = 5
_WALK = 60  # poses of the shortest walk round a room


@dataclass(frozen=True)
class FrameJob:
    """Frames `first` to `last` (left out) of the `count` that are taken in one scene, and where they go."""

    room: GeneratedRoom
    first: int
    last: int
    count: int
    folder: Path
    form: Literal["npz", "ply"]
    camera: Camera


def frame_jobs(
    rooms: Sequence[GeneratedRoom], frames: int, folder: Path, form: Literal["npz", "ply"], camera: Camera
) -> list[FrameJob]:
    """`frames` frames in all, as many in one scene as in the other."""
    jobs = []
    for i, room in enumerate(rooms):
        count = frames // len(rooms) + (i < frames % len(rooms))
        for first in range(0, count, PER_JOB):
            jobs.append(FrameJob(room, first, min(first + PER_JOB, count), count, folder, form, camera))
    return jobs


def take_frames(job: FrameJob) -> list[dict]:
    """Write the frames of one job. Returns their entries in the index: file, scene, kind, T_world_camera."""
    numba.set_num_threads(1)  # the processes are the parallelism
    scene = job.room.scene()
    walk = list(camera_path(scene, max(_WALK, job.count), job.room.number))
    entries = []
    for i in range(job.first, job.last):
        pose = walk[i * len(walk) // job.count]
        frame = scene.depth_frame(pose, np.random.default_rng((job.room.number, i)), job.camera)
        name = f"{job.room.name}_{i:04d}.{job.form}"
        with replacing(job.folder / name) as file:
            (_write_npz if job.form == "npz" else _write_ply)(file, frame)
        entries.append({"file": name, "scene": job.room.name, "T_world_camera": pose.tolist()})
    return entries


def write_frames_index(folder: Path, entries: Sequence[Mapping], camera: Camera, seed: int) -> None:
    """FOLDER/frames.json: camera, classes, and the frames by name."""
    head = {"format": "jspnet frames", "version": 1, "seed": seed, "camera": asdict(camera), "classes": S3DIS.to_dict()}
    frames = (f"  {json.dumps(entry)}" for entry in sorted(entries, key=lambda entry: entry["file"]))
    text = json.dumps(head, indent=1).removesuffix("\n}")
    with replacing(folder / FRAMES_INDEX) as file:
        file.write((text + ',\n "frames": [\n' + ",\n".join(frames) + "\n ]\n}\n").encode())


def _write_npz(file: BinaryIO, frame: DepthFrame) -> None:
    """xyz (H * W, 3), rgb, label, instance by pixel, row by row; shape (H, W); T_world_camera (4, 4)."""
    np.savez_compressed(
        file,
        allow_pickle=False,
        xyz=frame.points.reshape(-1, 3),
        rgb=frame.colors.reshape(-1, 3),
        label=frame.label.ravel(),
        instance=frame.instance.ravel(),
        shape=np.array(frame.label.shape),
        T_world_camera=frame.T_world_camera,
        class_names=np.array(S3DIS.names),
    )


def _write_ply(file: BinaryIO, frame: DepthFrame) -> None:
    """Write a frame as PLY vertices; shape, pose and class names are comments."""
    columns = dict(zip("xyz", frame.points.reshape(-1, 3).T, strict=True))
    columns |= dict(zip(("red", "green", "blue"), frame.colors.reshape(-1, 3).T, strict=True))
    columns |= {"label": frame.label.ravel(), "instance": frame.instance.ravel().astype(np.uint32)}
    height, width = frame.label.shape
    pose = " ".join(f"{value:.9g}" for value in frame.T_world_camera.ravel())
    names = [f"class {label} {name}" for label, name in enumerate(S3DIS.names)]
    write_vertices(file, columns, [f"height {height} width {width}", f"T_world_camera {pose}", *names])
