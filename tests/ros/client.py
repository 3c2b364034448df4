"""The node in a process of its own, and a client that talks to it over DDS. Every wait has an end."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import PointCloud2

NODE = "/jspnet_segmenter"
PATIENCE = 120.0
"""Seconds until a wait gives up; nothing is measured by it."""

QUICK = {"stride": 1.0, "voxel_size": 0.05, "max_blocks": 3}
"""Parameters for frames that take little time."""

DOMAINS = range(1, 101)  # the ports of higher ones are given to others, too
SHARE = 25
"""Domains of one process of tests: more than any of them uses at a time."""

Result = TypeVar("Result")


@functools.cache
def _own_domains() -> Iterator[int]:
    """Domains that no other process of tests on this machine uses, round and round; they are its own until it ends."""
    for first in DOMAINS[::SHARE]:
        path = Path(tempfile.gettempdir()) / f"jspnet_test_domains_{first}.lock"
        with contextlib.suppress(BlockingIOError, PermissionError):  # another process's, another user's
            _locks.append(path.open("w"))
            fcntl.flock(_locks[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            return itertools.cycle(range(first, first + SHARE))
    raise RuntimeError(f"{len(DOMAINS) // SHARE} processes of tests use all DDS domains already")


_locks: list[IO[str]] = []


def new_domain() -> int:
    """A DDS domain that no other test uses at the same time."""
    return next(_own_domains())


class NodeProcess:
    """`python -m jspnet_ros.segment_node` with parameters, and those of `params_file`.

    program: Python's arguments in its place. environment: variables beside those of this process. remaps: FROM:=TO.
    """

    def __init__(
        self,
        domain: int,
        folder: Path,
        params_file: Path | None = None,
        program: Sequence[str] = ("-m", "jspnet_ros.segment_node"),
        environment: Mapping[str, str] | None = None,
        remaps: Sequence[str] = (),
        **parameters: Any,
    ) -> None:
        words = [sys.executable, *program, "--ros-args", *(word for remap in remaps for word in ("-r", remap))]
        if params_file is not None:
            words += ["--params-file", str(params_file)]
        for name, value in parameters.items():
            words += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
        self._path = folder / f"node_{domain}.log"
        self._interrupted = False
        with self._path.open("w") as log:
            variables = {**os.environ, "ROS_DOMAIN_ID": str(domain), "PYTHONUNBUFFERED": "1", **(environment or {})}
            self.process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=variables)

    @property
    def log(self) -> str:
        return self._path.read_text()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def interrupt(self) -> None:
        """Interrupt the node as a terminal would, once."""
        if self.alive and not self._interrupted:
            self.process.send_signal(signal.SIGINT)
        self._interrupted = True

    def stop(self) -> int:
        """Interrupt the node and wait for its end. Returns its exit code."""
        self.interrupt()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Client:
    """Publishes clouds to the node and collects what it publishes."""

    def __init__(self, domain: int, topic: str = f"{NODE}/input/points", publish: bool = True) -> None:
        """topic: of the clouds it publishes, if any."""
        self.context = Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("client", context=self.context)
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        self._topic = topic
        if publish:
            self._publisher = self.node.create_publisher(PointCloud2, topic, 10)
        self._subscriptions: list[Any] = []
        self._services: dict[str, Any] = {}
        self._diagnostics = self.collect(DiagnosticArray, "/diagnostics")

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def until(self, found: Callable[[], Result], what: str) -> Result:
        """Spin until `found()` is true, and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            result = found()
            if result:
                return result
            self._executor.spin_once(timeout_sec=0.05)
        raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")

    def spin_once(self) -> None:
        """Take what has come, or wait a few milliseconds for something."""
        self._executor.spin_once(timeout_sec=0.005)

    def collect(self, message: type, topic: str, latched: bool = False) -> list[Any]:
        """Subscribe; the list fills while the client waits. Relative topics are the node's."""
        topic = topic if topic.startswith("/") else f"{NODE}/{topic}"
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        quality = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE, durability=durability)
        found: list[Any] = []
        self._subscriptions.append(self.node.create_subscription(message, topic, found.append, quality))
        return found

    def forget(self) -> None:
        """Unsubscribe from everything but /diagnostics."""
        while len(self._subscriptions) > 1:
            self.node.destroy_subscription(self._subscriptions.pop())

    def publish(self, cloud: PointCloud2) -> None:
        """Send a cloud to the node, once it listens reliably."""
        self.until(self._heard, "the node's subscription")
        self._publisher.publish(cloud)

    def label(self, cloud: PointCloud2, *outputs: list[Any]) -> None:
        """Send a cloud until each of the outputs has a message; the node may notice a subscriber a moment late."""
        for output in outputs:
            output.clear()
        end = time.monotonic() + PATIENCE
        while not all(outputs):
            assert time.monotonic() < end, f"waited {PATIENCE:.0f} s for labels"
            before = self.counts()
            self.publish(cloud)
            self.until(lambda: _done(self.counts()) > _done(before), "the cloud's fate")  # noqa: B023
            if self.counts()["unwanted"] == before["unwanted"]:
                self.until(lambda: all(outputs), "the outputs")

    def labelled_counts(self) -> dict[str, int]:
        """The counts once every cloud that arrived has met its fate."""
        return self.until(lambda: c if (c := self.counts())["received"] == _done(c) else {}, "the last cloud's fate")

    def _heard(self) -> bool:
        infos = self.node.get_subscriptions_info_by_topic(self._topic)
        reliable = any(info.qos_profile.reliability == ReliabilityPolicy.RELIABLE for info in infos)
        return reliable and self._publisher.get_subscription_count() > 0

    def diagnostics(self) -> tuple[Any, dict[str, str]]:
        """The newest status from after this call, and its values."""
        self._diagnostics.clear()
        status = self.until(lambda: self._diagnostics and self._diagnostics[-1].status[0], "diagnostics")
        return status, {value.key: value.value for value in status.values}

    def counts(self) -> dict[str, int]:
        """The counts of frames in the newest diagnostics."""
        return {key: int(value) for key, value in self.diagnostics()[1].items() if value.isdigit()}

    def call(self, service: type, name: str, request: Any) -> Any:
        """Ask until there is an answer: a server that has not discovered its client yet answers into the void."""
        client = self._service(service, name)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            future = client.call_async(request)
            self._executor.spin_until_future_complete(future, timeout_sec=10.0)
            if future.done():
                return future.result()
        raise AssertionError(f"waited {PATIENCE:.0f} s for an answer from {name}")

    def _service(self, service: type, name: str) -> Any:
        if name not in self._services:
            self._services[name] = self.node.create_client(service, f"{NODE}/{name}")
        self.until(self._services[name].service_is_ready, f"service {name}")
        return self._services[name]

    def state(self) -> str:
        return self.call(GetState, "get_state", GetState.Request()).current_state.label

    def change_state(self, transition: int) -> bool:
        """Ask once: a transition cannot be asked for twice."""
        client = self._service(ChangeState, "change_state")
        self.state()  # once this is answered, the node has discovered this client
        request = ChangeState.Request()
        request.transition.id = transition
        future = client.call_async(request)
        self.until(future.done, "the transition")
        return future.result().success

    def set_parameter(self, name: str, value: Any) -> tuple[bool, str]:
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        result = self.call(SetParameters, "set_parameters", request).results[0]
        return result.successful, result.reason


def _done(counts: dict[str, int]) -> int:
    return sum(counts[fate] for fate in ("labelled", "refused", "skipped", "unwanted"))
