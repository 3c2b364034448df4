"""The scene memory: labels converge, ids last, removed objects leave the map, saved maps are restored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.memory import MemorySettings, SceneMemory
from jspnet_core.memory.scene_memory import PoseError
from jspnet_core.memory.storage import MapFileError
from jspnet_core.segmentation import Instance, Segmentation

FLOOR, TABLE, CHAIR = 1, 7, 8


class ScriptedSegmenter:
    """Labels that a test states: what the memory makes of them is under test, not the network."""

    classes = S3DIS

    def __init__(self) -> None:
        self.label = np.empty(0, np.uint8)
        self.instance = np.empty(0, np.uint32)
        self.T_gravity_input: np.ndarray | None = None

    def segment(self, points, colors=None, *, T_gravity_input=None, instances=True):
        self.T_gravity_input = T_gravity_input
        ids = np.unique(self.instance[self.instance > 0])
        zero = np.zeros(3)
        found = [
            Instance(
                int(i), int(self.label[self.instance == i][0]), 0.9, int((self.instance == i).sum()), zero, zero, zero
            )
            for i in ids
        ]
        confidence = np.where(self.label < 255, 0.9, 0.0).astype(np.float32)
        return Segmentation(self.label, self.instance, confidence, found, np.eye(4), "test", 1, 0)


def patch(center, size, count=3000, seed=0):
    """Points on a box's surface, (N, 3) float32."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (count, 3))
    axis = rng.integers(0, 3, count)
    points[np.arange(count), axis] = np.sign(points[np.arange(count), axis]) * 0.5
    return (points * size + center).astype(np.float32)


class World:
    """A floor and boxes, seen by a sensor 1.2 m above the map's origin."""

    def __init__(self, **settings):
        self.segmenter = ScriptedSegmenter()
        self.memory = SceneMemory(self.segmenter, MemorySettings(**settings))
        self.T = np.eye(4)
        self.T[2, 3] = 1.2
        self.time = 0.0

    def add(self, *boxes, T=None, dt=0.1):
        """boxes: (points in the map frame, label, instance of the frame)."""
        T = self.T if T is None else T
        grid = np.stack(np.meshgrid(np.arange(0.5, 4, 0.03), np.arange(-2, 2, 0.03)), axis=-1).reshape(-1, 2)
        floor = np.column_stack([grid, np.zeros(len(grid))]).astype(np.float32)
        parts = [(floor, FLOOR, 99), *boxes]
        world = np.concatenate([part for part, _, _ in parts])
        self.segmenter.label = np.concatenate([np.full(len(p), label, np.uint8) for p, label, _ in parts])
        self.segmenter.instance = np.concatenate([np.full(len(p), i, np.uint32) for p, _, i in parts])
        inverse = np.linalg.inv(T)
        points = (world @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.float32)
        self.time += dt
        return self.memory.add(points, None, T, self.time), len(floor)


def test_a_wrong_label_is_outvoted_by_earlier_frames() -> None:
    world, box = World(), patch([2, 0, 0.4], [0.5, 0.5, 0.8])
    for _ in range(4):
        world.add((box, CHAIR, 1))
    found, floor = world.add((box, TABLE, 1))
    assert (found.label[floor:] == CHAIR).mean() > 0.95
    assert found.timings_ms["memory"] > 0


def test_an_object_keeps_its_id_whatever_the_frames_call_it() -> None:
    world = World()
    a, b = patch([2, -1, 0.4], [0.5, 0.5, 0.8]), patch([2, 1, 0.4], [0.5, 0.5, 0.8], seed=1)
    names = []
    for first, second in ((1, 2), (2, 1), (17, 4)):
        found, floor = world.add((a, CHAIR, first), (b, CHAIR, second))
        names.append(
            (
                np.bincount(found.instance[floor : floor + 3000]).argmax(),
                np.bincount(found.instance[floor + 3000 :]).argmax(),
            )
        )
    assert len(set(names)) == 1
    assert names[0][0] != names[0][1]
    objects = world.memory.objects()
    assert [o.id for o in objects] == sorted(int(i) for i in names[0])
    assert all(o.label == CHAIR and o.views == 3 for o in objects)
    by_id = {o.id: o for o in objects}
    np.testing.assert_allclose(by_id[int(names[0][0])].centroid, [2, -1, 0.4], atol=0.1)
    np.testing.assert_allclose(by_id[int(names[0][0])].size, [0.5, 0.5, 0.8], atol=0.12)


def test_a_chair_that_was_moved_leaves_its_old_place() -> None:
    world = World()
    for _ in range(4):
        world.add((patch([1.5, 0, 0.4], [0.4, 0.4, 0.8]), CHAIR, 1))
    wall = patch([3.9, 0, 1.0], [0.05, 4, 2], 20_000)
    for _ in range(8):
        world.add((patch([3.0, 1.5, 0.4], [0.4, 0.4, 0.8]), CHAIR, 1), (wall, 2, 5))
    old = world.memory.cloud()
    near_old = (np.abs(old.points - [1.5, 0, 0.45]) < 0.25).all(axis=1) & (old.points[:, 2] > 0.2)
    assert near_old.sum() < 5


def test_an_id_never_names_another_thing() -> None:
    world = World()
    ids = set()
    for k in range(6):
        found, floor = world.add((patch([2, -1.5 + 0.6 * k, 0.4], [0.3, 0.3, 0.8], seed=k), CHAIR, 1))
        ids.add(int(np.bincount(found.instance[floor:]).argmax()))
    assert len(ids) == 6


