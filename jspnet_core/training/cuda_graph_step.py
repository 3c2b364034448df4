"""Training step as one captured CUDA graph: one launch replaces many small kernels that wait for Python."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from jspnet_core.errors import JspnetError
from jspnet_core.training.dataset.loader import map_tensors
from jspnet_core.training.optimizer import make_capturable
from jspnet_core.training.run import TrainingRun
from jspnet_core.training.step import apply_gradients, compute_losses, prepare_step, train_step, update_average

WARM_UP = 3
"""Eager steps before the capture: work that is done once, as allocating the optimiser's state, must not be captured."""

MAX_INSTANCES = 128
"""Most instances of a block in a captured step; a batch with more takes an eager step."""


class CudaGraphError(JspnetError):
    """A training step that cannot be captured as a CUDA graph."""


def can_capture(run: TrainingRun) -> bool:
    """Return whether steps of a run can be captured: on one GPU, without distillation."""
    return run.world.device.type == "cuda" and run.world.size == 1 and run.teacher is None


class CudaGraphStep:
    """Replay `jspnet_core.training.step.train_step` of one run. All batches must have the shapes of the first.

    The returned losses are overwritten by the next call. The graph is captured again when the momentum of the batch
    norms changes. Raises `CudaGraphError` for a network that synchronises with the GPU during a step.
    """

    def __init__(self, run: TrainingRun, weights: Tensor | None):
        self._run, self._weights = run, weights
        self._side_stream, self._eager_steps = torch.cuda.Stream(), 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._momentum = 0.0
        self._batch: dict[str, Any] = {}
        self._losses: dict[str, Tensor] = {}

    def __call__(self, batch: dict) -> dict[str, Tensor]:
        if self._eager_steps < WARM_UP or batch["instances"] > MAX_INSTANCES:
            self._eager_steps += 1
            return self._eager_step(batch)
        prepare_step(self._run)
        momentum = self._run.recipe.norm_momentum_at(self._run.samples)
        if self._graph is None or momentum != self._momentum:
            self._graph, self._momentum = self._capture(batch), momentum
        _copy(batch, self._batch)
        self._graph.replay()
        update_average(self._run)
        return self._losses

    def _eager_step(self, batch: dict) -> dict[str, Tensor]:
        """Run an eager step in a side stream, as capturing requires."""
        make_capturable(self._run.optimizer)
        self._side_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side_stream):
            losses = train_step(self._run, self._run.network, batch, self._weights)
        torch.cuda.current_stream().wait_stream(self._side_stream)
        return losses

    def _capture(self, batch: dict) -> torch.cuda.CUDAGraph:
        run, graph = self._run, torch.cuda.CUDAGraph()
        self._batch = {**map_tensors(batch, Tensor.clone), "instances": MAX_INSTANCES}
        run.optimizer.zero_grad(set_to_none=True)  # gradients must be allocated in the graph's memory pool
        try:
            # the loader's threads lock pages meanwhile, which the default mode would report as an error
            # of its own stream: graphs captured on one stream share cuBLAS's workspace, and could not run side by side
            with torch.cuda.graph(graph, stream=self._side_stream, capture_error_mode="thread_local"):
                losses = compute_losses(run, run.network, self._batch, self._weights, cached=False)
                losses["total"].backward()
                apply_gradients(run)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise CudaGraphError(
                f"the training step cannot be captured as a CUDA graph ({reason}); train with --no-graphs"
            ) from error
        self._losses = {name: value.detach() for name, value in losses.items()}
        return graph


def _copy(source: dict, target: dict) -> None:
    for name, x in source.items():
        if isinstance(x, dict):
            _copy(x, target[name])
        elif isinstance(x, Tensor):
            target[name].copy_(x, non_blocking=True)
