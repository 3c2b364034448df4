"""Scores of labelled rooms, by the formulas of the paper's section 4.3 (equations 18 to 20) and its reference code.

A room is counted by `score_room`; counts of rooms are added up by `summarise`, which is where rooms of several
areas, or of the six folds, are pooled. What differs from the reference is in docs/evaluation.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import NO_INSTANCE, UNLABELLED

MATCH_IOU = 0.5
"""Intersection over union from which a predicted instance counts as found."""

_SUMMED = ("correct", "true_points", "predicted_points", "found", "predicted", "true")


@dataclass(frozen=True)
class RoomScore:
    """Counts of one room, each (C,) by class.

    correct, true_points, predicted_points: points, int64.
    found: predicted instances that match a true one, predicted, true: instances, int64.
    coverage, weighted_coverage: float64, NaN where the room has no true instance of the class.
    """

    correct: np.ndarray
    true_points: np.ndarray
    predicted_points: np.ndarray
    found: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    coverage: np.ndarray
    weighted_coverage: np.ndarray


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class, 0 to 1; None where the class gives no such score.

    precision is 0 for a class with true instances and without predicted ones.
    """

    name: str
    accuracy: float | None
    iou: float | None
    coverage: float | None
    weighted_coverage: float | None
    precision: float | None
    recall: float | None
    true_points: int
    true_instances: int
    predicted_instances: int


@dataclass(frozen=True)
class Score:
    """Scores of a set of rooms, 0 to 1; means are over the classes that have the score.

    never_predicted: classes with true instances and no predicted one: their precision counts as 0.
    absent: classes neither in the truth nor predicted: they count nowhere.
    """

    rooms: int
    overall_accuracy: float
    mean_accuracy: float
    mean_iou: float
    mean_coverage: float
    mean_weighted_coverage: float
    mean_precision: float
    mean_recall: float
    classes: list[ClassScore]
    never_predicted: list[str]
    absent: list[str]

    def to_dict(self) -> dict:
        """For JSON: the means by the paper's names, then everything by class; None where there is no score."""
        means = {
            "oAcc": self.overall_accuracy, "mAcc": self.mean_accuracy, "mIoU": self.mean_iou,
            "mCov": self.mean_coverage, "mWCov": self.mean_weighted_coverage,
            "mPre": self.mean_precision, "mRec": self.mean_recall,
        }  # fmt: skip
        return {
            "rooms": self.rooms, **means, "never_predicted": self.never_predicted, "absent": self.absent,
            "classes": {c.name: {k: v for k, v in vars(c).items() if k != "name"} for c in self.classes},
        }  # fmt: skip


def score_room(
    label: np.ndarray, instance: np.ndarray, true_label: np.ndarray, true_instance: np.ndarray, class_count: int
) -> RoomScore:
    """Count one room.

    label: (N,) predicted class ids; 255 or any id >= class_count: none. instance: (N,) predicted ids, 0: none.
    true_label: (N,) true class ids; points with 255 are left out of everything. true_instance: (N,) ids >= 0.
    Raises ValueError for arrays of different lengths and for true classes beyond class_count.
    """
    lengths = [len(ids) for ids in (label, instance, true_label, true_instance)]
    if len(set(lengths)) > 1:
        raise ValueError(f"label, instance, true_label and true_instance differ in length: {lengths}")
    known = np.asarray(true_label) != UNLABELLED
    label, instance = np.asarray(label)[known], np.asarray(instance)[known]
    true_label, true_instance = np.asarray(true_label)[known], np.asarray(true_instance)[known]
    if len(true_label) and true_label.max() >= class_count:
        raise ValueError(f"true_label holds class {true_label.max()}; there are {class_count}, and 255 for unknown")
    points = (
        np.bincount(true_label[label == true_label], minlength=class_count),
        np.bincount(true_label, minlength=class_count),
        np.bincount(label[label < class_count], minlength=class_count),
    )
    return RoomScore(*points, *_score_instances(label, instance, true_label, true_instance, class_count))


