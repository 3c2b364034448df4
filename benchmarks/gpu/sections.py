"""Sections of the GPU benchmark: `python -m benchmarks.gpu.sections NAME OUT.json gpu|rehearsal [CHECKPOINT]`.

A section rewrites OUT.json after each measurement, so that an interrupted one keeps its results so far.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.frame.frames import blocks_of, load_frame, synthetic_frame
from benchmarks.gpu import work as gpu_work
from benchmarks.gpu.place import VOXEL, Place
from jspnet_core.cuda.device_network import DeviceNetwork, batch_sizes
from jspnet_core.cuda.pyramid import DevicePyramids
from jspnet_core.cuda.stages import CudaStages
from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.engine.tensorrt_engine import TensorRtEngine
from jspnet_core.export.onnx_export import describe, export_onnx
from jspnet_core.export.parity import compare, run_model
from jspnet_core.export.precision import Precision
from jspnet_core.model_file import default_model
from jspnet_core.pipeline.gravity.estimate import find_gravity
from jspnet_core.pipeline.pyramid import build_pyramid, pyramid_names, stack_pyramids
from jspnet_core.pipeline.segmenter import Segmenter
from jspnet_core.settings import FrameSettings
from jspnet_core.synthetic import make_scene
from jspnet_core.training.checkpoint import Checkpoint

BANDWIDTH = 0.6
PARITY_BLOCKS = 4


class Section:
    """Measurements of a section, written to disk after each addition."""

    def __init__(self, out: Path):
        self._out, self._measured = out, dict[str, Any]()

    def add(self, name: str, value: Any) -> None:
        self._measured[name] = value
        self._out.write_text(json.dumps(self._measured))


def tensors(features: np.ndarray, place: Place, blocks: int) -> dict[str, torch.Tensor]:
    """Features and pyramids of `blocks` blocks, the frame's repeated, on the network's device."""
    c, few = place.configuration, min(blocks, len(features))
    pyramids = [build_pyramid(f[:, :3], c) for f in features[:few]]
    stacked = stack_pyramids([pyramids[i % few] for i in range(blocks)], c)
    chosen = {**stacked, "features": features[np.arange(blocks) % few]}
    return {name: torch.from_numpy(array).to(place.name) for name, array in chosen.items()}


def exported(checkpoint: Path, precision: Precision) -> Path:
    """The model file of a checkpoint."""
    state, model = (
        Checkpoint.load(checkpoint),
        Path(tempfile.gettempdir()) / f"jspnet_{checkpoint.stem}_{precision}.onnx",
    )
    export_onnx(state.build(), describe(state, "gpu", precision=precision), model, half_weights=False)
    return model


def machine(section: Section, place: Place) -> None:
    section.add("torch", torch.__version__)
    section.add("cuda", torch.version.cuda)
    if not place.rehearsal:
        properties = torch.cuda.get_device_properties(0)
        section.add("memory_gib", round(properties.total_memory / 2**30, 1))
        section.add("multiprocessors", properties.multi_processor_count)


def ceilings(section: Section, place: Place) -> None:
    """Bytes read and written by a large copy; 16-bit matrix products on random data."""
    size, edge = (1 << 20, 128) if place.rehearsal else (1 << 30, 8192)
    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=place.name)
    target = torch.empty_like(source)
    copied = place.milliseconds(lambda: target.copy_(source))
    section.add("copy_gb_per_s", 2e-6 * size / copied["median_ms"])
    for name, dtype in (("fp16", torch.float16), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(edge, edge, device=place.name).to(dtype) for _ in range(2))
        took = place.milliseconds(lambda a=a, b=b: a @ b)
        section.add(f"{name}_tflop_per_s", 2e-9 * edge**3 / took["median_ms"])


def attention(section: Section, place: Place) -> None:
    """One of PIFF's attentions alone, as PyTorch runs it: the share of the 16-bit ceiling that it reaches."""
    c = place.configuration
    keys, width = c.piff_key_count, max(c.d_k, c.d_v)
    for blocks in place.batches:
        q = torch.randn(blocks, 1, c.points, width, device=place.name, dtype=torch.float16)
        k, v = (torch.randn(blocks, 1, keys, width, device=place.name, dtype=torch.float16) for _ in range(2))
        took = place.milliseconds(lambda q=q, k=k, v=v: torch.nn.functional.scaled_dot_product_attention(q, k, v))
        needed = 2 * blocks * c.points * keys * (c.d_k + c.d_v)  # zeros that pad the queries are no work done
        section.add(str(blocks), {**took, "tflop_per_s": 1e-9 * needed / took["median_ms"]})


