"""Fill a quarter of an hour on a fresh machine with a GPU: generate furnished rooms, train two networks on them, save.

    python tools/gpu/train_on_gpu.py OUT --assets FURNITURE [--real ROOMS.xz] [--seconds 580]

`free` learns from generated rooms and frames alone, `both` also from labelled rooms (`pack_rooms.py`) and begins from
--init. Both see the same generated blocks. OUT gets FREE.pt and BOTH.pt each minute, `curves.jsonl`, `log.txt` and
`scores.json`: blocks of scenes whose furniture never trains.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from torch.utils.data import Dataset

from jspnet_core.classes import INDOOR, S3DIS
from jspnet_core.data.furnish_ahead import Furnishing, furnish_ahead
from jspnet_core.data.generated import FRAMES
from jspnet_core.data.provenance import FURNISHED_DATA, S3DIS_DATA
from jspnet_core.data.rooms import Room, open_rooms
from jspnet_core.network_config import NetworkConfiguration, Size
from jspnet_core.training import run as training_run
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.dataset.block_dataset import BlockDataset
from jspnet_core.training.dataset.mixed_dataset import source_blocks
from jspnet_core.training.dataset.packed_batch import PackedBatch
from jspnet_core.training.dataset.shared_dataset import Mix, SharedBlockDataset
from jspnet_core.training.recipe import MODERN, Augmentation, Recipe
from jspnet_core.training.shared_training import Member, SharedTraining, shared_batches
from jspnet_core.training.sources import Source
from jspnet_core.training.targets import Targets
from jspnet_core.training.validation import Validation

BEGUN = float(os.environ.get("TRAIN_ON_GPU_BEGUN") or time.time())
"""When the time began to count, in seconds since the epoch: set by a shell that installs packages first."""

LAST, ENOUGH_TO_SCORE = 25.0, 10.0
"""Seconds kept at the end for scores and weights; seconds that the scores of a network take."""

PATIENCE = 60.0
"""Seconds that generating may take longer than its limit."""

GENERATING_UNTIL, PIECE_SECONDS = 0.6, 50.0
"""Share of the time until which generating goes on beside the training; seconds of each piece of it."""

LOOK_FOR_PARTS = 300
"""Blocks that a loader process cuts between two looks for new rooms."""

SAVE_EVERY, LOOK_EVERY = 60.0, 10.0
REAL_VIEWS, ROOM_VIEWS = 0.65, 0.25
"""Share of the blocks of rooms that a simulated camera sees."""

SIZES_OF = 150
"""Rooms from which mean sizes of instances are taken."""

MIXES = {"free": {"frames": 0.65, "rooms": 0.35}, "both": {"real": 0.4, "frames": 0.38, "rooms": 0.22}}
logger = logging.getLogger("train_on_gpu")


@dataclass(frozen=True)
class Plan:
    """Settings of the command line. seconds: in all, since BEGUN; generating: of them before training begins."""

    out: Path
    work: Path
    assets: str
    real: Path | None
    init: Path | None
    seconds: float
    generating: float
    workers: int
    behind: int
    batch: int
    size: Size
    frames: int
    scenes: int | None
    unseen: float
    one_stream: bool


def elapsed() -> float:
    return time.time() - BEGUN


def main() -> None:
    plan = parsed()
    plan.out.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(plan.out / "log.txt")]
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)8.0f ms  %(message)s", handlers=handlers)
    make_room(plan.work)
    first = start_generating(plan, 0, plan.generating, plan.workers, nice=0)
    sources = real_rooms(plan)
    runs = make_runs(plan, sources)
    warm_up(sources)
    if first.wait(timeout=plan.generating + PATIENCE):
        raise SystemExit("generating failed")
    behind = None
    if plan.behind:
        behind = start_generating(plan, 1, plan.seconds * GENERATING_UNTIL, plan.behind, nice=15)
    sources += furnished(plan)
    warm_up(sources)
    for source in sources:
        logger.info("%s: %d rooms, %d to validate", source.name, len(source.rooms), len(source.validation))
    for run in runs.values():
        run.mean_sizes = sizes_of(sources)
    train(plan, runs, sources)
    if behind is not None:
        behind.terminate()
    shutil.rmtree(plan.work, ignore_errors=True)
    logger.info("done at %.0f s", elapsed())
    logging.shutdown()
    os._exit(0)  # loader processes that still wait for work hold nothing


def parsed() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--work", type=Path, help="folder for generated rooms; default: in memory if there is enough")
    parser.add_argument("--assets", required=True)
    parser.add_argument("--real", type=Path, help="rooms that pack_rooms.py packed, labelled as S3DIS")
    parser.add_argument("--init", type=Path, help="checkpoint that `both` begins from")
    parser.add_argument("--seconds", type=float, default=580.0)
    parser.add_argument("--generating", type=float, default=85.0)
    parser.add_argument("--workers", type=int, default=max((os.cpu_count() or 2) - 1, 1), help="that cut blocks")
    parser.add_argument("--behind", type=int, default=3, help="processes that go on generating; 0: none")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", default="m")
    parser.add_argument("--frames", type=int, default=10, help="of each scene")
    parser.add_argument("--scenes", type=int, help="most scenes of a part")
    parser.add_argument("--unseen", type=float, default=0.06, help="share of the first scenes that never train")
    parser.add_argument("--one-stream", action="store_true", help="the networks' steps one after the other")
    given = vars(parser.parse_args())
    work = given.pop("work") or free_folder()
    return Plan(**given, work=work / f"train_on_gpu_{os.getpid()}")


def free_folder() -> Path:
    """/dev/shm where 40 GB are free, else /tmp."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > 40e9 else Path("/tmp")


