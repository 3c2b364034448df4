"""A training step as a CUDA graph: the same losses as a plain one; and a run of it that goes on without."""

import pytest
import torch

from jspnet_core.training import train as training
from jspnet_core.training.cuda_graph_step import WARM_UP, CudaGraphError, CudaGraphStep, can_capture
from jspnet_core.training.dataset.random_dataset import RandomBlockDataset
from jspnet_core.training.optimizer import set_learning_rate
from jspnet_core.training.recipe import Recipe
from jspnet_core.training.validation import NO_AUGMENTATION
from tests.labelled_rooms import SMALL, box_room

RECIPE = Recipe(samples=40, batch=2, optimizer="adamw", weight_decay=0.01, schedule="cosine", ema=0.9, clip_norm=1.0)
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA graph is recorded on a GPU")


@pytest.fixture(scope="module")
def rooms():
    return [box_room(0), box_room(1)]


@needs_gpu
def test_recorded_steps_give_the_losses_of_plain_ones(rooms, tmp_path):
    """Ten steps, the first three of them plain in both; rate and averaged weights follow in the recorded ones."""
    blocks, found = RandomBlockDataset(rooms, SMALL, NO_AUGMENTATION, seed=0), {}
    for name in ("plain", "recorded"):
        run = training.start(tmp_path / name, SMALL, RECIPE, rooms)
        assert can_capture(run)
        recorded = CudaGraphStep(run, None)
        losses = []
        for i in range(0, 20, 2):
            batch = training.to_device(blocks.collate([blocks[i], blocks[i + 1]]), run.world.device)
            took = recorded(batch) if name == "recorded" else training.train_step(run, run.network, batch)
            losses.append({kind: float(value) for kind, value in took.items()})
            run.samples += 2
        found[name] = losses, run.average.module.state_dict(), float(run.optimizer.param_groups[0]["lr"])
    assert found["recorded"][0][-1]["total"] < found["recorded"][0][0]["total"]
    for plain, recorded in zip(found["plain"][0], found["recorded"][0], strict=True):
        assert recorded == pytest.approx(plain, rel=0.02, abs=0.02)
    assert found["recorded"][2] == pytest.approx(found["plain"][2])
    for name, weight in found["plain"][1].items():
        torch.testing.assert_close(found["recorded"][1][name], weight, rtol=0.05, atol=0.02)


def test_a_step_that_cannot_be_recorded_says_how_to_train(rooms, tmp_path, monkeypatch):
    """Make the capture itself fail, so that the test runs without a GPU."""

    class Refused:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            raise RuntimeError("operation not permitted when stream is capturing\nmore lines")

        def __exit__(self, *_):
            pass

    for name in ("Stream", "CUDAGraph", "graph"):
        monkeypatch.setattr(torch.cuda, name, Refused)
    run = training.start(tmp_path, SMALL, RECIPE, rooms)
    blocks = RandomBlockDataset(rooms, SMALL, NO_AUGMENTATION, seed=0)
    step = CudaGraphStep(run, None)
    step._eager_steps = WARM_UP
    with pytest.raises(CudaGraphError, match=r"\(operation not permitted when stream is capturing\); .*--no-graphs"):
        step(blocks.collate([blocks[0], blocks[1]]))


def test_a_run_whose_steps_were_recorded_goes_on_where_they_are_not(rooms, tmp_path):
    run = training.start(tmp_path, SMALL, RECIPE, rooms)
    blocks = RandomBlockDataset(rooms, SMALL, NO_AUGMENTATION, seed=0)
    batch = blocks.collate([blocks[0], blocks[1]])
    training.train_step(run, run.network, training.to_device(batch, run.world.device))
    run.samples = 2
    for group in run.optimizer.param_groups:  # as a recorded step leaves them
        group["lr"], group["capturable"] = torch.tensor(0.1), True
    set_learning_rate(run.optimizer, 0.25)
    assert [float(group["lr"]) for group in run.optimizer.param_groups] == [0.25]
    run.save()
    resumed = training.resume(tmp_path)
    assert [(group["lr"], group["capturable"]) for group in resumed.optimizer.param_groups] == [(0.25, False)]
    training.train_step(resumed, resumed.network, training.to_device(batch, resumed.world.device))
    assert resumed.optimizer.param_groups[0]["lr"] == RECIPE.learning_rate_at(2)
