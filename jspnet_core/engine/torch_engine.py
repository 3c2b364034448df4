"""PyTorch as an engine, for robots that have it and where TensorRT cannot run.

On a GPU the matrix products are 16 bits wide, except for the last layers of the heads, and every batch size is one
captured CUDA graph. On a CPU it runs eagerly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from jspnet_core.classes import ClassTable
from jspnet_core.cuda.device_network import DeviceNetwork
from jspnet_core.engine.module_engine import NetworkEngine, read_network
from jspnet_core.network import JointNetwork
from jspnet_core.network.fusion import PIFF
from jspnet_core.pipeline.pyramid import Pyramid, pyramid_names, stack_pyramids

Half = Literal["fp32", "fp16", "bf16"]
_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class TorchEngine(NetworkEngine):
    """The network of a checkpoint in PyTorch, for whole frames; see `open`.

    precision: type of the matrix products. graphs: capture a CUDA graph for each batch size. compiled: run the network
    through `torch.compile`.
    """

    def __init__(
        self,
        network: JointNetwork,
        classes: ClassTable,
        mean_sizes: Sequence[float | None],
        *,
        voxel_size: float = 0.03,
        name: str = "network",
        precision: Half = "fp32",
        graphs: bool = False,
        compiled: bool = False,
    ):
        super().__init__(network, classes, mean_sizes, voxel_size=voxel_size, name=name)
        self.precision, self.graphs = precision, graphs
        if precision != "fp32":
            keep_heads_single(network)
        network.eval()
        self._forward: Callable[..., tuple[Tensor, Tensor]] = (
            torch.compile(network, dynamic=False) if compiled else network
        )
        self._recorded: dict[int, tuple[dict[str, Tensor], tuple[Tensor, Tensor], torch.cuda.CUDAGraph]] = {}

    @classmethod
    def open(
        cls,
        checkpoint: Path,
        device: str | None = None,
        precision: Half | None = None,
        graphs: bool | None = None,
        compiled: bool = False,
    ) -> TorchEngine:
        """Load a checkpoint. Raises `CheckpointError`.

        device: None: the GPU if there is one. precision: None: fp16 on a GPU. graphs: None: on a GPU.
        """
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        on_gpu = torch.device(device).type == "cuda"
        return cls(
            **read_network(checkpoint, device),
            precision=precision or ("fp16" if on_gpu else "fp32"),
            graphs=on_gpu if graphs is None else graphs,
            compiled=compiled,
        )

    def on_device(self) -> DeviceNetwork | None:
        if self.device.type != "cuda":
            return None
        from jspnet_core.engine.torch_on_device import TorchNetwork

        return TorchNetwork(self)

    @torch.inference_mode()
    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        c = self.description.configuration
        logits = np.empty((*features.shape[:2], c.classes), np.float32)
        embeddings = np.empty((*features.shape[:2], c.embedding), np.float32)
        for begin in range(0, len(features), self.blocks_at_once):
            part = slice(begin, begin + self.blocks_at_once)
            inputs = {"features": features[part], **stack_pyramids(pyramids[part], c)}
            outputs = self.run_tensors({name: self._tensor(array) for name, array in inputs.items()})
            logits[part], embeddings[part] = (x.float().cpu().numpy() for x in outputs)
        return logits, embeddings

    @torch.inference_mode()
    def run_tensors(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Run on tensors of the device: `features` (B, N, channels) and a stacked pyramid.

        The results of a recorded graph are overwritten by the next call of the same number of blocks.
        """
        if not self.graphs:
            return self._infer(inputs)
        blocks = len(inputs["features"])
        if blocks not in self._recorded:
            self._record(inputs, blocks)
        held, outputs, graph = self._recorded[blocks]
        for name, tensor in held.items():
            tensor.copy_(inputs[name], non_blocking=True)
        graph.replay()
        return outputs

    def _infer(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        pyramid = {name: inputs[name] for name in pyramid_names()}
        if self.precision == "fp32":
            return self._forward(inputs["features"], pyramid)
        # Cached casts of weights would belong to the recording's memory, and be gone at the next one.
        with torch.autocast(self.device.type, _TYPES[self.precision], cache_enabled=False):
            return self._forward(inputs["features"], pyramid)

    def _record(self, inputs: dict[str, Tensor], blocks: int) -> None:
        held = {name: inputs[name].clone() for name in ("features", *pyramid_names())}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):  # lazy initialisation must not be recorded
                self._infer(held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        memory = next((other.pool() for _, _, other in self._recorded.values()), None)  # one for all: they take turns
        with torch.cuda.graph(graph, pool=memory):
            outputs = self._infer(held)
        torch.cuda.empty_cache()  # what the first calls needed
        self._recorded[blocks] = held, outputs, graph


def keep_heads_single(network: nn.Module) -> None:
    """Compute the last layer of each head in float32, also under autocast."""
    for module in network.modules():
        if isinstance(module, PIFF):
            module.add_module("out", _Single(module.out))


class _Single(nn.Module):
    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self.layer(x.float())