def make_room(work: Path) -> None:
    """Batches travel from process to process as open files in shared memory: allow many."""
    work.mkdir(parents=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for place in ("/dev/shm", "/tmp"):
        logger.info("%s: %.1f GB free", place, shutil.disk_usage(place).free / 1e9)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    logger.info("%s, %d cores, torch %s, rooms in %s", gpu, os.cpu_count() or 0, torch.__version__, work)


def start_generating(plan: Plan, part: int, until: float, workers: int, nice: int) -> subprocess.Popen:
    """A process that writes folders of rooms and frames from `part` on until a time in seconds since BEGUN; its worker
    processes inherit nothing of this one."""
    what = {"assets": plan.assets, "frames": plan.frames, "nice": nice, "scenes": plan.scenes}
    what |= {"unseen": plan.unseen if part == 0 else 0.0}
    order = {"work": str(plan.work), "part": part, "until": until, "workers": workers, "what": what}
    environment = os.environ | {"TRAIN_ON_GPU_BEGUN": str(BEGUN), "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen([sys.executable, __file__, "--furnish", json.dumps(order)], env=environment)


def furnish(order: dict) -> None:
    """Generate rooms in a process of `start_generating`: the first part at once, later ones in pieces for training."""
    first = part = order["part"]
    while (left := order["until"] - elapsed()) > 0 and (part == first or first > 0):
        what = Furnishing(**order["what"], first=100_000 * part)
        seconds = left if first == 0 else min(left, PIECE_SECONDS)
        scenes = furnish_ahead(Path(order["work"]) / f"part_{part}", what, seconds, order["workers"])
        print(f"part {part}: {scenes} scenes, ready at {elapsed():.0f} s", flush=True)
        part += 1


def real_rooms(plan: Plan) -> list[Source]:
    if plan.real is None:
        return []
    from tools.gpu.pack_rooms import unpack

    folder = plan.work / "real"
    unpack(plan.real, folder, S3DIS)
    logger.info("real rooms unpacked")
    return [Source("real", open_rooms(folder, "train"), S3DIS)]


def furnished(plan: Plan) -> list[Source]:
    """Scans and frames of all parts that are whole."""
    found: dict[str, list[Room]] = {"rooms": [], "frames": [], "rooms_val": [], "frames_val": []}
    for part in parts_of(plan):
        for name, folder in (("rooms", part), ("frames", part / FRAMES)):
            found[name] += open_rooms(folder, "train")
            found[f"{name}_val"] += open_rooms(folder, "val")
    return [
        Source("rooms", found["rooms"], INDOOR, validation=found["rooms_val"]),
        Source("frames", found["frames"], INDOOR, single_views=True, validation=found["frames_val"]),
    ]


def parts_of(plan: Plan) -> list[Path]:
    """Folders of generated rooms that are whole."""
    return sorted(plan.work.glob("part_*"))


def recipe_of(plan: Plan, name: str) -> Recipe:
    rate = 1e-3 if name == "both" and plan.init else MODERN.learning_rate
    changes = {"batch": plan.batch, "learning_rate": rate, "ema": 0.999, "class_weight": 0.3}
    return MODERN.model_copy(update=changes)


def make_runs(plan: Plan, sources: list[Source]) -> dict[str, training_run.TrainingRun]:
    runs = {}
    for name in MIXES if sources else ["free"]:
        init = Checkpoint.load(plan.init) if plan.init and name == "both" else None
        configuration = NetworkConfiguration.of_size(plan.size, classes=len(INDOOR))
        data = [FURNISHED_DATA, *([S3DIS_DATA] if name == "both" else [])]
        runs[name] = training_run.start(
            plan.work / name, configuration, recipe_of(plan, name), [], classes=INDOOR, init=init, sources=data
        )
        logger.info("%s: %s", name, "; ".join(runs[name].notes) or "from scratch")
    return runs


def warm_up(sources: list[Source]) -> None:
    """Compile the kernels that cut blocks once, for all loader processes."""
    for source in sources:
        parts = blocks_of([replace(source, rooms=source.rooms[:1])], NetworkConfiguration.of_size("m"))
        for blocks in parts.values():
            for i in range(12):
                blocks[i]
    logger.info("kernels compiled")


def augmentation_of(source: Source) -> Augmentation:
    views = {"real": REAL_VIEWS, "rooms": ROOM_VIEWS}.get(source.name, 0.0)
    return MODERN.augmentation.model_copy(update={"views": views})


def targets_of(sources: list[Source]) -> Targets:
    return Targets.of(INDOOR, [INDOOR, *(source.classes for source in sources)])


def blocks_of(sources: list[Source], configuration: NetworkConfiguration) -> dict[str, BlockDataset]:
    targets = targets_of(sources)
    configuration = configuration.model_copy(update={"classes": len(INDOOR)})
    return {s.name: source_blocks(s, targets, configuration, augmentation_of(s), seed=i) for i, s in enumerate(sources)}


def sizes_of(sources: list[Source]) -> list[float | None]:
    from jspnet_core.data.instance_sizes import mean_instance_sizes

    rooms = next(source.rooms for source in sources if source.name == "rooms")[:SIZES_OF]
    sizes = mean_instance_sizes(rooms, len(INDOOR), MODERN.augmentation.voxel_size)
    return [None if size != size else float(size) for size in sizes]


class GrowingBlocks(Dataset):
    """Blocks of all parts that are whole: a loader process looks for new ones now and then."""

    def __init__(self, plan: Plan, sources: list[Source], mixes: list[Mix], configuration: NetworkConfiguration):
        self.plan, self.real = plan, [source for source in sources if source.name == "real"]
        self.mixes, self.configuration = mixes, configuration
        self.known = parts_of(plan)
        self.blocks = self._open(sources)
        self.until_look = LOOK_FOR_PARTS

    @property
    def blocks_per_step(self) -> int:
        return self.blocks.blocks_per_step

    def _open(self, sources: list[Source]) -> SharedBlockDataset:
        return SharedBlockDataset(blocks_of(sources, self.configuration), self.mixes, self.plan.batch)

    def __getitem__(self, number: int) -> dict:
        self.until_look -= 1
        if self.until_look < 0:
            self.until_look = LOOK_FOR_PARTS
            there = parts_of(self.plan)
            if there != self.known:
                self.known, self.blocks = there, self._open(self.real + furnished(self.plan))
        return self.blocks[number]

    def collate(self, blocks: list[dict]) -> PackedBatch:
        return self.blocks.collate(blocks)


def train(plan: Plan, runs: dict[str, training_run.TrainingRun], sources: list[Source]) -> None:
    configuration = next(iter(runs.values())).network.configuration
    parts = blocks_of(sources, configuration)
    targets = targets_of(sources)
    members = [Member(name, run, MIXES[name]) for name, run in runs.items()]
    training = SharedTraining(members, parts, targets, side_by_side=not plan.one_stream)
    blocks = GrowingBlocks(plan, sources, [member.mix for member in members], configuration)
    batches = shared_batches(blocks, 0, plan.workers, training.device, timeout=120.0)
    begin, end = elapsed(), plan.seconds - LAST
    saved = looked = elapsed()
    steps = 0
    logger.info("training begins at %.0f s", begin)
    with (plan.out / "curves.jsonl").open("a") as curves:
        while elapsed() < end:
            training.train_step(next(batches), min(1.0, (elapsed() - begin) / (end - begin)))
            steps += 1
            if steps == 1:
                logger.info("first step at %.0f s", elapsed())
            if elapsed() - looked > LOOK_EVERY:
                look(training, curves, steps)
                looked = elapsed()
            if elapsed() - saved > SAVE_EVERY:
                save(plan, training)
                saved = elapsed()
    training.wait()
    save(plan, training)
    score(plan, training, sources, targets)


def look(training: SharedTraining, curves: object, steps: int) -> None:
    counted = training.counted
    for member, losses in zip(training.members, training.take_losses(), strict=True):
        entry = {"seconds": round(elapsed(), 1), "run": member.name, "blocks": member.run.samples, "steps": counted}
        entry |= {name: round(value, 4) for name, value in losses.items()}
        print(json.dumps(entry), file=curves, flush=True)  # type: ignore[call-overload]
        logger.info("%s", json.dumps(entry))
        if losses["total"] != losses["total"]:
            raise SystemExit(f"{member.name}: the loss is no number")


def save(plan: Plan, training: SharedTraining) -> None:
    """The averaged weights as NAME.pt."""
    training.wait()
    for member in training.members:
        checkpoint = member.run.checkpoint()
        weights = replace(checkpoint, network=checkpoint.weights, average=None, optimizer=None)
        weights.save(plan.out / f"{member.name}.pt")


def score(plan: Plan, training: SharedTraining, sources: list[Source], targets: Targets) -> None:
    """mIoU on blocks of scenes whose furniture never trains, as far as time reaches."""
    scores = {}
    for member in training.members:
        if elapsed() > plan.seconds - ENOUGH_TO_SCORE or not any(len(source.validation) for source in sources):
            break
        run = member.run
        run.metrics = Validation(sources, run.network.configuration, targets, run.world)(run.eval_network)
        scores[member.name] = run.metrics
        logger.info("%s: %s", member.name, json.dumps(run.metrics))
        (plan.out / "scores.json").write_text(json.dumps(scores, indent=1))
        save(plan, training)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--furnish"]:
        furnish(json.loads(sys.argv[2]))
    else:
        main()
