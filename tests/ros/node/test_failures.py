"""Failures of single frames are contained; repeated ones deactivate the node, or end it for a supervisor."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import PointCloud2

from jspnet_ros.node.failures import FrameFailures
from jspnet_ros.node.statistics import FrameStatistics
from tests.ros import clouds
from tests.ros.client import PATIENCE, QUICK, Client, NodeProcess, new_domain

SCRIPT = Path(__file__).parents[1] / "faulty_node.py"


class Faulty:
    """A node whose engine can be made to fail, and a client that subscribes to its semantic cloud."""

    def __init__(self, folder: Path, **parameters) -> None:
        domain, self.fault = new_domain(), folder / "fault"
        environment = {"FAULT": str(self.fault)}
        self.node = NodeProcess(domain, folder, program=[str(SCRIPT)], environment=environment, **QUICK, **parameters)
        self.client = Client(domain)
        self.semantic = self.client.collect(PointCloud2, "output/semantic")
        self.reports = self.client.collect(DiagnosticArray, "/diagnostics")

    def fail(self, exception: str) -> None:
        """Send a cloud while the engine raises; the node has counted it when this returns."""
        before = self.client.labelled_counts()["refused"]
        self.fault.write_text(exception)
        self.client.publish(clouds.room_cloud())
        self.client.until(lambda: self.client.counts()["refused"] > before, "the refusal")

    def wait_for(self, level: bytes, message: str) -> None:
        """Wait until a status since the last call has this level and message."""

        def found() -> bool:
            statuses = [report.status[0] for report in self.reports]
            return any((status.level, status.message) == (level, message) for status in statuses)

        self.client.until(found, message)
        self.reports.clear()


@pytest.fixture
def faulty(tmp_path):
    started = []

    def start(**parameters) -> Faulty:
        started.append(Faulty(tmp_path, **parameters))
        return started[-1]

    yield start
    for one in started:
        one.client.close()
        one.node.stop()


@pytest.mark.parametrize("exception", ["RuntimeError", "MemoryError", "ValueError"])
def test_one_failure_is_refused_and_the_engine_reopened(faulty, exception):
    f = faulty()
    f.client.label(clouds.room_cloud(1), f.semantic)
    f.fail(f"{exception} once")
    f.wait_for(DiagnosticStatus.ERROR, f"labelling failed with {exception}: injected failure")
    f.client.label(clouds.room_cloud(2), f.semantic)
    assert f.semantic[-1].header.stamp.sec == 2
    counts = f.client.labelled_counts()
    assert counts["refused failure"] == counts["refused"] == 1
    assert f.node.log.count("the engine was reopened after a failure") == 1
    assert f.node.log.count("Traceback") == 1
    f.fail(f"{exception} once")
    f.client.label(clouds.room_cloud(3), f.semantic)
    assert f.node.log.count("Traceback") == 1, "once for each kind"
    assert f.client.diagnostics()[0].level != DiagnosticStatus.ERROR


def test_the_second_failure_in_a_row_deactivates_the_node_which_can_be_activated_again(faulty):
    f = faulty()
    f.client.label(clouds.room_cloud(1), f.semantic)
    f.fail("RuntimeError once")
    f.fail("RuntimeError once")
    f.client.until(lambda: f.client.state() == "inactive", "deactivation")
    status, _ = f.client.diagnostics()
    assert status.level == DiagnosticStatus.ERROR
    assert "deactivated: 2 frames in a row: labelling failed with RuntimeError: injected failure" in status.message
    counts = f.client.counts()
    assert counts["received"] == sum(counts[fate] for fate in ("labelled", "refused", "skipped", "unwanted"))
    assert f.client.change_state(Transition.TRANSITION_ACTIVATE)
    f.client.label(clouds.room_cloud(4), f.semantic)
    assert f.semantic[-1].header.stamp.sec == 4
    assert f.node.stop() == 0


def test_an_engine_that_cannot_be_reopened_deactivates_the_node(faulty, tmp_path):
    import shutil

    from jspnet_core.model_file import default_model

    model = Path(shutil.copy(default_model(), tmp_path / "model.onnx"))
    f = faulty(model=model)
    f.client.label(clouds.room_cloud(1), f.semantic)
    model.unlink()  # not written over: the file may be mapped
    model.write_bytes(b"replaced")
    f.fail("RuntimeError once")
    f.client.until(lambda: f.client.state() == "inactive", "deactivation")
    status, _ = f.client.diagnostics()
    assert "the engine cannot be reopened after a failure" in status.message
    assert str(model) in status.message
    assert f.node.alive


def test_repeated_failures_end_the_process_where_a_supervisor_asks_for_it(faulty):
    f = faulty(exit_on_failure=True)
    f.client.label(clouds.room_cloud(1), f.semantic)
    f.fault.write_text("RuntimeError")

    def ended() -> bool:
        if f.node.alive and f.client.node.count_subscribers("/jspnet_segmenter/input/points"):
            f.client._publisher.publish(clouds.room_cloud())
        f.client.spin_once()
        return not f.node.alive

    f.client.until(ended, "the end of the node")
    assert f.node.process.wait(PATIENCE) == 3
    assert "deactivated: the engine cannot be reopened" in f.node.log, "it fails in its warm-up as well"


def test_a_node_that_cannot_be_configured_ends_where_a_supervisor_asks_for_it(tmp_path):
    node = NodeProcess(new_domain(), tmp_path, model="/no/such.onnx", exit_on_failure=True)
    assert node.process.wait(PATIENCE) == 3


class Lines:
    """A logger that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, text: str, **_: object) -> None:
        self.lines.append(text)


def test_steps_are_judged_apart_and_a_success_starts_again():
    failures = FrameFailures(Lines(), FrameStatistics())
    for _ in range(3):
        assert failures.failed("labelling", ValueError("a")) == 1
        assert failures.failed("publishing", ValueError("b")) == 1
        failures.succeeded("labelling")
        failures.succeeded("publishing")
    assert not failures.verdict
    failures.failed("publishing", ValueError("b"))
    failures.succeeded("labelling")
    failures.failed("publishing", ValueError("b"))
    assert "2 frames in a row: publishing failed with ValueError: b" in failures.verdict
