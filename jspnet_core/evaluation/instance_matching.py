"""Matching of predicted and true instances of a room, from which all instance scores are computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jspnet_core.classes import NO_INSTANCE


@dataclass(frozen=True)
class Matches:
    """Instances of one room: P predicted, T true, and M pairs of the same class with common points.

    predicted_class: (P,) int64; C, the number of classes, for an instance without labelled points.
    predicted_size, true_size: (P,) and (T,) int64, points. true_class: (T,) int64.
    confidence: (P,) float64, mean over the instance's points; NaN if none was given.
    predicted, true: (M,) int64, indices of a pair's instances. shared: (M,) int64, common points.
    """

    predicted_class: np.ndarray
    predicted_size: np.ndarray
    confidence: np.ndarray
    true_class: np.ndarray
    true_size: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    shared: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each pair: (M,) float64."""
        return self.shared / (self.predicted_size[self.predicted] + self.true_size[self.true] - self.shared)

    def best_of_predicted(self) -> np.ndarray:
        """Return the largest IoU of each predicted instance with a true one of its class: (P,) float64."""
        best = np.zeros(len(self.predicted_size))
        np.maximum.at(best, self.predicted, self.iou)
        return best

    def best_of_true(self) -> np.ndarray:
        """Return the largest IoU of each true instance with a predicted one of its class: (T,) float64."""
        best = np.zeros(len(self.true_size))
        np.maximum.at(best, self.true, self.iou)
        return best

    def to_dict(self) -> dict[str, list]:
        """Return lists for JSON; a missing confidence is None."""
        lists = {key: value.tolist() for key, value in vars(self).items()}
        return {**lists, "confidence": [None if np.isnan(c) else c for c in lists["confidence"]]}

    @classmethod
    def from_dict(cls, lists: dict[str, list]) -> Matches:
        """Read the content of `to_dict`. Raises TypeError or ValueError for other content."""
        confidence = np.array([np.nan if c is None else c for c in lists["confidence"]], np.float64)
        return cls(**{k: confidence if k == "confidence" else np.array(v, np.int64) for k, v in lists.items()})


def match_instances(
    label: np.ndarray,
    instance: np.ndarray,
    true_label: np.ndarray,
    true_instance: np.ndarray,
    class_count: int,
    confidence: np.ndarray | None = None,
) -> Matches:
    """Match the instances of a room.

    label: (N,) predicted class ids; any id >= class_count: none. instance: (N,) predicted ids, 0: none.
    true_label: (N,) class ids below class_count. true_instance: (N,) ids. confidence: (N,) 0 to 1, or None.
    The class of an instance is the most frequent one of its points, the lowest of several (paper, section 4.3).
    """
    of_true, true_class, true_size = _instances(true_instance, true_label, class_count)
    belongs = instance != NO_INSTANCE
    of_predicted, predicted_class, predicted_size = _instances(instance[belongs], label[belongs], class_count)
    total = None if confidence is None else np.bincount(of_predicted, confidence[belongs], len(predicted_size))
    mean = np.full(len(predicted_size), np.nan) if total is None else total / predicted_size
    # Pairs of a predicted and a true instance with common points, and their number.
    pair, shared = np.unique(of_predicted * max(len(true_size), 1) + of_true[belongs], return_counts=True)
    p, t = pair // max(len(true_size), 1), pair % max(len(true_size), 1)
    same = predicted_class[p] == true_class[t]
    return Matches(predicted_class, predicted_size, mean, true_class, true_size, p[same], t[same], shared[same])


def _instances(ids: np.ndarray, label: np.ndarray, class_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instances of a room in ascending order of their ids.

    Returns the position of each point's instance (N,), and of the K instances the class (K,), class_count where no
    point has one, and the size (K,).
    """
    unique, position, size = np.unique(ids, return_inverse=True, return_counts=True)
    labelled = label < class_count
    flat = position[labelled] * (class_count + 1) + label[labelled]
    votes = np.bincount(flat, minlength=len(unique) * (class_count + 1)).reshape(len(unique), class_count + 1)
    votes[:, class_count] = votes.sum(axis=1) == 0
    return position, votes.argmax(axis=1), size
