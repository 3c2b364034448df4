"""Peak performance of this machine, measured in the same run: large matrix products and memory bandwidth."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from torch.utils.flop_counter import FlopCounterMode

from jspnet_core.network import JointNetwork
from jspnet_core.network.fusion import PIFF
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.pipeline.pyramid import build_pyramid, stack_pyramids

SIDE = 1024
"""Rows and columns of the matrices whose product is the ceiling of a runtime's arithmetic."""

PRODUCT_GFLOP = 2e-9 * SIDE**3

PRODUCTS = 3
"""Large products that are timed together in a moment's ceiling: one takes a tenth of what some blocks take."""


def seconds(work: Callable[[], object], rounds: int = 60) -> float:
    """Return the shortest of many rounds after a warm-up, so that other load does not lower a ceiling."""
    work()
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return min(took)


def copy_gigabytes(threads: int) -> float:
    """GB/s of a memory copy that no cache holds, bytes read and written alike, over all threads."""
    source = [np.ones(32 << 20, np.float32) for _ in range(threads)]
    target = [np.empty_like(array) for array in source]
    with ThreadPoolExecutor(threads) as pool:
        took = seconds(lambda: list(pool.map(np.copyto, target, source)))
    return 2e-9 * sum(array.nbytes for array in source) / took


def sgemm_gflops(threads: int) -> dict[str, float]:
    """GFLOP/s of a large float32 product in each runtime that is installed, on all threads."""
    return {name: PRODUCT_GFLOP / seconds(run) for name, run in large_products(threads).items()}


def large_product_gflops(product: Callable[[], object]) -> float:
    """GFLOP/s of a product of `large_products` at this moment.

    For ratios to what runs just afterwards: a machine that others use, too, changes its speed by a third within
    minutes, and a ceiling of its best moment would be none of the moment that counts.
    """
    product()  # while threads of what ran before may still spin
    begin = time.perf_counter()
    for _ in range(PRODUCTS):
        product()
    return PRODUCTS * PRODUCT_GFLOP / (time.perf_counter() - begin)


def large_products(threads: int) -> dict[str, Callable[[], object]]:
    """Functions that compute such a product, by runtime."""
    a = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    session, tensor = _session(_product(), threads), torch.from_numpy(a)
    found: dict[str, Callable[[], object]] = {
        "onnxruntime": lambda: session.run(None, {"a": a, "b": a}),
        "torch": lambda: tensor @ tensor,
    }
    return found | _openvino_products(threads, a)


def _openvino_products(threads: int, a: np.ndarray) -> dict[str, Callable[[], object]]:
    """Functions that compute the product in OpenVINO, by precision; empty where it is not installed."""
    try:
        import openvino
    except ModuleNotFoundError:
        return {}
    core = openvino.Core()
    found: dict[str, Callable[[], object]] = {}
    native = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    for precision in ("f32", "bf16") if native else ("f32",):
        hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision}
        model = core.read_model(_product().SerializeToString(), b"")
        infer = core.compile_model(model, "CPU", hints).create_infer_request().infer
        found[f"openvino {precision}"] = partial(infer, {"a": a, "b": a}, share_inputs=True, share_outputs=True)
    return found


def attention(c: NetworkConfiguration, threads: int) -> tuple[float, float]:
    """One PIFF attention alone in ONNX Runtime, on all threads: milliseconds and GFLOP/s."""
    keys = c.piff_key_count
    rng = np.random.default_rng(0)
    feed = {
        "q": rng.random((1, c.points, c.d_k), np.float32),
        "k": rng.random((1, c.d_k, keys), np.float32),
        "v": rng.random((1, keys, c.d_v), np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["q", "k"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "v"], ["out"]),
    ]
    session = _session(_model(nodes, {name: array.shape for name, array in feed.items()}), threads)
    took = seconds(lambda: session.run(None, feed), 20)
    return 1e3 * took, 2e-9 * c.points * keys * (c.d_k + c.d_v) / took


def gflop_per_block(network: JointNetwork, points: int) -> float:
    """GFLOP of the products of one block of so many points, a multiplication and an addition counted as two."""
    for module in network.modules():
        if isinstance(module, PIFF):
            module.explicit = True  # the fused kernel of a CPU is not counted
    c = network.configuration
    features = np.random.default_rng(0).random((1, points, c.channels), np.float32)
    pyramid = stack_pyramids([build_pyramid(features[0, :, :3], c)], c)
    tensors = {name: torch.from_numpy(array) for name, array in pyramid.items()}
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.from_numpy(features), tensors)
    return 1e-9 * counter.get_total_flops()


def _product() -> onnx.ModelProto:
    return _model([helper.make_node("MatMul", ["a", "b"], ["out"])], {"a": (SIDE, SIDE), "b": (SIDE, SIDE)})


def _model(nodes: list[onnx.NodeProto], inputs: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    result = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "ceiling", values, [result])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def _session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "1")  # what is timed next wants the cores
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