def network(section: Section, place: Place) -> None:
    """Milliseconds by batch of PyTorch, eager and as CUDA graphs, and the work that a block is."""
    work = gpu_work.work_of_a_block(place.configuration, padded=False)
    section.add("gflop_per_block", 1e-9 * work.total())
    section.add("mb_per_block", 1e-6 * work.traffic)
    features, _ = blocks_of(load_frame("auto"), place.configuration, VOXEL)
    for precision, graphs in (("fp32", False), ("fp16", False), ("fp32", True), ("fp16", True), ("bf16", True)):
        engine, name = place.engine(precision, graphs), f"{'graph' if graphs else 'eager'} {precision}"  # type: ignore[arg-type]
        for blocks in place.batches:
            inputs = tensors(features, place, blocks)
            section.add(f"{name}, {blocks} blocks", place.milliseconds(lambda e=engine, i=inputs: e.run_tensors(i)))
        del engine
    if not place.rehearsal:
        section.add("memory_mib", torch.cuda.max_memory_allocated() >> 20)


def parity(section: Section, place: Place) -> None:
    """The shipped network on a frame's blocks, every route against ONNX Runtime, which agrees with PyTorch."""
    checkpoint = place.checkpoint if place.rehearsal else default_model().with_suffix(".pt")
    configuration = Checkpoint.load(checkpoint).configuration
    features, counts = (array[:PARITY_BLOCKS] for array in blocks_of(load_frame("auto"), configuration, VOXEL))
    pyramids = [build_pyramid(f[:, :3], configuration) for f in features]
    expected = run_model(exported(checkpoint, "fp32"), features, pyramids)

    def add(name: str, found: tuple[np.ndarray, np.ndarray]) -> None:
        section.add(f"parity of {name}", compare(expected, found, BANDWIDTH, counts).summary())

    for precision, graphs in (("fp32", False), ("fp32", True), ("fp16", True), ("bf16", True)):
        name = f"{'graph' if graphs else 'eager'} {precision}"
        add(name, place.engine(precision, graphs, checkpoint).run(features, pyramids))  # type: ignore[arg-type]
    place.on_gpu_only("TensorRT")
    for model_precision in ("fp16", "bf16-mixed"):
        with closing(TensorRtEngine(exported(checkpoint, model_precision), BuildOptions((1, 4, 8)))) as engine:  # type: ignore[arg-type]
            add(f"TensorRT {model_precision}", engine.run(features, pyramids))


def kernels(section: Section, place: Place) -> None:
    """Milliseconds of the pyramid kernels by batch, and whether they give the CPU's pyramids."""
    features, _ = blocks_of(load_frame("auto"), place.configuration, VOXEL)
    net = place.network(place.engine("fp16", graphs=False), max(place.batches))
    few = min(len(features), net.most, 4)
    with net.current():
        found = _time_pyramids(section, place, net, features, few)
    net.close()
    expected = [build_pyramid(f[:, :3], place.configuration) for f in features[:few]]
    for name, array in stack_pyramids(expected, place.configuration).items():
        section.add(f"share of {name} as on the CPU", float(np.isclose(found[name], array, rtol=1e-3).mean()))


def _time_pyramids(
    section: Section, place: Place, net: DeviceNetwork, features: np.ndarray, few: int
) -> dict[str, np.ndarray]:
    """Time the pyramid kernels. Returns the pyramids of the first `few` blocks, downloaded."""
    device, pyramids = net.device, DevicePyramids(net.device, place.configuration, net.inputs)
    for blocks in place.batches:
        device.upload(net.inputs["features"], features[np.arange(blocks) % len(features)])
        section.add(f"pyramid, {blocks} blocks", place.milliseconds(lambda b=blocks: pyramids.build(b)))
    device.upload(net.inputs["features"], features[:few])
    pyramids.build(few)
    return {name: device.download(net.inputs[name], few) for name in pyramid_names()}


