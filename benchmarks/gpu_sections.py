"""The sections of `benchmarks/gpu.py`, each run as `python gpu_sections.py NAME OUT.json [CHECKPOINT]`.

A section writes OUT.json anew after each measurement, so that what it had is kept if it does not come to its end.
Times are medians and 95th percentiles of CUDA events around whole calls, after three calls to warm up.
"""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from frames import synthetic_frame

from jspnet_core.blocks import block_features, cut_blocks
from jspnet_core.classes import S3DIS
from jspnet_core.configuration import NetworkConfiguration
from jspnet_core.engine.engine_build import BuildOptions
from jspnet_core.engine.tensorrt_engine import TensorRtEngine
from jspnet_core.gpu.device import DeviceArray
from jspnet_core.gpu.frame import DevicePyramids
from jspnet_core.gpu.segmenter import GpuSegmenter, Network
from jspnet_core.gravity import find_gravity, rigid
from jspnet_core.network import build_network
from jspnet_core.pyramid import build_pyramid, pyramid_names, stack_pyramids
from jspnet_core.settings import FrameSettings
from jspnet_core.training.checkpoint import Checkpoint
from jspnet_core.training.torch_engine import TorchEngine
from jspnet_core.voxels import voxelise

BATCHES = (1, 8, 32, 128)
BANDWIDTH = 0.6
VOXEL = 0.025


class Section:
    """What a section measured so far, on disk after each addition."""

    def __init__(self, out: Path):
        self._out, self._measured = out, dict[str, Any]()

    def add(self, name: str, value: Any) -> None:
        self._measured[name] = value
        self._out.write_text(json.dumps(self._measured))


def milliseconds(call: Callable[[], object], repeats: int = 30) -> dict[str, float]:
    """Median and 95th percentile of a call's time on the device's current stream."""
    for _ in range(3):
        call()
    times = []
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95))}


def checkpoint_or_random(path: str | None) -> Path:
    """The checkpoint given, or one of the full network with random weights: as fast, and no use for labels."""
    if path is not None:
        return Path(path)
    torch.manual_seed(0)
    configuration = NetworkConfiguration()
    network = build_network(configuration)
    file = Path(tempfile.gettempdir()) / f"jspnet_random_{configuration.points}.pt"
    recipe = {"augmentation": {"voxel_size": VOXEL}}
    Checkpoint(configuration, S3DIS, network.state_dict(), None, 0, recipe, {}, [None] * 13).save(file)
    return file


def blocks_of_a_frame(configuration: NetworkConfiguration) -> tuple[np.ndarray, np.ndarray]:
    """Features (B, N, channels) and counts (B,) of a generated 640x480 frame's blocks, cut on the CPU."""
    frame, settings = synthetic_frame("generated"), FrameSettings(voxel_size=VOXEL, max_blocks=0)
    kept = voxelise(frame.points, settings.voxel_size).representative
    xyz = frame.points[kept]
    xyz = np.ascontiguousarray(rigid(find_gravity(xyz, "auto").T_gravity_input, xyz))
    c, rng = configuration, np.random.default_rng(0)
    blocks = cut_blocks(
        xyz, points_per_block=c.points, block_size=c.block_size, stride=settings.stride * c.block_size,
        min_points=settings.min_block_points, rng=rng,
    )  # fmt: skip
    colors = None if frame.colors is None else frame.colors[kept]
    return block_features(xyz, colors, blocks.index, color=c.color, block_size=c.block_size), blocks.count


def inputs_on_gpu(features: np.ndarray, configuration: NetworkConfiguration, blocks: int) -> dict[str, torch.Tensor]:
    """Features and pyramids of `blocks` blocks, the frame's again and again, on the GPU."""
    chosen = features[np.arange(blocks) % len(features)]
    pyramids = [build_pyramid(f[:, :3], configuration) for f in features[: min(blocks, len(features))]]
    stacked = stack_pyramids([pyramids[i % len(pyramids)] for i in range(blocks)], configuration)
    return {n: torch.from_numpy(a).cuda() for n, a in {**stacked, "features": chosen}.items()}


class InPlace:
    """Memory that belongs to pycuda, for torch to read where it lies."""

    def __init__(self, array: DeviceArray, rows: int):
        self.__cuda_array_interface__ = {
            "shape": (rows, *array.shape[1:]), "typestr": array.dtype.str, "data": (array.pointer, False), "version": 3,
        }  # fmt: skip


def on_shared_memory(engine: TorchEngine, stream: int) -> Network:
    """The network in PyTorch, on the kernels' arrays and in their stream: nothing is copied but into its graph."""

    def run(inputs: dict[str, DeviceArray], blocks: int) -> tuple[DeviceArray, DeviceArray]:
        with torch.cuda.stream(torch.cuda.ExternalStream(stream)):
            tensors = {n: torch.as_tensor(InPlace(a, blocks), device="cuda") for n, a in inputs.items()}
            said = [x.float().contiguous() for x in engine.run_tensors(tensors)]
        return tuple(DeviceArray(x.data_ptr(), tuple(x.shape), np.dtype(np.float32), x) for x in said)

    return run


