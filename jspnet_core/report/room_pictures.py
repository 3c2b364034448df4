"""The rooms that came out best and worst, as pictures: input, labels and instances, of the network and true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jspnet_core.data.rooms import read_room
from jspnet_core.evaluation.metrics import summarise
from jspnet_core.evaluation.results import Evaluation
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.report.cloud_pictures import Row, cloud_picture


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
    out: Path,
    run: str,
    segmenter: Segmenter,
    paths: Sequence[Path],
    evaluation: Evaluation,
    count: int,
    relabel: np.ndarray | None = None,
) -> list[RoomPicture]:
    """Label the best and worst rooms once more and write a PNG of each into `out`. relabel: see `evaluate_rooms`."""
    by_name = {path.stem: path for path in paths}
    pictures = []
    for name, which, miou in extremes(evaluation, count):
        room = read_room(by_name[name])
        points, colors = np.array(room.points), np.array(room.colors)
        found = segmenter.segment(points, colors, T_gravity_input=np.eye(4))
        truth = np.unique(room.instance, return_inverse=True)[1] + 1  # 0 stands for no instance
        rows = [
            Row("network", found.label, named_alike(found.instance, truth)),
            Row("truth", np.array(room.label) if relabel is None else relabel[room.label], truth),
        ]
        file = f"{run}-{which}-{name}.png"
        cloud_picture(out / file, points, colors, rows, segmenter.classes)
        pictures.append(RoomPicture(file, name, which, miou))
    return pictures


def named_alike(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Found instances with the ids, and so the colours, of the true ones that they share most points with.

    found, truth: (N,) ids, 0 for none. A true id is given once, to the largest overlap; instances that get none have
    ids of their own. Returns (N,) int64.
    """
    both = (found > 0) & (truth > 0)
    pairs, shared = np.unique(np.stack([found[both], truth[both]]), axis=1, return_counts=True)
    names: dict[int, int] = {0: 0}
    taken = set()
    for own, true in pairs[:, np.argsort(-shared, kind="stable")].T.tolist():
        if own not in names and true not in taken:
            names[own] = true
            taken.add(true)
    ids, inverse = np.unique(found, return_inverse=True)
    spare = int(truth.max(initial=0)) + 1
    new = [names.get(own, spare + place) for place, own in enumerate(ids.tolist())]
    return np.array(new, np.int64)[inverse]
