"""Average precision of instances, as in ScanNet's benchmark (evaluate_semantic_instance.py).

A prediction matches a true instance of its class in its room if their IoU is above the threshold. Of several matches
of one instance the one with the highest confidence is a true positive; the others, and predictions without a match, are
false positives. The precision-recall curve is integrated by trapezoids. Unlike in the benchmark there is no minimum
size of an instance; unlabelled points are removed before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jspnet_core.evaluation.instance_matching import Matches

AP_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Thresholds over which AP is averaged. The benchmark's page lists them; its script stops at 0.9."""


def average_precision(rooms: Sequence[Matches], class_count: int, threshold: float) -> np.ndarray:
    """Compute AP by class, 0 to 1: (class_count,) float64, NaN for classes without a true instance in any room.

    A class without predictions has 0. Raises ValueError if predictions have no confidence.
    """
    if any(np.isnan(room.confidence).any() for room in rooms):
        raise ValueError("average precision needs a confidence of every prediction; some have none")
    return np.array([_of_class(rooms, c, threshold) for c in range(class_count)])


def _of_class(rooms: Sequence[Matches], c: int, threshold: float) -> float:
    true = sum(int((room.true_class == c).sum()) for room in rooms)
    if true == 0:
        return float("nan")
    outcomes = [_outcomes(room, c, threshold) for room in rooms]
    hit, confidence = (np.concatenate(column) for column in zip(*outcomes, strict=True))
    if len(hit) == 0:
        return 0.0
    return _area(hit, confidence, missed=true - int(hit.sum()))


def _outcomes(room: Matches, c: int, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each prediction of class c in a room, unordered, whether it is a hit, and its confidence."""
    candidates = (room.predicted_class[room.predicted] == c) & (room.iou > threshold)
    best: dict[int, float] = {}  # confidence of the true positive of each true instance
    false: list[float] = []
    taken: set[int] = set()
    order = np.lexsort((room.predicted[candidates], room.true[candidates]))
    for p, t in zip(room.predicted[candidates][order].tolist(), room.true[candidates][order].tolist(), strict=True):
        if p in taken:  # below 0.5 a prediction may match several true instances: it counts for one
            continue
        confidence = float(room.confidence[p])
        if t in best:
            false.append(min(best[t], confidence))
            best[t] = max(best[t], confidence)
        else:
            best[t] = confidence
            taken.add(p)
    alone = np.setdiff1d(np.flatnonzero(room.predicted_class == c), room.predicted[candidates])
    false.extend(room.confidence[alone].tolist())
    hit = np.repeat([True, False], [len(best), len(false)])
    return hit, np.array([*best.values(), *false], np.float64)


def _area(hit: np.ndarray, confidence: np.ndarray, missed: int) -> float:
    """Integrate the precision-recall curve. missed: true instances without a hit at any confidence."""
    order = np.argsort(confidence, kind="stable")
    before = np.concatenate([[0], np.cumsum(hit[order])])  # hits among predictions of lower confidence
    first = np.unique(confidence[order], return_index=True)[1]
    hits = before[-1] - before[first]
    precision = np.append(hits / (len(hit) - first), 1.0)
    recall = np.append(hits / max(before[-1] + missed, 1), 0.0)
    padded = np.concatenate([recall[:1], recall, [0.0]])
    return float(np.dot(precision, 0.5 * (padded[:-2] - padded[2:])))