def machine(section: Section, checkpoint: str | None) -> None:
    properties = torch.cuda.get_device_properties(0)
    section.add("torch", torch.__version__)
    section.add("cuda", torch.version.cuda)
    section.add("memory_gib", round(properties.total_memory / 2**30, 1))
    section.add("multiprocessors", properties.multi_processor_count)


def ceilings(section: Section, checkpoint: str | None) -> None:
    """Bytes read and written by a large copy; 16-bit matrix products on random data."""
    source = torch.randint(0, 255, (4 << 30,), dtype=torch.uint8, device="cuda")
    copied = milliseconds(functools.partial(torch.empty_like(source).copy_, source), 10)
    section.add("copy_gb_per_s", 2e-6 * source.numel() / copied["median_ms"])
    for name, dtype in (("fp16", torch.float16), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(8192, 8192, device="cuda").to(dtype) for _ in range(2))
        section.add(f"{name}_tflop_per_s", 2e-9 * 8192**3 / milliseconds(lambda a=a, b=b: a @ b, 10)["median_ms"])


def attention(section: Section, checkpoint: str | None) -> None:
    """PIFF's two attentions alone, as PyTorch runs them: the share of the 16-bit ceiling that they reach."""
    c = Checkpoint.load(checkpoint_or_random(checkpoint)).configuration
    keys = c.points if c.piff_keys == "points" else c.levels[0]
    width = max(c.d_k, c.d_v)
    for blocks in BATCHES:
        q = torch.randn(blocks, 1, c.points, width, device="cuda", dtype=torch.float16)
        k, v = (torch.randn(blocks, 1, keys, width, device="cuda", dtype=torch.float16) for _ in range(2))
        took = milliseconds(lambda q=q, k=k, v=v: torch.nn.functional.scaled_dot_product_attention(q, k, v))
        needed = 2 * blocks * c.points * keys * (c.d_k + c.d_v)  # zeros that pad the queries are no work done
        took["tflop_per_s"] = 1e-9 * needed / took["median_ms"]
        section.add(str(blocks), took)


def network(section: Section, checkpoint: str | None) -> None:
    """Milliseconds by batch of PyTorch, eager and as CUDA graphs; parity with ONNX Runtime on the frame's blocks."""
    from jspnet_core.export.onnx_export import describe, export_onnx
    from jspnet_core.export.parity import compare, run_model

    path = checkpoint_or_random(checkpoint)
    routes = {
        "eager fp32": TorchEngine.open(path, "cuda", "fp32", graphs=False),
        "eager fp16": TorchEngine.open(path, "cuda", "fp16", graphs=False),
        "graph fp32": TorchEngine.open(path, "cuda", "fp32"),
        "graph fp16": TorchEngine.open(path, "cuda", "fp16"),
        "graph bf16": TorchEngine.open(path, "cuda", "bf16"),
    }
    configuration = routes["eager fp32"].description.configuration
    features, counts = blocks_of_a_frame(configuration)
    for blocks in BATCHES:
        inputs = inputs_on_gpu(features, configuration, blocks)
        for name, engine in routes.items():
            section.add(f"{name}, {blocks} blocks", milliseconds(lambda e=engine, i=inputs: e.run_tensors(i), 20))
    section.add("memory_mib", torch.cuda.max_memory_allocated() >> 20)
    state, few = Checkpoint.load(path), slice(0, 4)
    model = Path(tempfile.gettempdir()) / "jspnet_parity.onnx"
    export_onnx(state.build(), describe(state, "parity", "none", "none"), model, half_weights=False)
    pyramids = [build_pyramid(f[:, :3], configuration) for f in features[few]]
    expected = run_model(model, features[few], pyramids)
    for name, engine in routes.items():
        parity = compare(expected, engine.run(features[few], pyramids), BANDWIDTH, counts[few])
        section.add(f"parity of {name}", parity.sentence())


def kernels(section: Section, checkpoint: str | None) -> None:
    """Milliseconds of the pyramid kernels by batch, and whether they give the CPU's pyramids."""
    import pycuda.autoprimaryctx  # noqa: F401  torch's context, made current

    from jspnet_core.gpu.cuda_device import CudaDevice

    configuration = Checkpoint.load(checkpoint_or_random(checkpoint)).configuration
    features, _ = blocks_of_a_frame(configuration)
    device = CudaDevice()
    pyramids = DevicePyramids(device, configuration, max(BATCHES))
    there = device.empty((max(BATCHES), *features.shape[1:]), np.float32)
    stream = torch.cuda.ExternalStream(device.stream.handle)
    for blocks in BATCHES:
        device.upload(there, features[np.arange(blocks) % len(features)])
        with torch.cuda.stream(stream):
            section.add(f"pyramid, {blocks} blocks", milliseconds(lambda b=blocks: pyramids.build(there, b)))
    few = min(len(features), 4)
    device.upload(there, features[:few])
    pyramids.build(there, few)
    expected = stack_pyramids([build_pyramid(f[:, :3], configuration) for f in features[:few]], configuration)
    for name in pyramid_names():
        found = device.download(pyramids.arrays[name], few)
        section.add(f"share of {name} as on the CPU", float(np.isclose(found, expected[name], rtol=1e-3).mean()))


