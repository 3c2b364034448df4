"""Two results are compared point by point; every difference is named."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from tools.compare_checkouts import differences


def result(**changes: Any) -> dict[str, Any]:
    same = {
        "label": np.arange(5, dtype=np.uint8),
        "instance": np.arange(5, dtype=np.uint32),
        "confidence": np.full(5, 0.5, np.float32),
        "gravity": np.eye(4),
        "instances": [(1, 3, 0.5, 5)],
        "bytes": ([("x", 0, 7, 1)], b"data"),
    }
    return {**same, **changes}


def test_equal_results_have_no_difference():
    assert differences(result(), result()) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"label": np.array([0, 1, 2, 3, 9], np.uint8)}, "label: 1 of 5 points"),
        ({"confidence": np.full(5, 0.25, np.float32)}, "confidence: 5 of 5 points"),
        ({"instance": np.arange(4, dtype=np.uint32)}, r"instance: \(5,\) uint32 and \(4,\) uint32"),
        ({"gravity": np.diag([1.0, 1.0, 1.0, 2.0])}, "gravity: up to 1"),
        ({"instances": []}, "summaries of 1 and 0 instances"),
        ({"bytes": ([("x", 0, 7, 1)], b"date")}, "published bytes"),
    ],
)
def test_every_difference_is_named(changes, named):
    assert len(found := differences(result(), result(**changes))) == 1
    assert re.match(named, found[0])


def test_without_ros_on_one_side_bytes_are_not_compared():
    assert differences(result(), result(bytes=None)) == []
