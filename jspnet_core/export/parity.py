"""Comparison of a model file with its checkpoint on the same blocks: outputs, labels and clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from jspnet_core.engine.onnxruntime_engine import OnnxRuntimeEngine, run_session
from jspnet_core.errors import ModelFileError
from jspnet_core.export.precision import emulated
from jspnet_core.network import JointNetwork
from jspnet_core.pipeline.mean_shift import mean_shift_blocks
from jspnet_core.pipeline.pyramid import Pyramid, build_pyramid, stack_pyramids

MAX_CHANGED = 0.005
"""Accepted share of points whose class differs."""

MIN_ARI = 0.99
"""Accepted adjusted Rand index of the clusters."""


class ParityError(ModelFileError):
    """A model file whose labels or clusters differ from those of its checkpoint."""


@dataclass(frozen=True)
class Parity:
    """Differences between a model file and its checkpoint.

    logits, embeddings: largest and mean absolute difference. changed: share of points whose class differs, 0 to 1.
    ari: adjusted Rand index of the blocks' mean-shift clusters, the mean over the blocks; 1: the same objects.
    """

    logits: tuple[float, float]
    embeddings: tuple[float, float]
    changed: float
    ari: float

    def summary(self) -> str:
        """Describe the differences in one sentence."""
        (max_l, mean_l), (max_e, mean_e) = self.logits, self.embeddings
        return (
            f"logits differ by at most {max_l:.2g} (mean {mean_l:.2g}), embeddings by {max_e:.2g} (mean "
            f"{mean_e:.2g}), the class of {100 * self.changed:.3f} % of the points, clusters agree with ARI "
            f"{self.ari:.4f}"
        )

    def check(self, path: Path, *, clusters: bool) -> None:
        """Raise `ParityError` over 0.5 % changed labels or, with `clusters`, for an adjusted Rand index below 0.99."""
        if self.changed > MAX_CHANGED:
            raise ParityError(f"{path} changes {100 * self.changed:.2f} % of the labels, at most 0.5 % is accepted")
        if clusters and self.ari < MIN_ARI:
            raise ParityError(f"{path} changes the clusters: ARI {self.ari:.4f}, at least {MIN_ARI} is accepted")


@torch.inference_mode()
def check_parity(network: JointNetwork, path: Path, features: np.ndarray, bandwidth: float = 0.6) -> Parity:
    """Compare model file and network on the same blocks: features (B, N, channels) float32.

    16-bit operators are emulated (see `emulated`): ONNX Runtime has few of them on a CPU.
    """
    c = network.configuration
    pyramids = [build_pyramid(f[:, :3], c) for f in features]
    stacked = {name: torch.from_numpy(array) for name, array in stack_pyramids(pyramids, c).items()}
    expected = [x.numpy() for x in network.eval()(torch.from_numpy(features), stacked)]
    return compare(expected, run_model(path, features, pyramids), bandwidth)


def run_model(path: Path, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
    """Run a model file of any precision on the CPU. Returns logits (B, N, C) and embeddings (B, N, K)."""
    model = onnx.load(path)
    if '"precision": "fp32"' in model.metadata_props[0].value:
        return OnnxRuntimeEngine(path).run(features, pyramids)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    )  # optimisation would remove roundings
    session = onnxruntime.InferenceSession(emulated(model).SerializeToString(), options, ["CPUExecutionProvider"])
    return run_session(session, features, pyramids)


def compare(
    expected: Sequence[np.ndarray], found: Sequence[np.ndarray], bandwidth: float, counts: np.ndarray | None = None
) -> Parity:
    """Compare two outputs: logits (B, N, C) and embeddings (B, N, K). counts: (B,) points without padding; None: N."""
    (logits, embeddings), (other_logits, other_embeddings) = expected, found
    counts = np.full(len(logits), logits.shape[1]) if counts is None else counts
    clusters, other = (mean_shift_blocks(e, counts, bandwidth) for e in (embeddings, other_embeddings))
    scores = [adjusted_rand_index(a[:n], b[:n]) for a, b, n in zip(clusters, other, counts, strict=True)]
    return Parity(
        _differences(logits, other_logits),
        _differences(embeddings, other_embeddings),
        float((logits.argmax(-1) != other_logits.argmax(-1)).mean()),
        float(np.mean(scores)),
    )


def _differences(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    difference = np.abs(a - b)
    return float(difference.max()), float(difference.mean())


def adjusted_rand_index(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the adjusted Rand index of two clusterings (N,), integers from 0: 1 if equal, 0 as by chance."""
    pairs = np.bincount(a.astype(np.int64) * (b.max() + 1) + b)
    together, in_a, in_b = (_pairs(counts) for counts in (pairs, np.bincount(a), np.bincount(b)))
    by_chance = in_a * in_b / max(_pairs(np.array([len(a)])), 1.0)
    most = 0.5 * (in_a + in_b)
    return 1.0 if most == by_chance else (together - by_chance) / (most - by_chance)


def _pairs(counts: np.ndarray) -> float:
    counts = counts.astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())