def frame(section: Section, checkpoint: str | None) -> None:
    """A whole 640x480 frame, upload and download included, wall clock; its stages in frames that wait after each.

    The gravity transform is given, as a robot's tf gives it.
    """
    import pycuda.autoprimaryctx  # noqa: F401

    from jspnet_core.gpu.cuda_device import CudaDevice

    engine = TorchEngine.open(checkpoint_or_random(checkpoint), "cuda", "fp16")
    shown, settings = synthetic_frame("generated"), FrameSettings(voxel_size=VOXEL, stride=0.75, merging="fixed")
    T = find_gravity(shown.points, "auto").T_gravity_input
    device = CudaDevice()
    segmenter = GpuSegmenter(device, engine.description, settings)
    network = on_shared_memory(engine, device.stream.handle)
    whole, stages = [], []
    for turn in range(43):
        segmenter.after_stage = torch.cuda.synchronize if turn >= 33 else None
        begin = time.perf_counter()
        labels = segmenter.segment(shown.points, shown.colors, T, network)
        if turn >= 33:
            stages.append(labels.timings_ms)
        elif turn >= 3:
            whole.append(1e3 * (time.perf_counter() - begin))
    segmenter.after_stage = None
    section.add("blocks", labels.blocks)
    section.add("points", len(shown.points))
    section.add("voxel_size", VOXEL)
    section.add("median_ms", float(np.median(whole)))
    section.add("p95_ms", float(np.percentile(whole, 95)))
    section.add("stages_ms", {name: float(np.median([s[name] for s in stages])) for name in stages[0]})
    section.add("memory_mib", (torch.cuda.mem_get_info()[1] - torch.cuda.mem_get_info()[0]) >> 20)
    before, count = torch.cuda.power_draw(), 100
    begin = time.perf_counter()
    drawn = []
    for _ in range(count):
        segmenter.segment(shown.points, shown.colors, T, network)
        drawn.append(torch.cuda.power_draw())
    section.add("idle_mw", before)
    section.add("joules_per_frame", 1e-3 * float(np.mean(drawn)) * (time.perf_counter() - begin) / count)


def tensorrt(section: Section, checkpoint: str | None) -> None:
    """Build, parity, and milliseconds by batch of the exported fp16 model with whatever TensorRT is installed."""
    from jspnet_core.export.onnx_export import describe, export_onnx
    from jspnet_core.export.parity import compare, run_model

    state = Checkpoint.load(checkpoint_or_random(checkpoint))
    folder = Path(tempfile.gettempdir())
    for precision in ("fp32", "fp16"):
        description = describe(state, "gpu", "none", "none", precision)
        export_onnx(state.build(), description, folder / f"jspnet_{precision}.onnx", half_weights=False)
    begin = time.perf_counter()
    engine = TensorRtEngine(folder / "jspnet_fp16.onnx", BuildOptions())
    section.add("build_s", time.perf_counter() - begin)
    features, counts = blocks_of_a_frame(state.configuration)
    pyramids = [build_pyramid(f[:, :3], state.configuration) for f in features]
    for blocks in BATCHES:
        order = [i % len(features) for i in range(blocks)]
        call = features[order], [pyramids[i] for i in order]
        times = []
        for turn in range(23):
            begin = time.perf_counter()
            engine.run(*call)
            times += [1e3 * (time.perf_counter() - begin)] * (turn >= 3)
        took = {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95))}
        section.add(f"{blocks} blocks, copies included", took)
    expected = run_model(folder / "jspnet_fp32.onnx", features[:4], pyramids[:4])
    section.add("parity", compare(expected, engine.run(features[:4], pyramids[:4]), BANDWIDTH, counts[:4]).sentence())
    engine.close()


def compiled(section: Section, checkpoint: str | None) -> None:
    """torch.compile, fp16, by batch; compiling is what takes the time."""
    engine = TorchEngine.open(checkpoint_or_random(checkpoint), "cuda", "fp16", graphs=False)
    configuration = engine.description.configuration
    features, _ = blocks_of_a_frame(configuration)
    engine.forward = torch.compile(engine.network, dynamic=False)
    for blocks in (32, 8, 1, 128):
        inputs = inputs_on_gpu(features, configuration, blocks)
        section.add(f"compiled fp16, {blocks} blocks", milliseconds(lambda i=inputs: engine.run_tensors(i), 20))


SECTIONS = {f.__name__: f for f in (machine, ceilings, attention, network, kernels, frame, tensorrt, compiled)}

if __name__ == "__main__":
    SECTIONS[sys.argv[1]](Section(Path(sys.argv[2])), sys.argv[3] if len(sys.argv) > 3 else None)
