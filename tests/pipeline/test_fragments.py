"""Fragments of objects joined to what they touch, on surfaces of voxels 3 cm apart."""

import numpy as np
import pytest

from jspnet_core.pipeline.merging.block_merging import finish_instances
from jspnet_core.pipeline.merging.fragments import join_fragments
from jspnet_core.pipeline.merging.merge import split_and_join
from jspnet_core.settings import FrameSettings, SegmenterSettings

TABLE, CHAIR, WALL, CLUTTER = 0, 1, 2, 3
SMALLEST = np.array([150.0, 100.0, 150.0, np.nan])


def plane(columns: int, rows: int, x: float = 0.0, y: float = 0.0, z: float = 0.7) -> np.ndarray:
    """Voxels of a horizontal surface, (columns * rows, 3) float32, column after column."""
    i, j = np.divmod(np.arange(columns * rows), rows)
    return np.stack([x + 0.03 * i, y + 0.03 * j, np.full(len(i), z)], axis=1).astype(np.float32)


def scene(*parts: tuple[np.ndarray, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Surfaces with their classes: xyz, instance (one of each part) and label."""
    sizes = [len(xyz) for xyz, _ in parts]
    instance = np.repeat(np.arange(len(parts), dtype=np.int32), sizes)
    return np.concatenate([p for p, _ in parts]), instance, np.repeat(np.array([c for _, c in parts], np.uint8), sizes)


def test_a_table_seen_from_near_in_fragments_is_one_object() -> None:
    strips = [(plane(4, 20, x=0.12 * i), TABLE) for i in range(8)]  # 80 voxels each, none of which passes alone
    xyz, instance, label = scene(*strips)
    assert not finish_instances(instance, label, SMALLEST, 1.0)[0].any()
    ids, category = finish_instances(join_fragments(xyz, instance, label, SMALLEST), label, SMALLEST, 1.0)
    assert (ids == 1).all()
    assert category.tolist() == [TABLE]


def test_two_chairs_that_touch_stay_two_and_a_fragment_between_them_joins_the_one_it_touches_more() -> None:
    left, right = plane(12, 12), plane(12, 12, x=0.42)
    between = plane(2, 12, x=0.36)[6:]  # 18 voxels: a column and a half
    xyz, instance, label = scene((left, CHAIR), (between, CHAIR), (right, CHAIR))
    joined = join_fragments(xyz, instance, label, SMALLEST, reach=0.04)
    assert len(set(joined.tolist())) == 2
    assert joined[0] != joined[-1]
    assert (joined[instance == 1] == joined[-1]).all(), "12 of its voxels touch the right one, 6 the left one"


def test_a_chain_of_fragments_does_not_make_one_of_two_chairs() -> None:
    links = [(plane(2, 4, x=0.36 + 0.06 * i), CHAIR) for i in range(4)]
    xyz, instance, label = scene((plane(12, 12), CHAIR), *links, (plane(12, 12, x=0.6), CHAIR))
    joined = join_fragments(xyz, instance, label, SMALLEST)
    assert sorted(set(joined.tolist())) == [0, 1]
    assert joined[0] != joined[-1]


@pytest.mark.parametrize(("most_foreign", "objects"), [(0, 2), (20, 1)])
def test_a_speck_joins_another_class_only_where_it_may(most_foreign: int, objects: int) -> None:
    xyz, instance, label = scene((plane(20, 20), TABLE), (plane(4, 4, x=0.3, y=0.3, z=0.73), CHAIR))
    joined = join_fragments(xyz, instance, label, SMALLEST, most_foreign)
    assert len(set(joined.tolist())) == objects
    ids, category = finish_instances(joined, label, SMALLEST, 1.0)
    assert category.tolist() == [TABLE]
    assert ids[-1] == (1 if most_foreign else 0)


def test_a_speck_prefers_its_class_to_a_longer_border_with_another() -> None:
    speck = plane(2, 20, x=0.6)  # all of it lies on the wall, and a column of it touches the table
    xyz, instance, label = scene(
        (plane(20, 20), TABLE), (speck, TABLE), (speck + np.float32([0, 0, 0.03]), WALL), (plane(20, 20, x=0.66), WALL)
    )
    joined = join_fragments(xyz, instance, label, SMALLEST, most_foreign=100, reach=0.05)
    assert (joined[instance == 1] == joined[0]).all()
    assert (joined[instance == 2] == joined[-1]).all()


def test_classes_of_unknown_size_and_large_instances_are_left_alone() -> None:
    xyz, instance, label = scene((plane(3, 3), CLUTTER), (plane(3, 3, x=0.09), CLUTTER), (plane(20, 20, x=0.18), WALL))
    assert join_fragments(xyz, instance, label, SMALLEST, most_foreign=1000).tolist() == instance.tolist()


def test_what_touches_nothing_stays_as_it_is_and_points_without_an_instance_too() -> None:
    xyz, instance, label = scene((plane(20, 20), TABLE), (plane(3, 3, x=5.0), TABLE), (plane(3, 3, x=0.6), WALL))
    instance[instance == 2], label[-9:] = -1, 255
    assert join_fragments(xyz, instance, label, SMALLEST, most_foreign=1000).tolist() == instance.tolist()
    nothing = join_fragments(xyz[:0], instance[:0], label[:0], SMALLEST)
    assert nothing.shape == (0,)


def test_the_order_of_the_voxels_does_not_matter() -> None:
    parts = [(plane(4, 20, x=0.12 * i), i % 2) for i in range(8)] + [(plane(20, 20, y=0.6), TABLE)]
    xyz, instance, label = scene(*parts)
    expected = join_fragments(xyz, instance, label, SMALLEST, most_foreign=100)
    order = np.random.default_rng(0).permutation(len(xyz))
    found = join_fragments(xyz[order], instance[order], label[order], SMALLEST, most_foreign=100)
    np.testing.assert_array_equal(found, expected[order])


def test_parts_that_a_gap_separates_stay_apart_and_legacy_merging_stays_the_reference() -> None:
    parts = [(plane(20, 20), TABLE), (plane(4, 10, x=0.66), TABLE)]
    xyz, instance, label = scene(*parts)
    together = np.zeros_like(instance)
    sizes = SMALLEST / FrameSettings().min_instance_ratio
    near = FrameSettings(split_gap=0.08)  # 9 cm lie between them, less than the reach of touching
    assert split_and_join(xyz, together, label, sizes, near).tolist() == instance.tolist()
    assert set(split_and_join(xyz, instance, label, sizes, FrameSettings()).tolist()) == {0}
    legacy = SegmenterSettings(merging="legacy")
    assert split_and_join(xyz, instance, label, sizes, legacy) is instance
