"""Furnished scenes of own shapes: same seed, same scene; nothing in anything else; room to drive; all kinds work."""

from __future__ import annotations

import numpy as np
import pytest

from jspnet_core.classes import INDOOR
from jspnet_core.synthetic.assets.kinds import CLASS_ID, class_of
from jspnet_core.synthetic.layout import KINDS, make_furnished_scene
from jspnet_core.synthetic.layout.plan import contains

SEEDS = range(20)


@pytest.fixture(scope="module")
def scenes() -> dict:
    """Twenty scenes of each kind."""
    return {kind: [make_furnished_scene(seed, kind) for seed in SEEDS] for kind in KINDS}


def corners(placed) -> np.ndarray:
    """(V, 3) vertices of a placed mesh in the world, metres."""
    return placed.mesh.vertices @ placed.T_world_mesh[:3, :3].T + placed.T_world_mesh[:3, 3]


def furniture(scene) -> list:
    """Placed meshes that are neither architecture nor hung on a wall or on the ceiling, by object."""
    architecture = {CLASS_ID[n] for n in ("ceiling", "floor", "wall", "beam", "column", "window", "door", "curtain")}
    return [p for p in scene.placed if p.label not in architecture]


def test_the_same_seed_gives_the_same_scene() -> None:
    first, second = make_furnished_scene(7), make_furnished_scene(7)
    assert first.kind == second.kind
    assert len(first.placed) == len(second.placed)
    for a, b in zip(first.placed, second.placed, strict=True):
        assert (a.label, a.instance, a.materials) == (b.label, b.instance, b.materials)
        np.testing.assert_array_equal(a.T_world_mesh, b.T_world_mesh)
        np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)


def test_other_seeds_give_other_scenes() -> None:
    counts = {len(make_furnished_scene(seed, "office").placed) for seed in range(8)}
    assert len(counts) > 3


def test_an_unknown_kind_is_named_with_the_kinds_there_are() -> None:
    with pytest.raises(ValueError, match="living_room.*'cellar'"):
        make_furnished_scene(0, "cellar")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_floor_to_stand_on_and_furniture(scenes, kind: str) -> None:
    for scene in scenes[kind]:
        assert scene.kind == kind
        assert len(scene.free) == len(scene.outlines)
        assert len(scene.free[0]) >= 60
        assert len(furniture(scene)) >= 5


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_where_a_robot_can_stand(scenes, kind: str) -> None:
    for scene in scenes[kind][:8]:
        free = np.concatenate(scene.free)
        for placed in furniture(scene):
            points = corners(placed)
            low, high = points.min(0), points.max(0)
            if low[2] > 0.3 or high[2] < 0.05 or high[2] - low[2] < 0.05:
                continue
            near = np.linalg.norm(free[:, None] - points[None, ::7, :2], axis=2)
            assert near.min() > 0.12, f"{scene.name}: {INDOOR.names[placed.label]} at {low} to {high}"


@pytest.mark.parametrize("kind", KINDS)
def test_everything_lies_inside_the_rooms(scenes, kind: str) -> None:
    for scene in scenes[kind]:
        for placed in furniture(scene):
            middle = corners(placed).mean(0)
            assert any(contains(outline, middle[None, :2])[0] for outline in scene.outlines), scene.name
            assert corners(placed)[:, 2].min() >= -0.03, scene.name
            assert corners(placed)[:, 2].max() < scene.ceiling + 0.03, scene.name


def test_large_pieces_do_not_stand_in_each_other(scenes) -> None:
    big = {CLASS_ID[n] for n in ("sofa", "bookcase", "bed", "counter", "appliance", "table")}
    for scene in (s for of_kind in scenes.values() for s in of_kind):
        boxes = []
        for placed in scene.placed:
            turned = np.abs(placed.T_world_mesh[:2, :2])
            if placed.label in big and turned.min() < 1e-6 and placed.T_world_mesh[2, 3] == 0.0:
                points = corners(placed)
                boxes.append((points.min(0) + 0.04, points.max(0) - 0.04))
        low, high = (np.array(ends) for ends in zip(*boxes, strict=True)) if boxes else (np.zeros((0, 3)),) * 2
        overlap = (low[:, None] < high[None]) & (low[None] < high[:, None])
        assert overlap.all(2).sum() == len(boxes), scene.name


def test_the_doorways_of_a_dwelling_connect_its_rooms(scenes) -> None:
    for scene in scenes["dwelling"] + scenes["floor"]:
        assert len(scene.outlines) >= 2
        doors = [p for p in scene.placed if p.label == CLASS_ID["door"]]
        assert doors, scene.name


def test_windows_doors_and_boards_have_depth(scenes) -> None:
    found = {name: 0 for name in ("window", "door", "board")}
    for scene in (s for of_kind in scenes.values() for s in of_kind):
        for placed in scene.placed:
            name = INDOOR.names[placed.label]
            if name in found and placed.mesh.vertices[:, 2].max() > 0.5:
                found[name] += 1
                assert np.ptp(placed.mesh.vertices[:, 1]) > 0.012, (scene.name, name)
    assert all(count > 100 for count in found.values()), found


def test_objects_have_numbers_of_their_own(scenes) -> None:
    for scene in (s for of_kind in scenes.values() for s in of_kind):
        label = {}
        for placed in scene.placed:
            assert placed.instance > 0
            assert label.setdefault(placed.instance, placed.label) == placed.label, scene.name


def test_chairs_look_at_their_tables() -> None:
    """Seats pushed to a table turn their front (-y) towards it more often than not."""
    towards = 0
    total = 0
    for seed in range(12):
        scene = make_furnished_scene(seed, "meeting_room")
        tables = [p for p in scene.placed if p.label == CLASS_ID["table"]]
        for chair in (p for p in scene.placed if p.label == CLASS_ID["chair"]):
            to = np.array([t.T_world_mesh[:2, 3] - chair.T_world_mesh[:2, 3] for t in tables])
            if not len(to):
                continue
            near = to[np.argmin(np.linalg.norm(to, axis=1))]
            front = -chair.T_world_mesh[:2, 1]
            total += 1
            towards += front @ near > 0
    assert total > 20
    assert towards > 0.7 * total


def test_shares_of_the_classes_over_many_rooms(scenes) -> None:
    """Area of the surfaces by class: no class swallows the rooms, none of the common ones is missing."""
    area = np.zeros(len(INDOOR.names))
    for scene in (s for of_kind in scenes.values() for s in of_kind):
        for placed in scene.placed:
            points = corners(placed)[placed.mesh.faces]
            sides = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1)
            area[placed.label] += sides.sum() / 2
    share = dict(zip(INDOOR.names, area / area.sum(), strict=True))
    assert all(value > 0 for value in share.values()), share
    for name, most in (("wall", 0.4), ("floor", 0.2), ("ceiling", 0.25), ("bookcase", 0.3), ("door", 0.15)):
        assert 0.02 < share[name] < most, (name, share[name])
    for name in ("table", "chair", "clutter", "cabinet", "window"):
        assert share[name] > 0.01, (name, share[name])


def test_kinds_without_a_class_are_clutter() -> None:
    assert class_of("teapot") == CLASS_ID["clutter"]
    assert class_of("fridge") == CLASS_ID["appliance"]
