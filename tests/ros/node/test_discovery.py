"""The cloud to label when no topic is given, and the reason why none arrives."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import Image, PointCloud2

from jspnet_ros.msg import InstanceArray
from jspnet_ros.node.discovery import InputTopicError, find_cloud_topic, find_frame, no_cloud_reason
from tests.ros import clouds
from tests.ros.client import Client, new_domain

TOPIC = "/points"


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


def test_no_cloud_is_an_error_with_the_argument_to_pass(client):
    with pytest.raises(InputTopicError, match="no PointCloud2 is published"):
        find_cloud_topic()


def test_clouds_of_a_segmenter_of_any_name_are_not_taken(client):
    segmenter = rclpy.create_node("other", namespace="/robot", context=client.context)
    segmenter.create_publisher(PointCloud2, "/labelled", 1)
    segmenter.create_publisher(InstanceArray, "/objects", 1)
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


@pytest.fixture
def graph() -> Iterator[tuple[Node, Client]]:
    """A node that waits for clouds, and a client with a graph of its own to publish in."""
    domain = new_domain()
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    client = Client(domain, publish=False)
    yield Node("waiting", context=context), client
    client.close()
    rclpy.shutdown(context=context)


def test_a_topic_that_nobody_publishes_is_answered_by_those_that_are(graph):
    node, client = graph
    assert "no other PointCloud2 is published" in no_cloud_reason(node, TOPIC)
    client.node.create_publisher(PointCloud2, "/camera/depth/points", 1)
    client.until(
        lambda: "published are /camera/depth/points (input:=TOPIC" in no_cloud_reason(node, TOPIC), "the topic"
    )


def test_a_topic_of_another_type_is_answered_by_that_type(graph):
    node, client = graph
    client.node.create_publisher(Image, TOPIC, 1)
    client.until(lambda: "it is published as sensor_msgs/msg/Image" in no_cloud_reason(node, TOPIC), "the type")


def test_the_log_names_what_the_node_waits_for_until_it_labels(start):
    node, client = start()
    client.until(lambda: "though client publishes it" in node.log, "why no cloud has arrived")
    assert "config/dds_large_clouds.xml" in node.log
    client.until(lambda: client.counts()["received"] or client.publish(clouds.room_cloud()), "a cloud")
    client.until(lambda: "no output has a subscriber" in node.log, "why nothing is labelled")
    client.label(clouds.room_cloud(), client.collect(PointCloud2, "output/semantic"))
    client.until(lambda: "first cloud labelled: " in node.log, "that it works")
