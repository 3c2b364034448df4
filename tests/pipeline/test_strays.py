"""Returns far from everything else change no other point's label."""

from __future__ import annotations

import numpy as np
import pytest

from jspnet_core.errors import CloudError
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.pipeline.strays import check_heights, without_strays
from jspnet_core.pipeline.warm_up import made_up_room
from jspnet_core.settings import FrameSettings


@pytest.fixture(scope="module")
def segmenter():
    segmenter = Segmenter(settings=FrameSettings(voxel_size=0.05, max_blocks=4))
    yield segmenter
    segmenter.close()


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0, -1), (1, 0, 0), (-0.6, 0.8, 0.1)])
@pytest.mark.parametrize("distance", [300.0, 2500.0, 9900.0])
def test_strays_change_no_other_label(segmenter, direction, distance):
    points, colors = (array[::10] for array in made_up_room())
    spoilt, without = points.copy(), points.copy()
    spoilt[::1500] = np.array(direction) * distance + np.arange(10)[:, None]
    without[::1500] = np.nan
    alone = segmenter.segment(without, colors, T_gravity_input=np.eye(4))
    found = segmenter.segment(spoilt, colors, T_gravity_input=np.eye(4))
    np.testing.assert_array_equal(found.label, alone.label)
    np.testing.assert_array_equal(found.instance, alone.instance)
    assert (found.label[::1500] == 255).all()


def test_clouds_without_strays_are_returned_as_they_are():
    points, _ = made_up_room()
    assert without_strays(points)[0] is points
    wide = points * np.array([80.0, 40.0, 1.0], np.float32)  # a large building
    assert without_strays(wide)[0] is wide
    nothing = np.full((5, 3), np.nan, np.float32)
    assert without_strays(nothing)[0] is nothing


def test_a_cloud_that_is_far_too_high_is_refused_with_its_heights(segmenter):
    points, colors = made_up_room()
    with pytest.raises(CloudError, match="0 to 2500 m above the floor.*check the units") as caught:
        segmenter.segment(np.round(1000 * points), colors, T_gravity_input=np.eye(4))
    assert caught.value.reason == "extent"
    T = np.eye(4)
    T[2, 3] = -1000.0
    with pytest.raises(CloudError, match="check the units and the gravity frame"):
        check_heights(*without_strays(points), T)
    check_heights(*without_strays(points), np.eye(4))