def stages(section: Section, place: Place) -> None:
    """Milliseconds by stage of a whole room bounded to so many blocks, in calls that wait after each stage."""
    scene, net = make_scene(5, "office"), place.network(place.engine("fp16", graphs=True))
    room = scene.room_cloud(np.random.default_rng(0), 100.0 if place.rehearsal else 3000.0)
    for blocks in place.batches:
        settings = FrameSettings(up_axis="z", voxel_size=VOXEL, stride=0.35, max_blocks=blocks)
        segmenter = Segmenter(settings=settings, stages=CudaStages(net, at_end=place.synchronize))
        rows = [segmenter.segment(room.points, room.colors) for _ in range(1 if place.rehearsal else 8)]
        timings = [row.timings_ms for row in rows[len(rows) // 4 :]]
        medians = {name: float(np.median([t[name] for t in timings])) for name in timings[0]}
        section.add(str(rows[0].blocks), {"points": len(room.points), **medians})


def measure_frame(section: Section, place: Place, net: DeviceNetwork, name: str = "") -> Segmenter:
    """A whole 640x480 frame, upload and download included, wall clock; its stages in frames that wait after each.

    The gravity transform is given, as a robot's tf gives it.
    """
    shown = synthetic_frame("generated")
    step = 400 if place.rehearsal else 1
    points, colors = shown.points[::step], None if shown.colors is None else shown.colors[::step]
    T = find_gravity(shown.points, "auto").T_gravity_input
    settings = FrameSettings(voxel_size=VOXEL)
    segmenter = Segmenter(settings=settings, stages=CudaStages(net))
    whole = []
    for _ in range(place.frames):
        begin = time.perf_counter()
        labels = segmenter.segment(points, colors, T_gravity_input=T)
        whole.append(1e3 * (time.perf_counter() - begin))
    whole = whole[place.frames // 10 :]
    section.add(f"{name}median_ms", float(np.median(whole)))
    section.add(f"{name}p95_ms", float(np.percentile(whole, 95)))
    timed = Segmenter(settings=settings, stages=CudaStages(net, at_end=place.synchronize))
    rows = [timed.segment(points, colors, T_gravity_input=T).timings_ms for _ in range(max(place.frames // 3, 1))]
    section.add(f"{name}stages_ms", {stage: float(np.median([row[stage] for row in rows])) for stage in rows[0]})
    for key, value in (("blocks", labels.blocks), ("points", len(points)), ("voxel_size", VOXEL)):
        section.add(key, value)
    if not name:
        _energy(section, place, lambda: segmenter.segment(points, colors, T_gravity_input=T))
    return segmenter


def _energy(section: Section, place: Place, frame: Any) -> None:
    """Energy of a frame in joules, if the driver reports power."""
    try:
        place.on_gpu_only("the power drawn")
        idle, drawn, begin = torch.cuda.power_draw(), [], time.perf_counter()
        for _ in range(100):
            frame()
            drawn.append(torch.cuda.power_draw())
        took = (time.perf_counter() - begin) / len(drawn)
    except (ImportError, RuntimeError, ValueError) as error:
        section.add("energy", f"not readable: {error}")
        return
    section.add("idle_mw", idle)
    section.add("joules_per_frame", 1e-3 * float(np.mean(drawn)) * took)


def frame(section: Section, place: Place) -> None:
    """With PyTorch between the kernels: recorded in fp16, then eager in fp32, for comparison."""
    section.add("engine", "torch, recorded, fp16")
    measure_frame(section, place, place.network(place.engine("fp16", graphs=True)))
    if not place.rehearsal:
        free, total = torch.cuda.mem_get_info()
        section.add("memory_mib", (total - free) >> 20)
    measure_frame(section, place, place.network(place.engine("fp32", graphs=False)), "eager_")


def tensorrt(section: Section, place: Place) -> None:
    """Build, milliseconds by batch, and a whole frame, with the installed TensorRT."""
    place.on_gpu_only("TensorRT")
    begin = time.perf_counter()
    engine = TensorRtEngine(exported(place.checkpoint, "fp16"), BuildOptions())
    section.add("build_s", time.perf_counter() - begin)
    features, _ = blocks_of(load_frame("auto"), place.configuration, VOXEL)
    pyramids = [build_pyramid(f[:, :3], place.configuration) for f in features]
    for blocks in place.batches:
        order = [i % len(features) for i in range(blocks)]
        call = features[order], [pyramids[i] for i in order]
        took = place.milliseconds(lambda c=call: engine.run(*c))
        section.add(f"{blocks} blocks, copies included", took)
    net = engine.on_device()
    for blocks in place.batches:
        with net.current():
            section.add(
                f"{blocks} blocks", place.milliseconds(lambda b=blocks: (net.run(b), engine.stream.synchronize()))
            )
    measure_frame(section, place, net).close()


def compiled(section: Section, place: Place) -> None:
    """torch.compile, fp16, by batch, and a whole frame; most of the time is compilation."""
    place.on_gpu_only("torch.compile")
    engine = place.engine("fp16", graphs=False, compiled=True)
    features, _ = blocks_of(synthetic_frame(), place.configuration, VOXEL)
    size = next(s for s in batch_sizes(1024) if s >= len(features))  # one batch size is one compilation
    measure_frame(section, place, place.network(engine, size, [size]), "frame_")
    for blocks in (32, 8, 1, 128):
        inputs = tensors(features, place, blocks)
        section.add(f"compiled fp16, {blocks} blocks", place.milliseconds(lambda i=inputs: engine.run_tensors(i)))


SECTIONS = {
    f.__name__: f for f in (machine, ceilings, attention, network, parity, kernels, stages, frame, tensorrt, compiled)
}

if __name__ == "__main__":
    given = Path(sys.argv[4]) if len(sys.argv) > 4 else None
    SECTIONS[sys.argv[1]](Section(Path(sys.argv[2])), Place(sys.argv[3] == "rehearsal", given))
