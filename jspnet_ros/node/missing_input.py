"""Why no cloud arrives: what the graph shows, in a sentence with the way out."""

from __future__ import annotations

from rclpy.node import Node

CLOUD_TYPE = "sensor_msgs/msg/PointCloud2"


def cloud_topics(node: Node, but_of: str) -> list[str]:
    """PointCloud2 topics with a publisher that `node` has discovered, but those of the node named `but_of` alone."""
    return sorted(
        name
        for name, types in node.get_topic_names_and_types()
        if CLOUD_TYPE in types and any(p.node_name != but_of for p in node.get_publishers_info_by_topic(name))
    )


def why_no_cloud(node: Node, topic: str) -> str:
    """What to do about the silence on `topic`, which `node` subscribes to as PointCloud2."""
    publishers = node.get_publishers_info_by_topic(topic)
    others = sorted({p.topic_type for p in publishers} - {CLOUD_TYPE})
    if others:
        return f"no cloud on {topic}: it is published as {', '.join(others)}, {CLOUD_TYPE} is accepted"
    if publishers:
        return (
            f"no cloud has arrived on {topic}, though {publishers[0].node_name} publishes it: if it does send, start "
            "it with FASTRTPS_DEFAULT_PROFILES_FILE set to config/dds_large_clouds.xml (docs/ros.md, Launch)"
        )
    found = [name for name in cloud_topics(node, node.get_name()) if name != topic]
    choice = f"published are {', '.join(found)}" if found else "nobody publishes any PointCloud2 that can be seen here"
    return f"no cloud on {topic}, nobody publishes it; {choice} (input:=TOPIC, or -r '~/input/points:=TOPIC')"
