"""`jspnet label --memory`: a sequence with poses becomes settled labels and a map."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path

import numpy as np
from rich.table import Table

from jspnet_core.cli.settings_options import OptionError
from jspnet_core.cli.terminal import messages, output
from jspnet_core.errors import CloudError
from jspnet_core.io.cloud import Cloud
from jspnet_core.io.clouds import write_cloud
from jspnet_core.io.rgbd import RgbdFrame, read_sequence
from jspnet_core.memory import SceneMemory
from jspnet_core.memory.export import write_map, write_objects
from jspnet_core.memory.scene_memory import PoseError
from jspnet_core.memory.sequence import map_frame
from jspnet_core.pipeline.segmenter import Segmenter

logger = logging.getLogger(__name__)

FRAME_SECONDS = 1.0 / 30.0
"""Sequences have no stamps: the number of a frame counts these."""


def label_sequence(segmenter: Segmenter, folder: Path, out: Path, form: str) -> int:
    """Label the frames of a folder with memory; write OUT/frame-*.<form>, map.ply, objects.json and map.npz.

    Returns the exit code: 2 where a frame was refused. Raises `RgbdError`, `OptionError`, `MapFileError`.
    """
    if out.exists() and not out.is_dir():
        raise OptionError(f"{out} is a file; with --memory, OUT is a folder")
    T_map_world = map_frame(read_sequence(folder), segmenter.settings.up_axis)
    out.mkdir(parents=True, exist_ok=True)
    memory = SceneMemory(segmenter)
    refused, total = _label_frames(memory, folder, T_map_world, out, form)
    if refused == total:
        raise OptionError(f"{folder}: none of its {total} frames was labelled")
    _write_memory(memory, out)
    _print_summary(memory, out, total - refused, total)
    return 2 if refused else 0


def _label_frames(memory: SceneMemory, folder: Path, T_map_world: np.ndarray, out: Path, form: str) -> tuple[int, int]:
    """Label one frame after the other. Returns how many were refused, and how many there were."""
    refused = total = 0
    with messages().status(f"labelling {folder.name}") as status:
        for frame in read_sequence(folder):
            total += 1
            status.update(f"labelling {frame.name}")
            try:
                _label_frame(memory, frame, T_map_world, out / f"{frame.name}.{form}")
            except (CloudError, PoseError) as error:
                refused += 1
                logger.error("%s: %s", frame.name, error)
    return refused, total


def frame_stamp(name: str) -> float:
    """Seconds of a frame called frame-000123."""
    digits = name.rpartition("-")[2]
    return int(digits) * FRAME_SECONDS if digits.isdecimal() else 0.0


def _label_frame(memory: SceneMemory, frame: RgbdFrame, T_map_world: np.ndarray, path: Path) -> None:
    if frame.T_world_camera is None:
        raise PoseError("it has no pose")
    points, colors = frame.points.reshape(-1, 3), np.ascontiguousarray(frame.colors.reshape(-1, 3))
    found = memory.add(points, colors, T_map_world @ frame.T_world_camera, frame_stamp(frame.name))
    write_cloud(path, Cloud(points, colors), found, memory.classes)


def _write_memory(memory: SceneMemory, out: Path) -> None:
    write_map(out / "map.ply", memory.cloud())
    write_objects(out / "objects.json", memory.objects(), memory.classes)
    memory.save(out / "map.npz")


def _print_summary(memory: SceneMemory, out: Path, labelled: int, total: int) -> None:
    objects = memory.objects()
    console = output()
    console.print(
        f"{labelled} of {total} frames labelled; {len(memory):,} voxels, {len(objects)} objects -> {out}",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("class", "objects", box=None, padding=(0, 2))
    for label, count in sorted(Counter(item.label for item in objects).items()):
        table.add_row(memory.classes.names[label], str(count))
    console.print(table)
