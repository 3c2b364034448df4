"""The cloud to label when nobody names it."""

from __future__ import annotations

import threading

import pytest
import rclpy
from sensor_msgs.msg import Image, PointCloud2

from jspnet_ros.node.discovery import InputTopicError, find_cloud_topic, find_frame
from tests.ros import clouds
from tests.ros.client import Client, new_domain


@pytest.fixture
def client(monkeypatch):
    domain = new_domain()
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    client = Client(domain, publish=False)
    yield client
    client.close()


def test_the_only_cloud_is_taken(client):
    client.node.create_publisher(PointCloud2, "/camera/points", 1)
    client.node.create_publisher(Image, "/camera/color", 1)
    client.node.create_subscription(PointCloud2, "/nobody/publishes/this", lambda _: None, 1)
    assert find_cloud_topic() == "/camera/points"


def test_several_clouds_are_listed_with_the_argument_to_pass(client):
    for name in ("/left/points", "/right/points"):
        client.node.create_publisher(PointCloud2, name, 1)
    with pytest.raises(InputTopicError, match="2 PointCloud2 topics .* input:=/left/points, input:=/right/points"):
        find_cloud_topic()


def test_no_cloud_is_said(client):
    with pytest.raises(InputTopicError, match="no PointCloud2 is published"):
        find_cloud_topic()


def test_clouds_of_a_segmenter_are_not_taken(client):
    segmenter = rclpy.create_node("jspnet_segmenter", context=client.context)
    segmenter.create_publisher(PointCloud2, "/jspnet_segmenter/output/semantic", 1)
    client.node.create_publisher(PointCloud2, "/camera/points", 1)
    assert find_cloud_topic() == "/camera/points"
    segmenter.destroy_node()


def test_the_frame_of_a_cloud(client):
    publisher = client.node.create_publisher(PointCloud2, "/camera/points", 1)
    client.node.create_timer(0.1, lambda: publisher.publish(clouds.room_cloud()))
    frames: list[str] = []
    thread = threading.Thread(target=lambda: frames.append(find_frame("/camera/points", seconds=60.0)))
    thread.start()
    client.until(lambda: frames, "the frame")
    thread.join()
    assert frames == [clouds.FRAME]
