"""The benchmark of sizes: what it measures of each network, and which networks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import typer

from jspnet_core.classes import S3DIS
from jspnet_core.network import build_network
from jspnet_core.network.fusion import PIFF
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint
from tests.labelled_rooms import SMALL, box_room, write_rooms

sizes = pytest.importorskip("benchmarks.scaling.sizes")
with_narrow_attention = pytest.importorskip("benchmarks.frame.narrow_attention").with_narrow_attention


@pytest.fixture(scope="module")
def checkpoint():
    recipe = {"augmentation": {"voxel_size": 0.03}}
    return Checkpoint(SMALL, S3DIS, build_network(SMALL).state_dict(), None, 0, recipe, {}, [None] * 13)


def test_a_trained_size_stands_beside_its_cheaper_forms_and_the_untrained_ones(checkpoint):
    titles = [candidate.title for candidate in sizes.candidates([("m", checkpoint)])]
    assert [title for title in titles if len(title) == 1] == ["s", "m", "l"]
    assert all(title.startswith("m, ") for title in titles if len(title) > 1)
    assert len(titles) == 8  # the three sizes, and of m: 8 bits, half the points, other keys, a narrow attention
    taught = replace(checkpoint, recipe={**checkpoint.recipe, "teacher": "some.pt"})
    titles = [candidate.title for candidate in sizes.candidates([("s", checkpoint), ("s", taught)])]
    assert {"s", "s, distilled", "s, 8 bits", "s, distilled, 8 bits"} <= set(titles)
    half = next(c for c in sizes.candidates([("m", checkpoint)]) if "half the points" in c.title)
    assert half.configuration.points == SMALL.points // 2


def test_a_narrow_attention_loses_nothing_where_the_wide_one_needs_no_more():
    wide = NetworkConfiguration(**{**SMALL.model_dump(), "d_k": 8, "d_v": 12})
    narrow = NetworkConfiguration(**{**SMALL.model_dump(), "d_k": 4, "d_v": 6})
    full = PIFF(wide, outputs=3)
    with torch.no_grad():
        full.query.weight[4:], full.query.bias[4:] = 0, 0  # half of the width has no meaning
        full.value.weight[6:] = 0
        full.value.bias.normal_(), full.key.bias.normal_(), full.query.bias[:4].normal_()
    weights = {f"{name}_piff.{key}": x for name in ("semantic", "instance") for key, x in full.state_dict().items()}
    smaller = PIFF(narrow, outputs=3)
    found = with_narrow_attention(weights, narrow)
    smaller.load_state_dict({key.removeprefix("semantic_piff."): x for key, x in found.items() if "semantic" in key})
    own, other = torch.randn(2, 1, 40, 2 * wide.fusion)
    anchors = torch.arange(wide.piff_key_count, dtype=torch.int32)[None] % 40
    torch.testing.assert_close(
        smaller.eval()(own, other, anchors), full.eval()(own, other, anchors), atol=1e-4, rtol=1e-4
    )


def test_a_network_in_8_bits_is_timed_and_scored(checkpoint, tmp_path):
    folder = write_rooms(tmp_path, [box_room(0)], val=["box_0"])
    candidate = sizes.Candidate("small", SMALL, checkpoint, eight_bits=True)
    timed = sizes.Timed.of(candidate, tmp_path / "model")
    timed.run(sizes.large_products(1)["onnxruntime"])
    figures = sizes.figures_of(timed, [folder / "box_0.npz"], views=1, known=None)
    again = sizes.figures_of(timed, [], views=1, known={**figures, "rooms": {"mIoU": 0.5}})
    assert again == {**figures, "rooms": {"mIoU": 0.5}}
    assert figures["ms"] > 0
    assert figures["gflop"] == pytest.approx(1e-9 * sizes.work_of_a_block(SMALL, padded=False).total())
    assert set(figures["rooms"]) == set(figures["views"]) == set(sizes.SCORES)
    assert figures["of_large_product"] is None, "8 bits have another ceiling"
    assert len(sizes.row(figures)) == len(sizes.HEAD)


@pytest.mark.parametrize("file", [None, "missing.json"])
def test_scores_that_nobody_has_cannot_be_kept(tmp_path, file):
    with pytest.raises(typer.BadParameter, match="--keep-scores: --json must name a file"):
        sizes.scored_before(file and tmp_path / file)
