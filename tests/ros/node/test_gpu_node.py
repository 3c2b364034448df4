"""The node around a segmenter whose frames stay on a device, which is the host here: threads, life cycle, settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from rclpy.executors import ExternalShutdownException
from sensor_msgs.msg import PointCloud2

from jspnet_core.cuda.emulation.host_network import HostNetwork
from jspnet_core.cuda.stages import CudaStages
from jspnet_core.engine import open_engine
from jspnet_core.errors import EngineError
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_ros.node.managed_node import SegmentNode
from tests.cuda.arrays import host_device
from tests.ros import clouds
from tests.ros.client import Client, new_domain


class Watched(HostNetwork):
    """Refuses what a GPU would not take: a device that two threads use at a time, or one that was freed."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.closed, self.threads = False, []
        self._used = threading.Lock()

    @contextmanager
    def current(self) -> Iterator[None]:
        if self.closed:
            raise EngineError("the engine is closed")
        assert self._used.acquire(blocking=False), "two threads use the device at a time"
        self.threads.append(threading.current_thread().name)
        try:
            yield
        finally:
            self._used.release()

    def run(self, blocks):
        assert self._used.locked(), "nobody owns the device"
        return super().run(blocks)

    def close(self) -> None:
        assert not self._used.locked(), "freed while in use"
        self.closed = True


@pytest.fixture
def networks(monkeypatch, tmp_path_factory):
    """Networks that the node opened, one after the other."""
    device, opened = host_device(tmp_path_factory), []

    def open_on_host(model, engine, settings):
        opened.append(Watched(device, open_engine("onnxruntime", default_model()), 2))
        return Segmenter(settings=settings, stages=CudaStages(opened[-1]))

    monkeypatch.setattr("jspnet_ros.node.managed_node.load_segmenter", open_on_host)
    return opened


@pytest.fixture
def node_and_client(networks):
    domain = new_domain()
    parameters = ("autostart:=false", "voxel_size:=0.1", "max_blocks:=1", "stride:=1.0")
    words = ["--ros-args", *(word for assignment in parameters for word in ("-p", assignment))]
    rclpy.init(args=words, domain_id=domain)
    node, client = SegmentNode(), Client(domain)

    def spin() -> None:
        with suppress(ExternalShutdownException):
            rclpy.spin(node)

    thread = threading.Thread(target=spin)
    thread.start()
    yield node, client
    client.close()
    rclpy.try_shutdown()
    thread.join()
    node.close()
    node.destroy_node()
    assert all(network.closed for network in networks)


def test_up_down_and_up_again_with_the_device_freed_in_between(networks, node_and_client):
    _, client = node_and_client
    semantic = client.collect(PointCloud2, "output/semantic")
    for round_, second in enumerate((1, 2)):
        assert client.change_state(Transition.TRANSITION_CONFIGURE)
        assert client.change_state(Transition.TRANSITION_ACTIVATE)
        client.label(clouds.room_cloud(second), semantic)
        assert semantic[-1].header.stamp.sec == second
        assert not networks[round_].closed
        assert any(name.startswith("inference") for name in networks[round_].threads)
        assert client.change_state(Transition.TRANSITION_DEACTIVATE)
        assert client.change_state(Transition.TRANSITION_CLEANUP)
        assert [network.closed for network in networks] == [True] * (round_ + 1)


def test_settings_change_while_running_and_the_end_may_come_at_any_time(networks, node_and_client):
    _, client = node_and_client
    instances = client.collect(PointCloud2, "output/instances")
    assert client.change_state(Transition.TRANSITION_CONFIGURE)
    assert client.change_state(Transition.TRANSITION_ACTIVATE)
    for name, value in (("merging", "legacy"), ("merging", "fixed"), ("max_blocks", 0), ("voxel_size", 0.2)):
        assert client.set_parameter(name, value) == (True, "")
        client.label(clouds.room_cloud(5), instances)
    before = len(networks[0].threads)
    client.publish(clouds.room_cloud(6))
    client.until(lambda: len(networks[0].threads) > before, "the frame's beginning")
    # and the node is ended, active, with that frame on its way