def summarise(rooms: Sequence[RoomScore], names: Sequence[str]) -> Score:
    """Pool rooms: sums for points, precision and recall; coverage is averaged over the rooms that have the class.

    names: C class names. Raises ValueError where there are no rooms.
    """
    if not rooms:
        raise ValueError("no rooms to score")
    total = {field: np.sum([getattr(room, field) for room in rooms], axis=0) for field in _SUMMED}
    never = (total["predicted"] == 0) & (total["true"] > 0)
    columns = {
        "accuracy": _ratio(total["correct"], total["true_points"]),
        "iou": _ratio(total["correct"], total["true_points"] + total["predicted_points"] - total["correct"]),
        "coverage": _mean_of_rooms([room.coverage for room in rooms]),
        "weighted_coverage": _mean_of_rooms([room.weighted_coverage for room in rooms]),
        "precision": np.where(never, 0.0, _ratio(total["found"], total["predicted"])),
        "recall": _ratio(total["found"], total["true"]),
    }
    mean = {key: float(np.nanmean(column)) if np.isfinite(column).any() else 0.0 for key, column in columns.items()}
    absent = (total["true_points"] == 0) & (total["predicted_points"] == 0) & (total["predicted"] == 0)
    return Score(
        rooms=len(rooms),
        overall_accuracy=float(total["correct"].sum() / max(total["true_points"].sum(), 1)),
        mean_accuracy=mean["accuracy"],
        mean_iou=mean["iou"],
        mean_coverage=mean["coverage"],
        mean_weighted_coverage=mean["weighted_coverage"],
        mean_precision=mean["precision"],
        mean_recall=mean["recall"],
        classes=[_class_score(name, i, columns, total) for i, name in enumerate(names)],
        never_predicted=[name for i, name in enumerate(names) if never[i]],
        absent=[name for i, name in enumerate(names) if absent[i]],
    )


def _class_score(name: str, i: int, columns: dict[str, np.ndarray], total: dict[str, np.ndarray]) -> ClassScore:
    score = {key: None if np.isnan(column[i]) else float(column[i]) for key, column in columns.items()}
    return ClassScore(
        name=name,
        **score,
        true_points=int(total["true_points"][i]),
        true_instances=int(total["true"][i]),
        predicted_instances=int(total["predicted"][i]),
    )


def _score_instances(
    label: np.ndarray, instance: np.ndarray, true_label: np.ndarray, true_instance: np.ndarray, class_count: int
) -> tuple[np.ndarray, ...]:
    """found, predicted, true, coverage, weighted_coverage of `RoomScore`."""
    of_true, true_class, true_size = _instances(true_instance, true_label, class_count)
    belongs = instance != NO_INSTANCE
    of_predicted, predicted_class, predicted_size = _instances(instance[belongs], label[belongs], class_count)
    # Every pair of a predicted and a true instance that share points, and how many they share.
    pair, shared = np.unique(of_predicted * max(len(true_size), 1) + of_true[belongs], return_counts=True)
    p, t = pair // max(len(true_size), 1), pair % max(len(true_size), 1)
    same = predicted_class[p] == true_class[t]
    p, t, shared = p[same], t[same], shared[same]
    iou = shared / (predicted_size[p] + true_size[t] - shared)
    best_of_predicted, best_of_true = np.zeros(len(predicted_size)), np.zeros(len(true_size))
    np.maximum.at(best_of_predicted, p, iou)
    np.maximum.at(best_of_true, t, iou)

    has_class = predicted_class < class_count
    predicted = np.bincount(predicted_class[has_class], minlength=class_count)
    found = np.bincount(predicted_class[has_class & (best_of_predicted >= MATCH_IOU)], minlength=class_count)
    true = np.bincount(true_class, minlength=class_count)
    coverage = _ratio(np.bincount(true_class, best_of_true, class_count), true)
    size = np.bincount(true_class, true_size, class_count)
    weighted = _ratio(np.bincount(true_class, best_of_true * true_size, class_count), size)
    return found, predicted, true, coverage, weighted


def _instances(ids: np.ndarray, label: np.ndarray, class_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instances of a room in ascending order of their ids.

    Returns the position of each point's instance (N,), and of the K instances the class (K,), which is the most
    frequent label of their points (the lowest of several; class_count where no point has one), and the size (K,).
    """
    unique, position, size = np.unique(ids, return_inverse=True, return_counts=True)
    votes = np.zeros((len(unique), class_count + 1), np.int64)
    labelled = label < class_count
    np.add.at(votes, (position[labelled], label[labelled]), 1)
    votes[:, class_count] = votes.sum(axis=1) == 0
    return position, votes.argmax(axis=1), size


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Quotient by class, NaN where there is nothing to divide by."""
    return np.where(denominator > 0, numerator / np.maximum(denominator, 1e-12), np.nan)


def _mean_of_rooms(values: list[np.ndarray]) -> np.ndarray:
    """Mean over the rooms that have the class: (C,), NaN where none has."""
    return _ratio(np.nansum(values, axis=0), np.isfinite(values).sum(axis=0))
