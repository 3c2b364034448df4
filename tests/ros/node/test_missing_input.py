"""Where no cloud arrives the node's log says why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import Image, PointCloud2

from jspnet_ros.node.missing_input import why_no_cloud
from tests.ros import clouds
from tests.ros.client import Client, new_domain

TOPIC = "/points"


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
    assert "nobody publishes any PointCloud2" in why_no_cloud(node, TOPIC)
    client.node.create_publisher(PointCloud2, "/camera/depth/points", 1)
    client.until(lambda: "published are /camera/depth/points (input:=TOPIC" in why_no_cloud(node, TOPIC), "the topic")


def test_a_topic_of_another_type_is_answered_by_that_type(graph):
    node, client = graph
    client.node.create_publisher(Image, TOPIC, 1)
    client.until(lambda: "it is published as sensor_msgs/msg/Image" in why_no_cloud(node, TOPIC), "the type")


def test_the_log_tells_a_newcomer_what_the_node_waits_for_and_when_it_works(start):
    node, client = start()
    client.until(lambda: "though client publishes it" in node.log, "why no cloud has arrived")
    assert "config/dds_large_clouds.xml" in node.log
    client.until(lambda: client.counts()["received"] or client.publish(clouds.room_cloud()), "a cloud")
    client.until(lambda: "nobody subscribes to an output" in node.log, "why nothing is labelled")
    client.label(clouds.room_cloud(), client.collect(PointCloud2, "output/semantic"))
    client.until(lambda: "first cloud labelled: " in node.log, "that it works")
