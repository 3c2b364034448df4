"""The network alone, in every runtime that is installed, on the same blocks in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
import torch

from benchmarks.common.ceilings import large_product_gflops, large_products
from jspnet_core.engine import Engine, open_engine
from jspnet_core.errors import EngineError
from jspnet_core.model_file import default_model
from jspnet_core.network import JointNetwork
from jspnet_core.pipeline.pyramid import Pyramid, points_of, stack_pyramids
from jspnet_core.util.threads import available_cores

EAGER = "PyTorch eager"


class Recorder(Engine):
    """An engine that keeps the blocks it was given, without their padding."""

    def __init__(self, engine: Engine):
        super().__init__(engine.description, takes_fewer_points=engine.takes_fewer_points)
        self.engine = engine
        self.blocks: list[tuple[np.ndarray, Pyramid]] = []

    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        self.blocks += [(f[: points_of(p)], p) for f, p in zip(features, pyramids, strict=True)]
        return self.engine.run(features, pyramids)

    @property
    def sizes(self) -> list[int]:
        """Points of each block."""
        return [len(features) for features, _ in self.blocks]

    def largest(self) -> list[tuple[np.ndarray, Pyramid]]:
        """The blocks of most points."""
        most = max(self.sizes)
        return [block for block in self.blocks if len(block[0]) == most]


def time_engines(
    features: np.ndarray, pyramids: Sequence[Pyramid], network: JointNetwork, gflop: float, rounds: int
) -> dict[str, dict[str, float]]:
    """Median milliseconds per block of each engine, and its share of the runtime's peak GEMM at that moment."""
    routes, ceilings = _routes(network)
    products = large_products(available_cores())
    results = {name: run(features, pyramids) for name, run in routes.items()}
    took: dict[str, list[float]] = {name: [] for name in routes}
    shares: dict[str, list[float]] = {name: [] for name in routes}
    for _ in range(rounds):
        for name, run in routes.items():
            ceiling = large_product_gflops(products[ceilings[name]])
            run(features, pyramids)
            begin = time.perf_counter()
            run(features, pyramids)
            took[name].append((time.perf_counter() - begin) / len(pyramids))
            shares[name].append(gflop / took[name][-1] / ceiling)
    expected = results["onnxruntime"][0].argmax(-1)
    return {
        name: {
            "ms_per_block": 1e3 * median(times),
            "gflop_per_s": gflop / median(times),
            "share": median(shares[name]),
            "times_as_fast_as_eager": median(took[EAGER]) / median(times),
            "labels_changed": float((results[name][0].argmax(-1) != expected).mean()),
        }
        for name, times in took.items()
    }


def _routes(network: JointNetwork) -> tuple[dict[str, Callable], dict[str, str]]:
    """Functions that run the blocks, and the name of their runtime's peak, by name."""
    routes: dict[str, Callable] = {"onnxruntime": open_engine("onnxruntime", default_model()).run}
    ceilings = {"onnxruntime": "onnxruntime", EAGER: "torch"}
    try:
        openvino = open_engine("openvino", default_model())
        name = f"openvino {openvino.precision}"  # type: ignore[attr-defined]
        routes[name], ceilings[name] = openvino.run, name
    except EngineError:
        pass  # one row fewer
    routes[EAGER] = lambda features, pyramids: eager(network, features, pyramids)
    return routes, ceilings


def eager(network: JointNetwork, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
    """Block by block, as the reference's route does."""
    results = []
    for block, pyramid in zip(features, pyramids, strict=True):
        stacked = stack_pyramids([pyramid], network.configuration)
        tensors = {name: torch.from_numpy(array) for name, array in stacked.items()}
        with torch.no_grad():
            results.append([x[0].numpy() for x in network(torch.from_numpy(block[None]), tensors)])
    logits, embeddings = zip(*results, strict=True)
    return np.stack(logits), np.stack(embeddings)
