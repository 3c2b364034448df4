"""Settings of all tests: one thread each for PyTorch where two processes of tests share the machine; slow tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # before torch is imported; waiting threads would take the other's core
    os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
SLOW = (
    "benchmarks",
    "cli/test_synth.py",
    "cli/test_synth_furnished.py",
    "cuda",
    "data/test_prepare_shapenet.py",
    "engine",
    "examples",
    "export",
    "network/test_network_systems.py",
    "report/test_report.py",
    "ros/demo_support",
    "ros/messages/test_layouts.py",
    "ros/node",
    "synthetic",
    "training",
)
"""Folders and files whose tests `make check` leaves out: together they take most of the time of `make test`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of `SLOW`, and those of the emulated GPU, beside those that are marked where they stand."""
    slow = [HERE / name for name in SLOW]
    for item in items:
        if "[device" in item.name or any(place == item.path or place in item.path.parents for place in slow):
            item.add_marker(pytest.mark.slow)
