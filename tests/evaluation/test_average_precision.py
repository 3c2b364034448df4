"""Average precision: computed manually, by an independent count, and in edge cases."""

from __future__ import annotations

import numpy as np
import pytest

from jspnet_core.evaluation.average_precision import average_precision
from jspnet_core.evaluation.metrics import score_room, summarise

CHAIR, TABLE = 0, 1


def chairs(confidences: list[float], shared: list[int]) -> tuple:
    """Chairs of ten points each. Prediction k holds shared[k] points of chair k, and its confidence at each point."""
    true = np.repeat(np.arange(len(shared)), 10)
    place = np.tile(np.arange(10), len(shared))
    kept = place < np.array(shared)[true]
    confidence = np.where(kept, np.array(confidences)[true], 0.0)
    return np.zeros(len(true), int), np.where(kept, true + 1, 0), np.zeros(len(true), int), true, 2, confidence


def test_three_chairs_by_hand() -> None:
    # IoU 1, 0.6, 0.3 with confidence 0.5, 0.9, 0.7.
    room = score_room(*chairs([0.5, 0.9, 0.7], [10, 6, 3])).matches
    # At 0.5, sure ones first: hit, miss, hit. Precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3; with the point (0, 1)
    # at the end, each recall weighs half of what lies between its neighbours.
    by_hand = 2 / 3 * 0.5 * (2 / 3 - 1 / 3) + 1 / 2 * 0.5 * (2 / 3 - 1 / 3) + 1 * 0.5 * (1 / 3 - 0) + 1 * 0.5 * 1 / 3
    assert average_precision([room], 2, 0.5)[CHAIR] == pytest.approx(by_hand)
    assert average_precision([room], 2, 0.25)[CHAIR] == pytest.approx(1.0)
    # At 0.6 an IoU of 0.6 is not above the threshold: only the least sure is a hit.
    assert average_precision([room], 2, 0.6)[CHAIR] == pytest.approx(1 / 3 * 0.5 * 1 / 3)
    assert np.isnan(average_precision([room], 2, 0.5)[TABLE])


def test_two_predictions_of_one_object_are_a_hit_and_a_false_one() -> None:
    # One chair of ten points, cut into pieces of 4 and 3: both above 0.25. The surer one is the hit.
    instance = np.repeat([1, 2, 0], [4, 3, 3])
    zero = np.zeros(10, int)
    surer_hit = score_room(zero, instance, zero, zero, 2, np.where(instance == 1, 0.9, 0.4)).matches
    # Precision 1/2, 1 at recall 1, 1: the false one costs nothing once everything is found.
    assert average_precision([surer_hit], 2, 0.25)[CHAIR] == pytest.approx(1 / 2 * 0.0 + 1 * 0.5 + 1 * 0.5)
    # With equal confidence the two cannot be told apart: precision 1/2 at recall 1, then 1 at recall 0.
    alike = score_room(zero, instance, zero, zero, 2, np.full(10, 0.5)).matches
    assert average_precision([alike], 2, 0.25)[CHAIR] == pytest.approx(0.5 * 1 / 2 + 0.5 * 1)


def test_perfect_missing_and_wrong_predictions() -> None:
    perfect = score_room(*chairs([0.2, 0.9], [10, 10]))
    score = summarise([perfect], ["chair", "table"])
    assert (score.means["AP"], score.means["AP50"], score.means["AP25"]) == pytest.approx((1.0, 1.0, 1.0))
    nothing = score_room(*chairs([0.2, 0.9], [0, 0]))
    assert summarise([nothing], ["chair", "table"]).means["AP50"] == 0.0
    wrong = score_room(np.full(10, TABLE), np.ones(10, int), np.zeros(10, int), np.zeros(10, int), 2, np.ones(10))
    assert average_precision([wrong.matches], 2, 0.5)[CHAIR] == 0.0  # a table is no chair, whatever their overlap


def test_without_confidence_there_is_no_average_precision() -> None:
    label, instance, true_label, true_instance, classes, _ = chairs([0.5], [10])
    room = score_room(label, instance, true_label, true_instance, classes)
    assert summarise([room], ["chair", "table"]).means["AP50"] is None
    with pytest.raises(ValueError, match="confidence"):
        average_precision([room.matches], classes, 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_random_rooms_at_one_half_as_a_ranked_list_says(seed: int) -> None:
    """From 0.5 on a pair is unique, and AP is the trapezoid sum over a list of hits sorted by confidence."""
    rng = np.random.default_rng(seed)
    rooms, ranked, true = [], [], 0
    for _ in range(4):
        shared, confidences = rng.integers(0, 11, 6), rng.permutation(60)[:6] / 60 + rng.random() / 100
        rooms.append(score_room(*chairs(confidences.tolist(), shared.tolist())).matches)
        true += 6
        ranked += [(c, s > 5) for c, s in zip(confidences, shared, strict=True) if s > 0]
    ranked.sort(reverse=True)
    recall, precision = [0.0], [1.0]
    for k in range(1, len(ranked) + 1):
        hits = sum(hit for _, hit in ranked[:k])
        recall.append(hits / true)
        precision.append(hits / k)
    # Every point of the curve weighs half of the recall between its neighbours.
    padded = [0.0, *recall, recall[-1]]
    steps = [0.5 * (padded[k + 2] - padded[k]) for k in range(len(recall))]
    expected = sum(p * s for p, s in zip(precision, steps, strict=True))
    assert average_precision(rooms, 2, 0.5)[CHAIR] == pytest.approx(expected)
