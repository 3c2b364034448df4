"""Confidence of objects, and the bound on it."""

import numpy as np
import pytest

from jspnet_core.pipeline.objects import drop_unsure, rate_objects, size_factor
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.warm_up import made_up_room
from jspnet_core.segmentation import Instance
from jspnet_core.settings import SegmenterSettings


def instance(number: int, confidence: float, voxels: int) -> Instance:
    return Instance(number, 0, confidence, voxels, np.zeros(3), np.zeros(3), np.ones(3), voxels)


def test_confidence_grows_with_votes_and_visible_surface_whatever_the_voxels() -> None:
    small, large, unsure = rate_objects([instance(1, 0.8, 50), instance(2, 0.8, 5000), instance(3, 0.4, 5000)], 0.03)
    assert small.confidence < unsure.confidence < large.confidence < 0.8
    assert unsure.confidence == pytest.approx(large.confidence / 2)
    assert size_factor(500, 0.03) == pytest.approx(0.5)
    assert size_factor(400, 0.03) == pytest.approx(size_factor(100, 0.06)), "the same surface"


def test_objects_below_the_bound_are_dropped_and_their_points_carry_no_object() -> None:
    ids = np.array([0, 1, 2, 3, 3, 1], np.uint32)
    found = [instance(1, 0.3, 10), instance(2, 0.5, 10), instance(3, 0.49, 10)]
    kept_ids, kept = drop_unsure(ids, found, 0.5)
    assert kept_ids.tolist() == [0, 0, 2, 0, 0, 0]
    assert kept_ids.dtype == np.uint32
    assert [i.id for i in kept] == [2]
    assert drop_unsure(ids, found, 0.0)[0].tolist() == ids.tolist()
    assert drop_unsure(ids, [], 0.5)[0].tolist() == ids.tolist(), "a cloud in which none are searched"


def test_min_confidence_drops_objects_and_leaves_classes() -> None:
    points, colors = made_up_room()
    segmenter = Segmenter(settings=SegmenterSettings(up_axis="z"))
    everything = segmenter.segment(points, colors)
    bound = sorted(i.confidence for i in everything.instances)[len(everything.instances) // 2]
    segmenter.settings = segmenter.settings.model_copy(update={"min_confidence": bound})
    some = segmenter.segment(points, colors)
    segmenter.close()
    np.testing.assert_array_equal(some.label, everything.label)
    np.testing.assert_array_equal(some.confidence, everything.confidence)
    expected = [i.id for i in everything.instances if i.confidence >= bound]
    assert 0 < len(expected) < len(everything.instances)
    assert [i.id for i in some.instances] == expected
    np.testing.assert_array_equal(
        some.instance, np.where(np.isin(everything.instance, expected), everything.instance, 0)
    )
