"""Labels of voxels to points, and summaries of instances, compared with a slow reference."""

import numpy as np

from jspnet_core.classes import NO_INSTANCE, UNLABELLED
from jspnet_core.pipeline.labels_to_points import paint_points, summarize_instances
from jspnet_core.pipeline.voting import Votes


def test_points_and_instances_are_those_of_their_voxels():
    rng = np.random.default_rng(0)
    voxels, n = 200, 5000
    xyz = rng.random((voxels, 3), np.float32)
    label = rng.integers(0, 13, voxels).astype(np.uint8)
    confidence = rng.random(voxels, np.float32)
    instance = rng.integers(0, 6, voxels).astype(np.uint32)
    instance[instance == 4] = NO_INSTANCE  # an id that no voxel has
    of_point = rng.integers(-1, voxels, n).astype(np.int32)
    labels, confidences, instances, points = paint_points(of_point, label, confidence, instance)

    seen = of_point >= 0
    assert not seen.all()
    np.testing.assert_array_equal(labels, np.where(seen, label[of_point], UNLABELLED))
    np.testing.assert_array_equal(confidences, np.where(seen, confidence[of_point], 0))
    np.testing.assert_array_equal(instances, np.where(seen, instance[of_point], NO_INSTANCE))
    np.testing.assert_array_equal(points, np.bincount(of_point[seen], minlength=voxels))

    found = summarize_instances(xyz, points, confidence, instance, label=np.arange(10, 15, dtype=np.uint8))
    assert [(i.id, i.label) for i in found] == [(1, 10), (2, 11), (3, 12), (5, 14)]
    for one in found:
        members = xyz[of_point[instances == one.id]].astype(np.float64)
        assert one.point_count == len(members)
        np.testing.assert_allclose(one.centroid, members.mean(axis=0))
        np.testing.assert_array_equal(one.minimum, members.min(axis=0).astype(np.float32))
        np.testing.assert_array_equal(one.maximum, members.max(axis=0).astype(np.float32))
        np.testing.assert_allclose(one.confidence, confidences[instances == one.id].mean(dtype=np.float64))


def test_a_class_of_few_voxels_gives_way_to_the_next_best():
    probabilities = np.array([[0.7, 0.2, 0.1]] * 6 + [[0.3, 0.1, 0.6]] * 2 + [[0.1, 0.5, 0.4]] * 3)
    index, count = np.arange(11, dtype=np.int32)[None], np.array([11])

    def result(least, voxels=12):
        votes = Votes(voxels, 3)
        votes.add(np.log(probabilities).astype(np.float32)[None], index, count)
        return votes.result(least)

    label, confidence, there = result(0)
    assert label.tolist() == [0] * 6 + [2] * 2 + [1] * 3 + [UNLABELLED]
    assert there.all()
    label, confidence, there = result(3)  # class 2 has two voxels
    assert label.tolist() == [0] * 8 + [1] * 3 + [UNLABELLED]
    np.testing.assert_allclose(confidence, [0.7] * 6 + [0.3] * 2 + [0.5] * 3 + [0], atol=1e-6)
    assert there.tolist() == [True, True, False]
    label, _, there = result(1000)  # a small cloud keeps the class that most of it has
    assert label.tolist() == [0] * 11 + [UNLABELLED]
    assert there.tolist() == [True, False, False]
