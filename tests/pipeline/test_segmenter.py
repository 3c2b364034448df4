"""The whole runtime with the model that comes with the package: on the CPU, and on a device, which is the host here.

On the device everything but the network is CUDA kernels, compiled for the host from the same source; that is slow, so a
piece of the room has to do.
"""

import subprocess
import sys
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from jspnet_core.cuda.blocks import cut_blocks as cut_on_device
from jspnet_core.cuda.emulation.host_network import HostNetwork
from jspnet_core.cuda.stages import CudaStages
from jspnet_core.engine import Engine, open_engine
from jspnet_core.errors import CloudError
from jspnet_core.export.parity import adjusted_rand_index
from jspnet_core.model_file import default_model, read_description
from jspnet_core.pipeline.blocks import Blocks
from jspnet_core.pipeline.merging.merge import filter_sizes
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import SegmenterSettings
from jspnet_core.spatial.transforms import rotation_about_z
from jspnet_core.synthetic import make_scene
from tests.cuda.arrays import host_device


@pytest.fixture(scope="module")
def whole_room():
    """A corner of a generated office: a dozen blocks."""
    cloud = make_scene(5, "office").room_cloud(np.random.default_rng(0), 800.0)
    near = (cloud.points - cloud.points.min(axis=0))[:, :2].max(axis=1) < 3.2
    return replace(cloud, **{name: getattr(cloud, name)[near] for name in ("points", "colors", "label", "instance")})


