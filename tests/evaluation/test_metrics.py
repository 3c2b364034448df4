"""Scores: small rooms scored manually, and random ones against a slow reference."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jspnet_core.evaluation.metrics import RoomScore, Score, score_room, summarise

NAMES = ["floor", "chair", "table", "lamp"]
FLOOR, CHAIR, TABLE = 0, 1, 2
NONE = 255


def room(label: list[int], instance: list[int], true_label: list[int], true_instance: list[int]) -> RoomScore:
    return score_room(*(np.array(a, np.int32) for a in (label, instance, true_label, true_instance)), len(NAMES))


def by_name(score: Score) -> dict:
    return {c.name: c for c in score.classes}


# Ten points: a floor of four, a chair of four, a table of two. Predicted: a floor of the floor's first three points,
# a chair of the fourth floor point and three chair points, a table of the last chair point and one table point; the
# last point carries nothing.
TEN = {
    "true_label": [FLOOR] * 4 + [CHAIR] * 4 + [TABLE] * 2,
    "true_instance": [0] * 4 + [5] * 4 + [9] * 2,
    "label": [FLOOR] * 3 + [CHAIR] * 4 + [TABLE] * 2 + [NONE],
    "instance": [1] * 3 + [2] * 4 + [3] * 2 + [0],
}


def test_a_room_scored_by_hand() -> None:
    score = summarise([room(**TEN)], NAMES)
    # correct: floor 3 of 4, chair 3 of 4, table 1 of 2
    assert score.overall_accuracy == pytest.approx(0.7)
    assert score.means["mAcc"] == pytest.approx((3 / 4 + 3 / 4 + 1 / 2) / 3)
    assert score.mean_iou == pytest.approx((3 / 4 + 3 / 5 + 1 / 3) / 3)
    # instances: IoU floor 3/4, chair 3/5, table 1/3, the last below one half
    assert score.means["mCov"] == pytest.approx((3 / 4 + 3 / 5 + 1 / 3) / 3)
    assert score.mean_precision == pytest.approx(2 / 3)
    assert score.mean_recall == pytest.approx(2 / 3)
    assert score.absent == ["lamp"]
    assert score.never_predicted == []
    assert by_name(score)["lamp"].iou is None


def test_coverage_is_averaged_in_a_room_and_then_over_rooms() -> None:
    # Room one: chairs of 6 and 2 points, the larger predicted whole, the smaller missed. Cov 1/2, WCov 6/8.
    one = room([CHAIR] * 8, [1] * 6 + [0] * 2, [CHAIR] * 8, [0] * 6 + [1] * 2)
    # Room two: one chair of 4 points, half of it predicted. Cov = WCov = 1/2.
    two = room([CHAIR] * 4, [7, 7, 0, 0], [CHAIR] * 4, [3] * 4)
    # Room three has no chair and does not count.
    three = room([FLOOR] * 3, [1] * 3, [FLOOR] * 3, [0] * 3)
    chair = by_name(summarise([one, two, three], NAMES))["chair"]
    assert chair.coverage == pytest.approx((1 / 2 + 1 / 2) / 2)
    assert chair.weighted_coverage == pytest.approx((6 / 8 + 1 / 2) / 2)
    # Precision and recall are summed over rooms: both predictions are found (IoU 1 and exactly 1/2), 3 true chairs.
    assert chair.precision == pytest.approx(1.0)
    assert chair.recall == pytest.approx(2 / 3)


def test_an_instance_takes_the_class_of_most_of_its_points() -> None:
    # One predicted instance over a true chair; 3 of its 5 points are labelled table, so it is a table: no match.
    score = summarise([room([TABLE] * 3 + [CHAIR] * 2, [4] * 5, [CHAIR] * 5, [0] * 5)], NAMES)
    assert by_name(score)["chair"].recall == 0
    assert by_name(score)["chair"].coverage == 0
    assert by_name(score)["table"].precision == 0
    assert by_name(score)["table"].recall is None


def test_a_class_that_is_never_predicted_has_precision_0_and_is_listed() -> None:
    score = summarise([room([FLOOR] * 4, [1] * 4, [FLOOR] * 2 + [CHAIR] * 2, [0, 0, 1, 1])], NAMES)
    assert score.never_predicted == ["chair"]
    assert by_name(score)["chair"].precision == 0
    assert score.mean_precision == pytest.approx((1.0 + 0.0) / 2)  # the floor is found: IoU 2/4
    assert score.absent == ["table", "lamp"]


def test_points_of_unknown_truth_count_nowhere() -> None:
    known = room(**TEN)
    more = {
        "true_label": [*TEN["true_label"], NONE, NONE],
        "true_instance": [*TEN["true_instance"], 0, 77],
        "label": [*TEN["label"], CHAIR, FLOOR],
        "instance": [*TEN["instance"], 2, 50],
    }
    assert room(**more).to_dict() == known.to_dict()


def toy_room(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """A room of a few dozen points whose prediction is a disturbed truth."""
    n = int(rng.integers(20, 120))
    true_instance = rng.integers(0, 8, n)
    true_label = rng.integers(0, 4, 8)[true_instance]
    disturbed = rng.random(n) < 0.3
    label = np.where(disturbed, rng.choice([0, 1, 2, 3, NONE], n), true_label)
    instance = np.where(rng.random(n) < 0.3, rng.integers(0, 5, n), true_instance + 3)
    return label, instance, true_label, true_instance


def slow_score(rooms: list[tuple[np.ndarray, ...]], c: int) -> dict[str, float | None]:
    """Compute the scores of one class from the definitions, by sets and loops."""
    correct = truth = guess = found = predicted = true = 0
    coverages, weighted = [], []
    for label, instance, true_label, true_instance in rooms:
        points = range(len(label))
        correct += sum(label[i] == c == true_label[i] for i in points)
        truth += sum(true_label[i] == c for i in points)
        guess += sum(label[i] == c for i in points)

        def groups(ids: np.ndarray, labels: np.ndarray, skip: int | None) -> list[set[int]]:
            sets = {k: {i for i in range(len(ids)) if ids[i] == k} for k in set(ids.tolist()) - {skip}}
            mode = {}
            for k, members in sets.items():
                votes = [int(labels[i]) for i in members if labels[i] != NONE]
                mode[k] = min(set(votes), key=lambda v: (-votes.count(v), v)) if votes else None
            return [members for k, members in sets.items() if mode[k] == c]

        of_truth, of_guess = groups(true_instance, true_label, None), groups(instance, label, 0)
        iou = [[len(p & t) / len(p | t) for t in of_truth] for p in of_guess]
        found += sum(max(row, default=0) >= 0.5 for row in iou)
        predicted += len(of_guess)
        true += len(of_truth)
        best = [max((row[j] for row in iou), default=0.0) for j in range(len(of_truth))]
        if of_truth:
            sizes = [len(t) for t in of_truth]
            coverages.append(sum(best) / len(best))
            weighted.append(sum(b * s for b, s in zip(best, sizes, strict=True)) / sum(sizes))
    union = truth + guess - correct
    return {
        "accuracy": correct / truth if truth else None,
        "iou": correct / union if union else None,
        "precision": found / predicted if predicted else (0.0 if true else None),
        "recall": found / true if true else None,
        "coverage": sum(coverages) / len(coverages) if coverages else None,
        "weighted_coverage": sum(weighted) / len(weighted) if weighted else None,
    }


@pytest.mark.parametrize("seed", range(12))
def test_random_rooms_score_as_a_slow_count_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rooms = [toy_room(rng) for _ in range(4)]
    score = summarise([score_room(*arrays, len(NAMES)) for arrays in rooms], NAMES)
    for c, scored in enumerate(score.classes):
        expected = slow_score(rooms, c)
        assert {key: getattr(scored, key) for key in expected} == pytest.approx(expected)
    for key, mean in (("iou", score.mean_iou), ("coverage", score.means["mCov"]), ("recall", score.mean_recall)):
        values = [getattr(c, key) for c in score.classes if getattr(c, key) is not None]
        assert mean == pytest.approx(sum(values) / len(values))


def test_a_perfect_prediction_scores_1_everywhere() -> None:
    rng = np.random.default_rng(0)
    rooms = []
    for _ in range(3):
        _, _, label, instance = toy_room(rng)
        rooms.append(score_room(label, instance + 1, label, instance, len(NAMES)))
    score = summarise(rooms, NAMES).to_dict()
    assert [score[key] for key in ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec")] == pytest.approx([1.0] * 7)


def test_a_constant_prediction_scores_what_it_must() -> None:
    true_label = np.repeat([FLOOR, CHAIR, TABLE], [6, 3, 1])
    score = summarise([score_room(np.zeros(10, int), np.ones(10, int), true_label, true_label, 4)], NAMES)
    assert score.overall_accuracy == pytest.approx(0.6)
    assert score.means["mAcc"] == pytest.approx(1 / 3)
    assert score.mean_iou == pytest.approx(0.6 / 3)
    assert score.means["mCov"] == pytest.approx(0.6 / 3)
    assert score.mean_precision == pytest.approx(1 / 3)
    assert score.never_predicted == ["chair", "table"]


def test_no_prediction_at_all_scores_0() -> None:
    nothing = score_room(np.full(5, NONE), np.zeros(5, int), np.zeros(5, int), np.zeros(5, int), 4)
    score = summarise([nothing], NAMES).to_dict()
    assert [score[key] for key in ("oAcc", "mAcc", "mIoU", "mCov", "mWCov", "mPre", "mRec")] == [0.0] * 7


def test_things_and_stuff_have_means_of_their_own() -> None:
    score = summarise([room(**TEN)], NAMES, things=["chair", "table"])
    assert score.things["mIoU"] == pytest.approx((3 / 5 + 1 / 3) / 2)
    assert score.stuff["mIoU"] == pytest.approx(3 / 4)  # the lamp is absent
    assert score.things["mRec"] == pytest.approx(1 / 2)
    assert summarise([room(**TEN)], NAMES, things=["lamp"]).things["mIoU"] is None


def test_the_confusion_counts_true_by_predicted_points() -> None:
    confusion = summarise([room(**TEN), room(**TEN)], NAMES).confusion
    # floor: 3 right, 1 as chair; chair: 3 right, 1 as table; table: 1 right, 1 without a label; no lamp
    assert (confusion // 2).tolist() == [[3, 1, 0, 0, 0], [0, 3, 1, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]]


def test_counts_come_back_from_json_as_they_were() -> None:
    rng = np.random.default_rng(3)
    rooms = [score_room(*toy_room(rng), len(NAMES)) for _ in range(3)]
    again = [RoomScore.from_dict(json.loads(json.dumps(one.to_dict()))) for one in rooms]
    assert summarise(again, NAMES).to_dict() == summarise(rooms, NAMES).to_dict()


def test_scores_go_into_json_without_nan() -> None:
    text = json.dumps(summarise([room(**TEN)], NAMES).to_dict(), allow_nan=False)
    assert json.loads(text)["classes"]["lamp"]["precision"] is None


def test_what_cannot_be_scored_is_refused() -> None:
    with pytest.raises(ValueError, match="true_label contains class 4, accepted are 0 to 3"):
        room([0], [1], [4], [0])
    with pytest.raises(ValueError, match=r"differ in length: \[2, 1, 1, 1\]"):
        room([0, 0], [1], [0], [0])
    with pytest.raises(ValueError, match="no rooms"):
        summarise([], NAMES)
