"""The node with a memory: ids last, the map is published, and its services answer, over DDS."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Point, TransformStamped
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from jspnet_core.memory.storage import load_objects
from jspnet_core.model_file import default_model
from jspnet_core.synthetic import Camera, camera_path, make_scene
from jspnet_ros.messages.labelled_clouds import color_cloud
from jspnet_ros.messages.point_cloud import read_field
from jspnet_ros.messages.transforms import pose_message
from jspnet_ros.msg import InstanceArray, ObjectArray
from jspnet_ros.srv import GetObjects, MapFile
from tests.ros import clouds
from tests.ros.client import NODE

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

pytestmark = pytest.mark.skipif(not default_model().is_file(), reason="the package's model is not in this checkout")
needs_tf2 = pytest.mark.skipif(
    importlib.util.find_spec("tf2_ros") is None, reason="tf2_ros is not installed; it comes with a ROS distribution"
)
CAMERA = Camera(width=160, height=120, focal_x=131.0, focal_y=131.0, center_x=79.5, center_y=59.5)
STILL = {"memory": True, "stride": 1.0, "voxel_size": 0.04, "max_blocks": 12, "map_period": 0.1}


def views(count: int) -> list[tuple[np.ndarray, Any]]:
    """Poses in a world with z up and what a camera sees there."""
    scene, rng = make_scene(5, "office"), np.random.default_rng(0)
    return [(pose, scene.depth_frame(pose, rng, CAMERA)) for pose in list(camera_path(scene, 24))[:count]]


def cloud_of(frame: Any, second: int) -> PointCloud2:
    return color_cloud(
        clouds.header(second), frame.label.shape, frame.points.reshape(-1, 3), frame.colors.reshape(-1, 3)
    )


def ask(client: Any, kind: Any, name: str, **fields: Any) -> Any:
    service = client.node.create_client(kind, f"{NODE}/{name}")
    client.until(service.service_is_ready, f"service {name}")
    future = service.call_async(kind.Request(**fields))
    client.until(future.done, f"the answer of {name}")
    client.node.destroy_client(service)
    return future.result()


@pytest.fixture(scope="module")
def still(start):
    """A still camera that sent four clouds, and what came back for each."""
    node, client = start(**STILL)
    arrays = client.collect(InstanceArray, "output/instance_array")
    client.maps = client.collect(PointCloud2, "output/map")
    frame = views(1)[0][1]
    client.answers = []
    for second in (1, 2, 3, 4):
        client.label(cloud_of(frame, second), arrays)
        client.answers.append(arrays[-1])
    client.process = node
    return client


def test_ids_last_and_age(still):
    ids = [{i.track_id for i in answer.instances} for answer in still.answers]
    assert ids[-1]
    assert ids[1] & ids[2] & ids[3]
    assert all(i.track_id == i.id > 0 for answer in still.answers for i in answer.instances)
    oldest = max(i.age for i in still.answers[-1].instances)
    assert oldest == pytest.approx(3.0, abs=1e-3)


def test_objects_are_latched_in_the_clouds_frame(still):
    found = still.collect(ObjectArray, "output/objects", latched=True)
    still.until(lambda: found, "the objects")
    assert found[-1].header.frame_id == clouds.FRAME
    for item in found[-1].objects:
        assert sum(item.probabilities) == pytest.approx(1.0, abs=1e-3)
        assert min(item.size.x, item.size.y, item.size.z) > 0


def test_the_map_is_published_as_a_cloud(still):
    still.until(lambda: still.maps, "the map")
    labels, instances = (read_field(still.maps[-1], name) for name in ("label", "instance"))
    assert len(labels) > 100
    assert len(np.unique(labels)) > 1
    assert {i.track_id for i in still.answers[-1].instances} & set(np.unique(instances).tolist())


def test_get_objects_chooses_by_class_radius_and_box(still):
    everything = ask(still, GetObjects, "get_objects")
    assert everything.success
    items = everything.objects.objects
    assert items
    first = items[0]
    distances = [np.linalg.norm([i.centroid.x, i.centroid.y, i.centroid.z]) for i in items]
    assert distances == sorted(distances)
    same = ask(still, GetObjects, "get_objects", class_name=first.class_name).objects.objects
    assert [i.id for i in same] == [i.id for i in items if i.class_name == first.class_name]
    near = ask(still, GetObjects, "get_objects", center=first.centroid, radius=0.01).objects.objects
    assert [i.id for i in near] == [first.id]
    c = first.centroid
    low, high = Point(x=c.x - 0.01, y=c.y - 0.01, z=c.z - 0.01), Point(x=c.x + 0.01, y=c.y + 0.01, z=c.z + 0.01)
    boxed = ask(still, GetObjects, "get_objects", minimum=low, maximum=high).objects.objects
    assert [i.id for i in boxed] == [first.id]


def test_questions_that_cannot_be_answered_are_refused_in_one_sentence(still):
    unknown = ask(still, GetObjects, "get_objects", class_name="unicorn")
    assert (unknown.success, "no class 'unicorn'" in unknown.message) == (False, True)
    nan = ask(still, GetObjects, "get_objects", radius=float("nan"))
    assert (nan.success, "radius is nan" in nan.message) == (False, True)


def test_a_map_is_saved_cleared_and_loaded_and_bad_files_change_nothing(still, tmp_path: Path):
    before = [i.id for i in ask(still, GetObjects, "get_objects").objects.objects]
    path = tmp_path / "map.npz"
    saved = ask(still, MapFile, "save_map", path=str(path))
    assert saved.success, saved.message
    assert sorted(i.id for i in load_objects(path)[0]) == sorted(before)
    assert not ask(still, MapFile, "save_map", path=str(tmp_path / "no" / "map.npz")).success
    assert not ask(still, MapFile, "save_map", path="").success
    cut = tmp_path / "cut.npz"
    cut.write_bytes(path.read_bytes()[:1000])
    refused = ask(still, MapFile, "load_map", path=str(cut))
    assert (refused.success, "not a readable map file" in refused.message) == (False, True)
    assert [i.id for i in ask(still, GetObjects, "get_objects").objects.objects] == before
    assert ask(still, Trigger, "clear_map").success
    assert not ask(still, GetObjects, "get_objects").objects.objects
    assert ask(still, MapFile, "load_map", path=str(path)).success
    assert [i.id for i in ask(still, GetObjects, "get_objects").objects.objects] == before
    assert still.process.alive


def test_frames_that_contradict_each_other_are_refused(start):
    node, client = start(memory=True, map_frame="map", sensor_pose="0 0 1 0 0 0")
    client.until(lambda: "map_frame and sensor_pose both give" in node.log, "the sentence")
    assert client.state() == "unconfigured"


@pytest.mark.skipif(importlib.util.find_spec("tf2_ros") is not None, reason="tf2_ros is installed")
def test_a_map_frame_without_tf2_fails_configure_with_one_sentence(start):
    node, client = start(memory=True, map_frame="map")
    client.until(lambda: "map_frame" in node.log and "needs tf2_ros" in node.log, "the sentence")
    assert client.state() == "unconfigured"


@needs_tf2
def test_a_moving_camera_with_tf2_keeps_its_ids(start):
    _, client = start(**STILL, map_frame="map", tf_timeout=5.0)
    arrays = client.collect(InstanceArray, "output/instance_array")
    moving = client.node.create_publisher(TFMessage, "/tf", 100)
    ids = []
    for second, (pose, frame) in enumerate(views(4), start=1):
        stamped = TransformStamped(header=Header(stamp=clouds.header(second).stamp, frame_id="map"))
        stamped.child_frame_id, placed = clouds.FRAME, pose_message(pose)
        stamped.transform.translation.x, stamped.transform.translation.y = placed.position.x, placed.position.y
        stamped.transform.translation.z, stamped.transform.rotation = placed.position.z, placed.orientation
        moving.publish(TFMessage(transforms=[stamped]))
        client.label(cloud_of(frame, second), arrays)
        ids.append({i.track_id for i in arrays[-1].instances})
    assert ids[-1] & ids[-2]