@pytest.fixture(scope="module", params=["cpu", "device"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def room(kind, whole_room):
    if kind == "cpu":
        return whole_room
    width = read_description(default_model()).configuration.block_size
    across = (whole_room.points - whole_room.points.min(axis=0)) / width
    few = np.flatnonzero((across[:, 0] < 1.6) & (across[:, 1] < 0.95))[:: round(2 * width**2)]  # two blocks
    return RoomCloud(*(array[few] for array in (whole_room.points, whole_room.colors, whole_room.label)))


class WholeBlocks(Engine):
    """An engine that is given blocks with their padding."""

    def __init__(self, engine):
        super().__init__(engine.description)
        self._engine = engine

    def run(self, features, pyramids):
        return self._engine.run(features, pyramids)


class RoomCloud(NamedTuple):
    points: np.ndarray
    colors: np.ndarray
    label: np.ndarray


@pytest.fixture(scope="module")
def opened(kind, tmp_path_factory):
    """opened(**settings): a segmenter of the kind, all of them with one engine."""
    engine = open_engine("onnxruntime", default_model())
    device = host_device(tmp_path_factory) if kind == "device" else None

    def open_one(blocks_at_once=2, **settings):
        small = {} if device is None else {"min_instance_ratio": 0.01, "turn": 0.0}  # pieces of things, in two blocks
        chosen = SegmenterSettings(**{"up_axis": "z", "stride": 1.0, **small, **settings})
        if device is None:
            return Segmenter(engine=engine, settings=chosen)
        return Segmenter(settings=chosen, stages=CudaStages(HostNetwork(device, engine, blocks_at_once)))

    return open_one


@pytest.fixture(scope="module")
def segmenter(opened):
    return opened()


@pytest.fixture(scope="module")
def result(segmenter, room):
    return segmenter.segment(room.points, room.colors)


def test_every_point_has_a_label_and_most_floors_are_floor(result, room):
    assert result.label.dtype == np.uint8
    assert result.instance.dtype == np.uint32
    assert result.confidence.dtype == np.float32
    assert len(result.label) == len(room.points)
    assert (result.label < 255).mean() > 0.99
    assert ((result.confidence > 0) == (result.label < 255)).all()
    assert (result.label[room.label == 1] == 1).mean() > 0.8
    assert (result.label[room.label == 0] == 0).mean() > 0.8


def test_instances_describe_the_points_that_carry_their_id(result, room):
    assert [i.id for i in result.instances] == sorted(set(result.instance.tolist()) - {0})
    T = result.T_gravity_input
    upright = room.points @ T[:3, :3].T + T[:3, 3]
    for instance in result.instances:
        mine = result.instance == instance.id
        assert instance.point_count == mine.sum()
        assert (upright[mine] >= instance.minimum - 0.06).all()  # a voxel's diagonal: boxes are of voxels
        assert (upright[mine] <= instance.maximum + 0.06).all()
        assert np.abs(upright[mine].mean(0) - instance.centroid).max() < 0.06
        labels = result.label[mine]
        assert (labels == instance.label).sum() == np.bincount(labels).max()


def test_points_keep_their_order_and_bad_ones_stay_unlabelled(segmenter, room, result):
    points = room.points.copy()
    points[::7] = np.nan
    points[3::7, 1] = 1e9
    partly = segmenter.segment(points, room.colors)
    bad = ~np.isfinite(points).all(1) | (np.abs(points) > 1e4).any(1)
    assert (partly.label[bad] == 255).all()
    assert (partly.instance[bad] == 0).all()
    assert (partly.confidence[bad] == 0).all()
    assert (partly.label[~bad] == result.label[~bad]).mean() > 0.85


def test_the_same_cloud_gives_the_same_labels(segmenter, room, result):
    again = segmenter.segment(room.points, room.colors)
    np.testing.assert_array_equal(again.label, result.label)
    np.testing.assert_array_equal(again.instance, result.instance)


def test_a_turn_of_the_blocks_is_one_of_the_cloud(opened, room):
    turned = opened(turn=30.0).segment(room.points, room.colors, T_gravity_input=np.eye(4))
    by_hand = opened(turn=0.0).segment(room.points, room.colors, T_gravity_input=rotation_about_z(30.0))
    assert (turned.label == by_hand.label).mean() > 0.999  # but for rounding
    assert np.abs(turned.confidence - by_hand.confidence).mean() < 1e-3
    straight = opened(turn=0.0).segment(room.points, room.colors, T_gravity_input=np.eye(4))
    assert (turned.confidence != straight.confidence).mean() > 0.9
    np.testing.assert_array_equal(turned.T_gravity_input, straight.T_gravity_input)
    low, high = room.points.min(axis=0), room.points.max(axis=0)
    for instance in turned.instances:  # their boxes are the cloud's, not the blocks'
        assert (low - 0.06 <= instance.minimum).all()
        assert (instance.maximum <= high + 0.06).all()


def test_another_seed_draws_other_points(opened, room, result):
    other = opened(seed=1).segment(room.points, room.colors)
    assert (other.confidence != result.confidence).mean() > 0.1
    assert (other.label == result.label).mean() > 0.8


def test_few_blocks_at_a_time_give_the_same_labels(kind, opened, segmenter, room, result, monkeypatch):
    assert result.blocks >= 2
    monkeypatch.setattr("jspnet_core.pipeline.inference.BLOCKS_IN_MEMORY", 1 + result.blocks // 4)
    one_at_a_time = segmenter if kind == "cpu" else opened(blocks_at_once=1)
    streamed = one_at_a_time.segment(room.points, room.colors)
    np.testing.assert_array_equal(streamed.label, result.label)
    np.testing.assert_array_equal(streamed.instance, result.instance)
    np.testing.assert_array_equal(streamed.confidence, result.confidence)


def test_no_more_than_a_batch_of_blocks_is_with_the_engine(whole_room, monkeypatch):
    seen = []

    class Counting(Engine):
        def __init__(self, engine):
            super().__init__(engine.description)
            self._engine = engine

        def run(self, features, pyramids):
            seen.append(len(features))
            return self._engine.run(features, pyramids)

    monkeypatch.setattr("jspnet_core.pipeline.inference.BLOCKS_IN_MEMORY", 3)
    settings = SegmenterSettings(up_axis="z", stride=1.0)
    segmenter = Segmenter(engine=Counting(Segmenter().engine), settings=settings)
    blocks = segmenter.segment(whole_room.points, whole_room.colors).blocks
    assert max(seen) <= 3
    assert sum(seen) == blocks > 3


def test_a_block_without_its_padding_is_labelled_as_with_it(whole_room):
    from sklearn.metrics import adjusted_rand_score

    few = whole_room.points[:: max(len(whole_room.points) // 6000, 1)]  # blocks of some hundred points
    segmenter = Segmenter(settings=SegmenterSettings(up_axis="z", stride=1.0))
    assert segmenter.engine.takes_fewer_points
    smaller = segmenter.segment(few)
    padded = Segmenter(engine=WholeBlocks(segmenter.engine), settings=segmenter.settings).segment(few)
    assert smaller.blocks > 3
    assert (smaller.label == padded.label).mean() >= 0.995
    assert adjusted_rand_score(smaller.instance, padded.instance) >= 0.99


def test_instances_cross_the_borders_of_blocks_that_share_nothing(kind, opened, room, result):
    split = opened(merging="fixed").segment(room.points, room.colors)
    np.testing.assert_array_equal(split.label, result.label)
    floor = room.label == 1
    largest = [np.bincount(found.instance[floor & (found.instance > 0)]).max() for found in (result, split)]
    assert largest[0] > 0.8 * floor.sum()  # one floor
    assert largest[1] < (0.5 if kind == "cpu" else 0.7) * floor.sum()  # of the piece, two blocks hold all


def test_without_instances_the_labels_stay(segmenter, room, result):
    plain = segmenter.segment(room.points, room.colors, instances=False)
    np.testing.assert_array_equal(plain.label, result.label)
    assert not plain.instance.any()
    assert "clusters" not in plain.timings_ms


def test_a_turned_cloud_with_its_transform_is_labelled_alike(segmenter, room, result):
    c, s = np.cos(2.0), np.sin(2.0)
    T = np.array([[0, 0, 1.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]]) @ np.array(
        [[c, 0, s, 0.3], [0, 1, 0, 1.0], [-s, 0, c, 2.0], [0, 0, 0, 1]]
    )
    T[2, 3] = result.T_gravity_input[2, 3]
    optical = ((room.points - T[:3, 3]) @ T[:3, :3]).astype(np.float32)
    turned = segmenter.segment(optical, room.colors, T_gravity_input=T)
    assert turned.gravity_source == "given transform"
    assert (turned.label == result.label).mean() > 0.9


def test_a_bound_on_blocks_is_kept_and_said(opened, room):
    bounded = opened(max_blocks=1).segment(room.points)
    assert bounded.blocks == 1
    assert bounded.blocks_left_out > 0
    assert (bounded.label == 255).any()


def test_legacy_merging_is_reachable_while_running(segmenter, room, result):
    before, segmenter.settings = segmenter.settings, segmenter.settings.model_copy(update={"merging": "legacy"})
    labelled = segmenter.segment(room.points, room.colors)
    segmenter.settings = before
    np.testing.assert_array_equal(labelled.label, result.label)
    assert not np.array_equal(labelled.instance, result.instance)


def test_a_device_labels_the_same_blocks_as_the_cpu_does(opened, kind, room, result, monkeypatch):
    """Give the CPU the device's blocks: points drawn at random differ."""
    if kind == "cpu":
        pytest.skip("the CPU is what the device is compared with")
    drawn = {}

    def keep(d, voxels, *others):
        blocks = drawn.setdefault("blocks", cut_on_device(d, voxels, *others))
        drawn["cpu"] = Blocks(d.download(blocks.index), d.download(blocks.count), blocks.left_out)
        return blocks

    monkeypatch.setattr("jspnet_core.cuda.stages.cut_blocks", keep)
    whole_blocks = WholeBlocks(open_engine("onnxruntime", default_model()))
    on_cpu = Segmenter(engine=whole_blocks, settings=SegmenterSettings(up_axis="z", stride=1.0))
    for change in ({"merging": "contact"}, {"merging": "fixed"}, {"merging": "legacy"}):
        on_device = opened(**change)
        found = on_device.segment(room.points, room.colors)
        monkeypatch.setattr(on_cpu.stages, "cut_blocks", lambda *_, **__: drawn["cpu"])
        on_cpu.settings = on_device.settings
        expected = on_cpu.segment(room.points, room.colors)
        assert (found.label == expected.label).mean() >= 0.995
        assert adjusted_rand_index(found.instance, expected.instance) >= 0.99
        assert np.abs(found.confidence - expected.confidence).mean() < 1e-3
        assert [(i.id, i.label) for i in found.instances] == [(i.id, i.label) for i in expected.instances]
        assert expected.gravity_source == found.gravity_source
        np.testing.assert_array_equal(found.T_gravity_input, expected.T_gravity_input)


def test_a_single_point_is_unlabelled(segmenter):
    single = segmenter.segment(np.array([[1.0, 2.0, 3.0]], np.float32))
    np.testing.assert_array_equal(single.label, [255])
    assert single.instances == []


@pytest.mark.parametrize(
    ("points", "colors", "reason"),
    [
        (np.zeros((0, 3), np.float32), None, "empty"),
        (np.full((9, 3), np.nan, np.float32), None, "no_finite_point"),
        (np.full((9, 3), 1e9, np.float32), None, "no_finite_point"),
        (np.zeros((9, 2), np.float32), None, "shape"),
        (np.zeros((9, 3)), None, "dtype"),
        (np.zeros((9, 3), np.float32), np.zeros((8, 3), np.uint8), "colors"),
    ],
)
def test_clouds_that_cannot_be_used_say_why(segmenter, points, colors, reason):
    with pytest.raises(CloudError) as error:
        segmenter.segment(points, colors)
    assert error.value.reason == reason


def test_settings_out_of_bounds_name_what_is_accepted():
    with pytest.raises(ValueError, match="'auto', 'optical', 'x'"):
        SegmenterSettings(up_axis="down")
    with pytest.raises(ValueError, match="less than or equal to 1"):
        SegmenterSettings(stride=2.0)


def test_the_runtime_needs_neither_torch_nor_ros():
    code = (
        "import sys, numpy as np; from jspnet_core.pipeline.segmenter import Segmenter;"
        "Segmenter().segment(np.random.default_rng(0).random((5000, 3), np.float32));"
        "print([m for m in ('torch', 'rclpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_piece_of_a_large_thing_stays_if_it_is_itself_large() -> None:
    description = Segmenter().description
    sizes = description.mean_instance_sizes()
    rooms = filter_sizes(description, SegmenterSettings())
    frames = filter_sizes(description, SegmenterSettings(min_instance_ratio=0.25, always_kept=100))
    np.testing.assert_array_equal(rooms, sizes)
    np.testing.assert_allclose(0.25 * frames, np.minimum(0.25 * sizes, 100))
    floor = 1
    assert 0.25 * sizes[floor] > 100  # a piece of floor is dropped from a room, and stays in a frame
