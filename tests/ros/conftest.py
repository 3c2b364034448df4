"""Skip the node's tests where ROS is missing, with the reason; give each test its own DDS domain."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(ROOT / "config" / "dds_large_clouds.xml")

if importlib.util.find_spec("rclpy") is None:
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str | None:
    if importlib.util.find_spec("rclpy") is None:
        return "tests/ros: rclpy is not installed, its tests are left out (docs/ros.md says how to get it)"
    return None


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., tuple[Any, Any]]]:
    """start(**parameters): the node in a process of its own and a client beside it, in a domain of their own."""
    from tests.ros.client import QUICK, Client, NodeProcess, new_domain

    started: list[tuple[Any, Any]] = []

    def start_both(**parameters: Any) -> tuple[Any, Any]:
        domain = new_domain()
        node = NodeProcess(domain, tmp_path_factory.mktemp("node"), **{**QUICK, **parameters})
        started.append((node, Client(domain)))
        return started[-1]

    yield start_both
    for node, client in started:  # all of them, before any is waited for
        client.close()
        node.interrupt()
    for node, _ in started:
        node.stop()
