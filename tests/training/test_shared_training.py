"""Several runs on the same blocks: each has the result of a separate run."""

import numpy as np
import pytest
import torch

from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.dataset.shared_dataset import SharedBlockDataset, counts_of
from jspnet_core.training.shared_training import shared_batches
from jspnet_core.training.validation import NO_AUGMENTATION
from tests.labelled_rooms import SMALL, box_room


@pytest.fixture(scope="module")
def parts():
    return {name: RandomBlockDataset([box_room(i)], SMALL, NO_AUGMENTATION, seed=i) for i, name in enumerate("ab")}


@pytest.mark.parametrize(
    ("mix", "counts"),
    [
        ({"a": 1.0}, {"a": 16}),
        ({"a": 0.4, "b": 0.6}, {"a": 6, "b": 10}),
        ({"a": 2, "b": 1, "c": 1}, {"a": 8, "b": 4, "c": 4}),
    ],
)
def test_shares_become_whole_numbers_of_blocks(mix, counts):
    assert counts_of(mix, 16) == counts


def test_blocks_are_cut_once_for_the_run_that_needs_most(parts):
    shared = SharedBlockDataset(parts, [{"a": 1.0}, {"a": 0.5, "b": 0.5}], batch=4)
    assert shared.plan == [0, 0, 0, 0, 1, 1]
    assert shared.slots == [[0, 1, 2, 3], [0, 1, 4, 5]]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_packed_batch_is_the_batch(parts, workers):
    shared = SharedBlockDataset(parts, [{"a": 1.0}, {"a": 0.5, "b": 0.5}], batch=4)
    step = 3
    packed = next(shared_batches(shared, step, workers, torch.device("cpu")))
    batches = packed.unpack()
    blocks = [shared[step * 6 + i] for i in range(6)]
    for run, slots in enumerate(shared.slots):
        wanted = parts["a"].collate([blocks[s] for s in slots])
        found = batches[str(run)]
        assert found.keys() == wanted.keys()
        assert found["instances"] == wanted["instances"]
        for name in ("features", "label", "instance"):
            np.testing.assert_array_equal(found[name], wanted[name])
        for name, array in wanted["pyramid"].items():
            assert found["pyramid"][name].dtype == array.dtype
            np.testing.assert_array_equal(found["pyramid"][name], array)
