"""Metrics of labelled rooms (paper, section 4.3, equations 18 to 20, and its reference code).

`score_room` counts one room; `summarise` adds up the counts of rooms, which also pools areas or the six folds.
docs/evaluation.md lists the differences from the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import UNLABELLED
from jspnet_core.evaluation.average_precision import AP_THRESHOLDS, average_precision
from jspnet_core.evaluation.instance_matching import Matches, match_instances

MATCH_IOU = 0.5
"""Smallest intersection over union of a correct instance."""

MEAN_NAMES = {
    "accuracy": "mAcc",
    "iou": "mIoU",
    "coverage": "mCov",
    "weighted_coverage": "mWCov",
    "precision": "mPre",
    "recall": "mRec",
    "ap": "AP",
    "ap50": "AP50",
    "ap25": "AP25",
}
"""Names of the means over classes in papers, by the score of a class."""


@dataclass(frozen=True)
class RoomScore:
    """Counts of one room.

    confusion: (C, C + 1) int64, points by true class and predicted class; the last column: unlabelled.
    matches: predicted and true instances.
    The properties are (C,) by class: instances (`found`, those that match a true one; `predicted`; `true`), int64, and
    `coverage` and `weighted_coverage`, float64, NaN for a class without a true instance in the room.
    """

    confusion: np.ndarray
    matches: Matches

    @property
    def found(self) -> np.ndarray:
        return self._by_class(self.matches.predicted_class[self.matches.best_of_predicted() >= MATCH_IOU])

    @property
    def predicted(self) -> np.ndarray:
        return self._by_class(self.matches.predicted_class)

    @property
    def true(self) -> np.ndarray:
        return self._by_class(self.matches.true_class)

    @property
    def coverage(self) -> np.ndarray:
        """Equation 18."""
        m = self.matches
        return _ratio(np.bincount(m.true_class, m.best_of_true(), len(self.confusion)), self.true)

    @property
    def weighted_coverage(self) -> np.ndarray:
        """Equations 19 and 20."""
        m, classes = self.matches, len(self.confusion)
        covered = np.bincount(m.true_class, m.best_of_true() * m.true_size, classes)
        return _ratio(covered, np.bincount(m.true_class, m.true_size, classes))

    def _by_class(self, instances: np.ndarray) -> np.ndarray:
        return np.bincount(instances, minlength=len(self.confusion) + 1)[: len(self.confusion)]

    def to_dict(self) -> dict:
        """Return the content for JSON, with all counts that pooling needs."""
        return {"confusion": self.confusion.tolist(), "instances": self.matches.to_dict()}

    @classmethod
    def from_dict(cls, content: dict) -> RoomScore:
        """Read the content of `to_dict`. Raises KeyError, TypeError or ValueError for other content."""
        return cls(np.array(content["confusion"], np.int64), Matches.from_dict(content["instances"]))


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class, 0 to 1; None for a score that is undefined for the class.

    precision is 0 for a class with true instances and without predicted ones. ap, ap50, ap25: average precision, over
    thresholds from 0.5 to 0.95, at 0.5 and at 0.25; None also if predictions have no confidence.
    """

    name: str
    accuracy: float | None
    iou: float | None
    coverage: float | None
    weighted_coverage: float | None
    precision: float | None
    recall: float | None
    ap: float | None
    ap50: float | None
    ap25: float | None
    true_points: int
    true_instances: int
    predicted_instances: int


@dataclass(frozen=True)
class Score:
    """Scores of a set of rooms, 0 to 1.

    means: by the paper's names, over the classes with the score; None if no class has it. things, stuff: the same means
    over the thing classes and over the others. confusion: (C, C + 1) as in `RoomScore`.
    never_predicted: classes with true instances and no predicted one: their precision counts as 0.
    absent: classes neither in the truth nor predicted; in no mean.
    """

    rooms: int
    overall_accuracy: float
    means: dict[str, float | None]
    things: dict[str, float | None]
    stuff: dict[str, float | None]
    classes: list[ClassScore]
    confusion: np.ndarray
    never_predicted: list[str]
    absent: list[str]

    @property
    def mean_iou(self) -> float:
        return _or_nan(self.means["mIoU"])

    @property
    def mean_precision(self) -> float:
        return _or_nan(self.means["mPre"])

    @property
    def mean_recall(self) -> float:
        return _or_nan(self.means["mRec"])

    def figures(self) -> dict[str, float | None]:
        """Return oAcc and the means, by the paper's names."""
        return {"oAcc": self.overall_accuracy, **self.means}

    def to_dict(self) -> dict:
        """Return the content for JSON: means by the paper's names, then scores by class; None for undefined scores."""
        return {
            "rooms": self.rooms,
            **self.figures(),
            "things": self.things,
            "stuff": self.stuff,
            "never_predicted": self.never_predicted,
            "absent": self.absent,
            "classes": {c.name: {k: v for k, v in vars(c).items() if k != "name"} for c in self.classes},
            "confusion": self.confusion.tolist(),
        }


