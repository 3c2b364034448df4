"""A cloud in, labelled clouds out, over real DDS."""

from __future__ import annotations

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from jspnet_core.classes import INDOOR, UNLABELLED
from jspnet_ros.messages.point_cloud import read_field, read_points
from jspnet_ros.msg import ClassTable, InstanceArray
from tests.ros import clouds
from tests.ros.poses import pose_matrix


@pytest.fixture(scope="module")
def both(start):
    return start()


def test_the_semantic_cloud_keeps_points_order_shape_stamp_and_frame(both):
    _, client = both
    semantic = client.collect(PointCloud2, "output/semantic")
    sent = clouds.room_cloud(second=7)
    client.label(sent, semantic)
    out = semantic[-1]
    assert (out.height, out.width) == clouds.SHAPE
    assert out.header == sent.header
    assert [f.name for f in out.fields] == ["x", "y", "z", "rgb", "label", "confidence"]
    np.testing.assert_array_equal(read_points(out).points, read_points(sent).points)
    label, confidence = read_field(out, "label"), read_field(out, "confidence")
    missing = np.isnan(read_points(sent).points).any(axis=1)
    assert label.dtype == np.uint8
    assert (label[missing] == UNLABELLED).all()
    assert (confidence[missing] == 0).all()
    assert (label != UNLABELLED).mean() > 0.3
    assert (label[label != UNLABELLED] < len(INDOOR)).all()
    np.testing.assert_array_equal(read_points(out).colors, INDOOR.palette()[label])
    client.forget()


def test_instances_in_cloud_array_and_markers_are_the_same_ones(both):
    _, client = both
    cloud = client.collect(PointCloud2, "output/instances")
    array = client.collect(InstanceArray, "output/instance_array")
    markers = client.collect(MarkerArray, "output/markers")
    sent = clouds.room_cloud(second=8)
    client.label(sent, cloud, array, markers)
    ids, label = read_field(cloud[-1], "instance"), read_field(cloud[-1], "label")
    assert ids.dtype == np.uint32
    found = array[-1].instances
    assert array[-1].header == sent.header
    assert [i.id for i in found] == sorted(set(ids[ids > 0].tolist()))
    for instance in found:
        own = ids == instance.id
        assert instance.point_count == own.sum()
        assert np.bincount(label[own]).argmax() == instance.class_id  # single points may keep another label
        assert instance.class_name == INDOOR.names[instance.class_id]
        T_gravity_header = np.linalg.inv(pose_matrix(array[-1].gravity_pose))
        points = read_points(cloud[-1]).points[own] @ T_gravity_header[:3, :3].T + T_gravity_header[:3, 3]
        box = np.array([[p.x, p.y, p.z] for p in (instance.minimum, instance.maximum)])
        inside = ((points > box[0] - 0.06) & (points < box[1] + 0.06)).all(axis=1)  # a box spans voxels' points
        assert inside.mean() > 0.95
    things = [i.id for i in found if i.thing]
    assert markers[-1].markers[0].action == Marker.DELETEALL
    assert [m.id for m in markers[-1].markers if m.ns == "boxes"] == things
    assert [m.id for m in markers[-1].markers if m.ns == "captions"] == things
    client.forget()


def test_the_class_table_reaches_who_subscribes_late(both):
    _, client = both
    tables = client.collect(ClassTable, "output/classes", latched=True)
    client.until(lambda: tables, "the class table")
    assert tuple(tables[-1].names) == INDOOR.names
    assert list(tables[-1].ids) == list(range(len(INDOOR)))
    assert list(tables[-1].base_ids) == INDOOR.base_labels().tolist()
    assert [n for n, thing in zip(tables[-1].names, tables[-1].things, strict=True) if thing] == list(INDOOR.things)
    client.forget()


def test_without_subscribers_nothing_is_labelled(both):
    _, client = both
    client.forget()
    client.until(lambda: client.node.count_subscribers("/jspnet_segmenter/output/semantic") == 0, "no subscriber")
    before = client.labelled_counts()
    client.until(lambda: sent_unwanted(client, before), "a cloud that nobody wants")
    assert client.counts()["labelled"] == before["labelled"]


def sent_unwanted(client, before) -> bool:
    client.publish(clouds.room_cloud())
    return client.labelled_counts()["unwanted"] > before["unwanted"]


def test_the_semantic_cloud_alone_needs_no_clustering(both):
    _, client = both
    semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(), semantic)
    _, values = client.diagnostics()
    assert "network ms" in values
    assert "clusters ms" not in values
    client.forget()


def test_newest_frame_wins_and_skipped_frames_are_counted(both):
    _, client = both
    semantic = client.collect(PointCloud2, "output/semantic")
    client.label(clouds.room_cloud(), semantic)
    semantic.clear()
    before = client.labelled_counts()
    burst = range(100, 130)
    for second in burst:
        client.publish(clouds.room_cloud(second))
    client.until(lambda: semantic and semantic[-1].header.stamp.sec == burst[-1], "the newest frame")
    after = client.labelled_counts()
    stamps = [cloud.header.stamp.sec for cloud in semantic]
    assert stamps == sorted(set(stamps))
    new = {fate: after[fate] - before[fate] for fate in ("received", "labelled", "skipped", "lost")}
    assert new["labelled"] == len(stamps) < len(burst)
    assert new["skipped"] + new["lost"] == len(burst) - len(stamps)
    client.forget()


def test_times_are_published_with_each_frame(both):
    from std_msgs.msg import Float64

    _, client = both
    semantic = client.collect(PointCloud2, "output/semantic")
    times = {
        g: client.collect(Float64, f"debug/processing_time/{g}_ms")
        for g in ("preprocess", "inference", "postprocess", "total")
    }
    latency = client.collect(Float64, "debug/pipeline_latency_ms")
    client.label(clouds.room_cloud(), semantic, latency, *times.values())
    parts = sum(times[group][-1].data for group in ("preprocess", "inference", "postprocess"))
    assert times["inference"][-1].data > 0
    assert parts == pytest.approx(times["total"][-1].data)
    client.forget()
