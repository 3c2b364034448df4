"""The rooms that came out best and worst, as pictures: input, labels and instances, of the network and true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.data.rooms import read_room
from jspnet_core.evaluation_file import Evaluation
from jspnet_core.metrics import summarise
from jspnet_core.picture import Row, cloud_picture
from jspnet_core.segmenter import Segmenter


@dataclass(frozen=True)
class RoomPicture:
    """file: name beside the page. which: `best` or `worst`. miou: of this room alone, over its classes."""

    file: str
    room: str
    which: str
    miou: float


def extremes(evaluation: Evaluation, count: int) -> list[tuple[str, str, float]]:
    """The `count` best and the `count` worst rooms by their own mIoU, each once: room, best or worst, mIoU."""
    ranked = sorted(
        ((summarise([room.score], evaluation.names).mean_iou, room.name) for room in evaluation.rooms), reverse=True
    )
    best = ranked[: min(count, (len(ranked) + 1) // 2)]
    worst = ranked[len(best) :][-count:] if count else []
    return [(name, "best", miou) for miou, name in best] + [(name, "worst", miou) for miou, name in reversed(worst)]


def draw_rooms(
    out: Path, run: str, segmenter: Segmenter, paths: Sequence[Path], evaluation: Evaluation, count: int
) -> list[RoomPicture]:
    """Label the best and worst rooms once more and write a PNG of each into `out`."""
    by_name = {path.stem: path for path in paths}
    pictures = []
    for name, which, miou in extremes(evaluation, count):
        room = read_room(by_name[name])
        points, colors = np.array(room.points), np.array(room.colors)
        found = segmenter.segment(points, colors, T_gravity_input=np.eye(4))
        rows = [
            Row("network", found.label, found.instance),
            Row("truth", np.array(room.label), np.array(room.instance) + 1),  # 0 stands for no instance
        ]
        file = f"{run}-{which}-{name}.png"
        title = f"{name}: mIoU {100 * miou:.1f}"
        cloud_picture(out / file, points, colors, rows, segmenter.classes, title)
        pictures.append(RoomPicture(file, name, which, miou))
    return pictures
