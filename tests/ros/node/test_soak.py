"""Two minutes of the soak test: the node lives, its counters are exact, and memory stays flat."""

from __future__ import annotations

import pytest

from benchmarks.node.soak import Report, soak, summary
from tests.ros.client import new_domain


@pytest.mark.alone
def test_two_minutes_of_faults(tmp_path, monkeypatch):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(new_domain()))
    report = soak(tmp_path, 120.0, 10.0, seed=1)
    print(summary(report))
    assert report.exact
    assert report.tracebacks == 0
    assert report.counts["labelled"] > 20
    assert report.counts["refused"] > 0
    memory = [megabytes for _, megabytes in report.memory_mb]
    assert max(memory[len(memory) // 2 :]) < 1.2 * max(memory[: len(memory) // 2])


def test_growth_is_read_off_the_second_half():
    report = Report(memory_mb=[(i / 10, 500.0 + 2.0 * max(i, 20) / 10) for i in range(41)])
    assert report.slope == pytest.approx(2.0)
    report = Report(memory_mb=[(i / 10, 500.0 + 100 * (i < 15)) for i in range(41)])
    assert report.slope == pytest.approx(0.0, abs=1e-9)
