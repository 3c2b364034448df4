"""A training step as one CUDA graph: its many small kernels are enqueued by one call, and no longer wait for Python."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from jspnet_core.errors import JspnetError
from jspnet_core.training.dataset.loader import with_tensors
from jspnet_core.training.optimizer import make_capturable
from jspnet_core.training.run import TrainingRun
from jspnet_core.training.step import apply_gradients, compute_losses, prepare_step, step, update_average

WARM_UP = 3
"""Steps that run plainly first: what is done once, as making the optimiser's state, is not to be recorded."""

MAX_INSTANCES = 128
"""Of a block in a recorded step; a batch with a block of more takes a plain one."""


class CudaGraphError(JspnetError):
    """A step that cannot be a CUDA graph: one sentence."""


def can_capture(run: TrainingRun) -> bool:
    """On one GPU, without a teacher: what several processes say to each other is not recorded here."""
    return run.world.device.type == "cuda" and run.world.size == 1 and run.teacher is None


class CudaGraphStep:
    """As `jspnet_core.training.step.step`, of one run, with batches that all have the shapes of the first.

    The losses are overwritten by the next call. It is recorded anew when the norms' momentum changes.
    Raises `CudaGraphError` for a network that waits for the GPU in the middle of a step.
    """

    def __init__(self, run: TrainingRun, weights: Tensor | None):
        self._run, self._weights = run, weights
        self._side, self._plain = torch.cuda.Stream(), 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._momentum = 0.0
        self._batch: dict[str, Any] = {}
        self._losses: dict[str, Tensor] = {}

    def __call__(self, batch: dict) -> dict[str, Tensor]:
        if self._plain < WARM_UP or batch["instances"] > MAX_INSTANCES:
            self._plain += 1
            return self._step_aside(batch)
        prepare_step(self._run)
        momentum = self._run.recipe.norm_momentum_at(self._run.samples)
        if self._graph is None or momentum != self._momentum:
            self._graph, self._momentum = self._record(batch), momentum
        _copy(batch, self._batch)
        self._graph.replay()
        update_average(self._run)
        return self._losses

    def _step_aside(self, batch: dict) -> dict[str, Tensor]:
        """A plain step in the stream that recording wants."""
        make_capturable(self._run.optimizer)
        self._side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._side):
            losses = step(self._run, self._run.network, batch, self._weights)
        torch.cuda.current_stream().wait_stream(self._side)
        return losses

    def _record(self, batch: dict) -> torch.cuda.CUDAGraph:
        run, graph = self._run, torch.cuda.CUDAGraph()
        self._batch = {**with_tensors(batch, Tensor.clone), "instances": MAX_INSTANCES}
        run.optimizer.zero_grad(set_to_none=True)  # gradients shall lie in the graph's memory
        try:
            # the loader's threads lock pages meanwhile, which the default mode would take for a mistake
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                losses = compute_losses(run, run.network, self._batch, self._weights, cached=False)
                losses["total"].backward()
                apply_gradients(run)
        except RuntimeError as error:
            said = str(error).partition("\n")[0]
            raise CudaGraphError(
                f"a step cannot be recorded as a CUDA graph ({said}); train with --no-graphs"
            ) from error
        self._losses = {name: value.detach() for name, value in losses.items()}
        return graph


def _copy(source: dict, target: dict) -> None:
    for name, x in source.items():
        if isinstance(x, dict):
            _copy(x, target[name])
        elif isinstance(x, Tensor):
            target[name].copy_(x, non_blocking=True)
