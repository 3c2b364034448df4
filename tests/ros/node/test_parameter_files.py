"""The written parameter files and the tables in the documentation are those of the code."""

from __future__ import annotations

import pytest

from jspnet_ros.node.parameter_files import ROOT, files
from jspnet_ros.node.topics import TOPICS

BY_RCLPY = ("/parameter_events", "/rosout", "/jspnet_segmenter/transition_event")


@pytest.mark.parametrize("name", ["config/segment.yaml", "config/segment_advanced.yaml", "docs/ros.md"])
def test_written_files_are_up_to_date(name):
    path = ROOT / name
    assert path.read_text() == files()[path], "run: python -m jspnet_ros.node.parameter_files"


def published(client) -> dict[str, str]:
    """Types by topic of what the node publishes, as the graph shows it."""
    found = {}
    for name, types in client.node.get_topic_names_and_types():
        publishers = [info.node_name for info in client.node.get_publishers_info_by_topic(name)]
        if "jspnet_segmenter" in publishers and name not in BY_RCLPY:
            found[name.replace("/jspnet_segmenter/", "~/")] = types[0].replace("/msg/", "/")
    return found


def test_the_documented_topics_are_those_that_the_node_publishes(start):
    _, client = start(memory=True)
    documented = {topic.name: topic.type_name for topic in TOPICS}
    client.until(lambda: len(published(client)) >= len(documented), "discovery of all topics")
    assert published(client) == documented


def test_the_node_takes_the_advanced_file(start):
    node, client = start(params_file=ROOT / "config" / "segment_advanced.yaml")
    client.until(lambda: "labelling /jspnet_segmenter/input/points" in node.log, "activation")