def score_room(
    label: np.ndarray,
    instance: np.ndarray,
    true_label: np.ndarray,
    true_instance: np.ndarray,
    class_count: int,
    confidence: np.ndarray | None = None,
) -> RoomScore:
    """Count one room.

    label: (N,) predicted class ids; 255 or any id >= class_count: none. instance: (N,) predicted ids, 0: none.
    true_label: (N,) true class ids; unlabelled points (255) are ignored. true_instance: (N,) ids >= 0.
    confidence: (N,) probability of the label, for average precision; None: not computed.
    Raises ValueError for arrays of different lengths and for true classes beyond class_count.
    """
    arrays = [label, instance, true_label, true_instance, *([] if confidence is None else [confidence])]
    lengths = [len(ids) for ids in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(f"label, instance, true_label and true_instance differ in length: {lengths}")
    known = np.asarray(true_label) != UNLABELLED
    label, instance, true_label, true_instance, *rest = (np.asarray(array)[known] for array in arrays)
    if len(true_label) and true_label.max() >= class_count:
        raise ValueError(
            f"true_label contains class {true_label.max()}, accepted are 0 to {class_count - 1}, and 255 for unlabelled"
        )
    pair = true_label.astype(np.int64) * (class_count + 1) + np.minimum(label, class_count)
    confusion = np.bincount(pair, minlength=class_count * (class_count + 1)).reshape(class_count, class_count + 1)
    return RoomScore(
        confusion, match_instances(label, instance, true_label, true_instance, class_count, rest[0] if rest else None)
    )


def summarise(rooms: Sequence[RoomScore], names: Sequence[str], things: Sequence[str] = ()) -> Score:
    """Pool rooms: points, precision and recall are summed, coverage is averaged over the rooms with the class.

    names: C class names. things: names of the thing classes. Raises ValueError without rooms.
    """
    if not rooms:
        raise ValueError("no rooms to score")
    confusion = np.sum([room.confusion for room in rooms], axis=0)
    correct, true_points, predicted_points = _points(confusion)
    found, predicted, true = (np.sum([getattr(r, k) for r in rooms], axis=0) for k in ("found", "predicted", "true"))
    never = (predicted == 0) & (true > 0)
    columns = {
        "accuracy": _ratio(correct, true_points),
        "iou": _ratio(correct, true_points + predicted_points - correct),
        "coverage": _mean_of_rooms([room.coverage for room in rooms]),
        "weighted_coverage": _mean_of_rooms([room.weighted_coverage for room in rooms]),
        "precision": np.where(never, 0.0, _ratio(found, predicted)),
        "recall": _ratio(found, true),
        **_average_precisions([room.matches for room in rooms], len(names)),
    }
    absent = (true_points == 0) & (predicted_points == 0) & (predicted == 0)
    is_thing = np.isin(names, things)
    counts = {"true_points": true_points, "true_instances": true, "predicted_instances": predicted}
    return Score(
        rooms=len(rooms),
        overall_accuracy=float(correct.sum() / max(true_points.sum(), 1)),
        means=_means(columns, np.ones(len(names), bool)),
        things=_means(columns, is_thing),
        stuff=_means(columns, ~is_thing),
        classes=[_class_score(name, i, columns, counts) for i, name in enumerate(names)],
        confusion=confusion,
        never_predicted=[name for i, name in enumerate(names) if never[i]],
        absent=[name for i, name in enumerate(names) if absent[i]],
    )


def _points(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return correct, true and predicted points by class, (C,) each, of a (C, C + 1) confusion."""
    predicted = confusion[:, :-1]
    return np.diag(predicted), confusion.sum(axis=1), predicted.sum(axis=0)


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _average_precisions(matches: Sequence[Matches], classes: int) -> dict[str, np.ndarray]:
    if any(np.isnan(room.confidence).any() for room in matches):
        return {key: np.full(classes, np.nan) for key in ("ap", "ap50", "ap25")}
    at = {threshold: average_precision(matches, classes, threshold) for threshold in (0.25, *AP_THRESHOLDS)}
    return {"ap": np.mean([at[t] for t in AP_THRESHOLDS], axis=0), "ap50": at[0.5], "ap25": at[0.25]}


def _means(columns: dict[str, np.ndarray], chosen: np.ndarray) -> dict[str, float | None]:
    """Average each column over the chosen classes with a defined score."""
    means: dict[str, float | None] = {}
    for key, column in columns.items():
        values = column[chosen & np.isfinite(column)]
        means[MEAN_NAMES[key]] = float(values.mean()) if len(values) else None
    return means


def _class_score(name: str, i: int, columns: dict[str, np.ndarray], counts: dict[str, np.ndarray]) -> ClassScore:
    score = {key: None if np.isnan(column[i]) else float(column[i]) for key, column in columns.items()}
    numbers = {key: int(count[i]) for key, count in counts.items()}
    return ClassScore(name, **score, **numbers)  # type: ignore[arg-type]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide by class; NaN for a denominator of 0."""
    return np.where(denominator > 0, numerator / np.maximum(denominator, 1e-12), np.nan)


def _mean_of_rooms(values: list[np.ndarray]) -> np.ndarray:
    """Average over the rooms with the class: (C,), NaN without any."""
    return _ratio(np.nansum(values, axis=0), np.isfinite(values).sum(axis=0))