def test_two_objects_that_are_seen_as_one_again_and_again_become_one() -> None:
    world = World()
    left, right = patch([2, -0.25, 0.7], [0.5, 0.5, 0.05]), patch([2, 0.25, 0.7], [0.5, 0.5, 0.05], seed=1)
    world.add((left, TABLE, 1), (right, TABLE, 2))
    first = {o for o in world.memory._tracks.tracks}
    for _ in range(4):
        world.add((left, TABLE, 1), (right, TABLE, 1))
    tables = [o for o in world.memory.objects() if o.label == TABLE]
    assert len(tables) == 1
    assert tables[0].id in first
    np.testing.assert_allclose(tables[0].centroid, [2, 0, 0.7], atol=0.1)


def test_the_map_is_bounded_and_the_least_recently_seen_voxels_go_first() -> None:
    world = World(max_voxels=20_000)
    for k in range(30):
        T = world.T.copy()
        T[0, 3] = 0.4 * k
        world.add((patch([2 + 0.4 * k, 0, 0.4], [1, 3, 0.8], 8000, seed=k), CHAIR, 1), T=T, dt=1.0)
    assert len(world.memory) <= 20_000
    assert world.memory.cloud().points[:, 0].max() > 12


def test_voxels_out_of_reach_are_freed() -> None:
    world = World(radius=6.0)
    world.add((patch([2, 0, 0.4], [0.5, 0.5, 0.8]), CHAIR, 1))
    T = world.T.copy()
    T[0, 3] = 30.0
    for _ in range(3):
        world.add((patch([32, 0, 0.4], [0.5, 0.5, 0.8]), CHAIR, 1), T=T, dt=60.0)
    near = np.linalg.norm(world.memory.cloud().points[:, :2] - [30, 0], axis=1)
    assert near.max() < 32 + 6


def test_a_jump_of_the_pose_is_noticed_and_new_votes_weigh_more() -> None:
    world, box = World(), patch([2, 0, 0.4], [0.5, 0.5, 0.8])
    for _ in range(6):
        world.add((box, CHAIR, 1))
    jumped = world.T.copy()
    jumped[1, 3] = 3.0
    world.add((box, TABLE, 1), T=jumped)
    assert world.memory.jumps == 1


@pytest.mark.parametrize(
    ("pose", "words"),
    [
        (np.full((4, 4), np.nan), "NaN"),
        (np.eye(3), r"\(3, 3\), must be \(4, 4\)"),
        (np.diag([2.0, 1, 1, 1]), "not orthonormal"),
        (np.diag([-1.0, 1, 1, 1]), "right-handed"),
    ],
)
def test_a_bad_pose_is_refused_and_the_memory_stays(pose, words) -> None:
    world = World()
    world.add((patch([2, 0, 0.4], [0.5, 0.5, 0.8]), CHAIR, 1))
    before = len(world.memory)
    with pytest.raises(PoseError, match=words):
        world.memory.add(np.zeros((10, 3), np.float32), None, pose, 1.0)
    assert len(world.memory) == before


def test_a_saved_map_comes_back_with_its_ids(tmp_path: Path) -> None:
    world, box = World(), patch([2, 0, 0.4], [0.5, 0.5, 0.8])
    for _ in range(3):
        world.add((box, CHAIR, 1))
    world.memory.save(tmp_path / "room.npz")
    other = World()
    other.memory.load(tmp_path / "room.npz")
    assert [o.id for o in other.memory.objects()] == [o.id for o in world.memory.objects()]
    for a, b in zip(other.memory.cloud(), world.memory.cloud(), strict=True):
        assert sorted(map(tuple, np.atleast_2d(a.T).T.tolist())) == sorted(map(tuple, np.atleast_2d(b.T).T.tolist()))
    found, floor = other.add((box, CHAIR, 1))
    assert np.bincount(found.instance[floor:]).argmax() in [o.id for o in world.memory.objects()]


def test_map_files_that_cannot_be_used_are_named_and_the_memory_stays(tmp_path: Path) -> None:
    world = World()
    world.add((patch([2, 0, 0.4], [0.5, 0.5, 0.8]), CHAIR, 1))
    world.memory.save(tmp_path / "whole.npz")
    whole = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "foreign.npz", xyz=np.zeros((3, 3)))
    count = len(world.memory)
    for name in ("cut.npz", "foreign.npz", "missing.npz"):
        with pytest.raises(MapFileError, match=name):
            world.memory.load(tmp_path / name)
    with pytest.raises(MapFileError, match="not saved"):
        world.memory.save(tmp_path / "no folder" / "map.npz")
    assert len(world.memory) == count


def test_map_frames_far_from_their_origin_lose_nothing() -> None:
    world, box = World(), patch([2, 0, 0.4], [0.5, 0.5, 0.8])
    far = world.T.copy()
    far[:3, 3] += [500_000.0, 5_000_000.0, 100.0]
    world.segmenter.label = np.full(len(box), CHAIR, np.uint8)
    world.segmenter.instance = np.ones(len(box), np.uint32)
    for _ in range(2):
        world.memory.add(box, None, far, world.time)
    center = world.memory.cloud().points.mean(axis=0) - far[:3, 3]
    np.testing.assert_allclose(center, [2, 0, 0.4], atol=0.05)


def test_points_that_are_not_finite_keep_what_the_segmenter_gave_them() -> None:
    world = World()
    points = np.full((50, 3), np.nan, np.float32)
    world.segmenter.label, world.segmenter.instance = np.full(50, 255, np.uint8), np.zeros(50, np.uint32)
    found = world.memory.add(points, None, world.T, 0.0)
    assert (found.label == 255).all()
    assert len(world.memory) == 0
