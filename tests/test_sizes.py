"""The benchmark of sizes: what it measures of each network, and which networks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from jspnet_core.classes import S3DIS
from jspnet_core.network import build_network
from jspnet_core.training.checkpoint import Checkpoint
from tests.labelled_rooms import SMALL, box_room, write_rooms

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
sizes = pytest.importorskip("sizes")


@pytest.fixture(scope="module")
def checkpoint():
    recipe = {"augmentation": {"voxel_size": 0.03}}
    return Checkpoint(SMALL, S3DIS, build_network(SMALL).state_dict(), None, 0, recipe, {}, [None] * 13)


def test_a_trained_size_stands_beside_its_cheaper_forms_and_the_untrained_ones(checkpoint):
    titles = [candidate.title for candidate in sizes.candidates({"m": checkpoint})]
    assert [title for title in titles if len(title) == 1] == ["s", "m", "l"]
    assert all(title.startswith("m, ") for title in titles if len(title) > 1)
    assert len(titles) == 6
    half = next(c for c in sizes.candidates({"m": checkpoint}) if "half the points" in c.title)
    assert half.configuration.points == SMALL.points // 2


def test_a_network_in_8_bits_is_timed_and_scored(checkpoint, tmp_path):
    folder = write_rooms(tmp_path, [box_room(0)], val=["box_0"])
    candidate = sizes.Candidate("small", SMALL, checkpoint, eight_bits=True)
    figures = sizes.measure(candidate, [folder / "box_0.npz"], views=1, repeats=1)
    assert figures["ms"] > 0
    assert figures["gflop"] == pytest.approx(1e-9 * sizes.work_of_a_block(SMALL, padded=False).total())
    assert set(figures["rooms"]) == set(figures["views"]) == set(sizes.SCORES)
    assert len(sizes.row(figures)) == len(sizes.HEAD)
