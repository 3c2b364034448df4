"""torchrun: two processes train as one does, and go on after one of them is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from jspnet_core.cli.train import train
from jspnet_core.training import train as training
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.loader import DistributedBatchSampler
from jspnet_core.training.distributed import CpuSyncBatchNorm, World
from jspnet_core.training.recipe import Recipe
from tests.labelled_rooms import SMALL, box_room, write_rooms

SETTINGS = [
    "validate_every=1000",
    "checkpoint_minutes=1e-6",
    "dropout=0",
    "learning_rate=1e-5",
    "mixed_precision=false",
]
"""Small steps: rounding, which differs, must not grow. Losses and gradients are large all the same."""

STEPS, BATCH = 30, 2


def test_processes_share_out_every_block_once_whatever_their_number():
    alone = [n for step in DistributedBatchSampler(8, 20, 4, World()) for n in step]
    parts = [list(DistributedBatchSampler(8, 20, 4, World(rank=rank, size=2))) for rank in (0, 1)]
    assert alone == list(range(8, 20))
    assert [n for steps in zip(*parts, strict=True) for part in steps for n in part] == alone


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distributed")
    rooms = [box_room(seed) for seed in range(3)]
    write_rooms(folder / "rooms", rooms, train=["box_0", "box_1"], val=["box_2"])
    run = training.start(folder / "init", SMALL, Recipe(), rooms)
    run.checkpoint().slim().save(folder / "small.pt")
    return folder


def test_the_shared_norm_takes_16_bits_and_keeps_its_statistics_in_32(tmp_path):
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
        plain, shared = torch.nn.BatchNorm1d(3), CpuSyncBatchNorm.from_batch_norm(torch.nn.BatchNorm1d(3))
        torch.testing.assert_close(shared(x.bfloat16()), plain(x.bfloat16()), atol=0.02, rtol=0.02)
        torch.testing.assert_close(shared.running_var, plain.running_var, atol=1e-3, rtol=1e-3)
    finally:
        torch.distributed.destroy_process_group()


def curve(folder: Path) -> dict[int, float]:
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    return {event.step: event.value for event in events.Scalars("train/total")}


def gradients(checkpoint: Checkpoint) -> torch.Tensor:
    """The optimiser's running mean of the gradients, of all weights."""
    return torch.cat([state["exp_avg"].flatten() for state in checkpoint.optimizer["state"].values()])


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
def test_two_processes_train_as_one_though_one_is_killed(place):
    """The curve and the gradients are those of one process; batch norms and losses are over all blocks."""
    train(
        place / "rooms",
        out=place / "one",
        init=place / "small.pt",
        samples=STEPS * BATCH,
        batch=BATCH,
        settings=SETTINGS,
        workers=0,
    )
    arguments = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "--max-restarts=1",
        "-m",
        "jspnet_core.cli.main",
        "train",
        str(place / "rooms"),
        "--out",
        str(place / "two"),
        "--init",
        str(place / "small.pt"),
        "--samples",
        str(STEPS * BATCH),
        "--batch",
        str(BATCH),
        "--workers",
        "0",
    ]
    arguments += [part for setting in SETTINGS for part in ("--set", setting)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (place / "log").open("w") as log:
        launcher = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT, env=environment)
    while not (place / "two" / "last.pt").is_file() and launcher.poll() is None:
        time.sleep(0.02)
    assert launcher.poll() is None, (place / "log").read_text()
    os.kill(children(launcher.pid)[1], signal.SIGKILL)
    assert launcher.wait(timeout=500) == 0, (place / "log").read_text()
    record = json.loads((place / "two" / "run.json").read_text())
    assert record["processes"] == 2
    assert len(record["resumed"]) == 1
    one, two = curve(place / "one"), curve(place / "two")
    assert list(one) == list(two) == [10 * BATCH, 20 * BATCH, 30 * BATCH]
    assert list(two.values()) == pytest.approx(list(one.values()), rel=1e-4)
    ours, theirs = (Checkpoint.load(place / name / "last.pt") for name in ("one", "two"))
    assert ours.samples == theirs.samples == STEPS * BATCH
    mean, found = gradients(ours), gradients(theirs)
    assert (found - mean).norm() < 0.02 * mean.norm()
