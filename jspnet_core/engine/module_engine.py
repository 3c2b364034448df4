"""The engine around a PyTorch network, to score a checkpoint without export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jspnet_core.classes import ClassTable
from jspnet_core.engine.base import Engine
from jspnet_core.model_file import ModelDescription
from jspnet_core.network import JointNetwork
from jspnet_core.pipeline.pyramid import Pyramid, stack_pyramids
from jspnet_core.training.checkpoint import Checkpoint


class NetworkEngine(Engine):
    """A PyTorch network as an engine. The network is set to evaluation mode at each call.

    network: of any system, on any device; it is used, not copied, so what is trained meanwhile is what answers.
    mean_sizes: mean instance size by class in voxels of `voxel_size` metres, None for a class without instances.
    blocks_at_once: None: one on a CPU, whose cache it fills, 32 on a GPU.
    Raises `ValueError` where classes, sizes and network do not agree in number.
    """

    def __init__(
        self,
        network: JointNetwork,
        classes: ClassTable,
        mean_sizes: Sequence[float | None],
        *,
        voxel_size: float = 0.03,
        name: str = "network in training",
        blocks_at_once: int | None = None,
    ):
        outputs = network.configuration.classes
        if not len(classes) == len(mean_sizes) == outputs:
            raise ValueError(
                f"the network has {outputs} classes, found a table of {len(classes)} and {len(mean_sizes)} mean sizes"
            )
        description = ModelDescription(
            name=name,
            configuration=network.configuration,
            classes=classes.to_dict(),
            mean_sizes=list(mean_sizes),
            voxel_size=voxel_size,
            training={},
            licence="of the training data",
        )
        super().__init__(description)
        self.network = network
        self.device = next(network.parameters()).device
        self.blocks_at_once = blocks_at_once or (1 if self.device.type == "cpu" else 32)

    @classmethod
    def from_checkpoint(cls, path: Path, device: torch.device | str = "cpu") -> NetworkEngine:
        """Load the network of a checkpoint file. Raises `CheckpointError`."""
        return cls(**read_network(path, device))

    @torch.inference_mode()
    def run(self, features: np.ndarray, pyramids: Sequence[Pyramid]) -> tuple[np.ndarray, np.ndarray]:
        self.network.eval()
        c = self.description.configuration
        logits = np.empty((*features.shape[:2], c.classes), np.float32)
        embeddings = np.empty((*features.shape[:2], c.embedding), np.float32)
        for begin in range(0, len(features), self.blocks_at_once):
            part = slice(begin, begin + self.blocks_at_once)
            pyramid = {name: self._tensor(array) for name, array in stack_pyramids(pyramids[part], c).items()}
            outputs = self.network(self._tensor(features[part]), pyramid)
            logits[part], embeddings[part] = (x.float().cpu().numpy() for x in outputs)
        return logits, embeddings

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)


def read_network(path: Path, device: torch.device | str) -> dict[str, Any]:
    """Read a checkpoint. Returns the arguments of `NetworkEngine` by name; raises `CheckpointError`."""
    checkpoint = Checkpoint.load(path)
    return {
        "network": checkpoint.build().to(device),
        "classes": checkpoint.classes,
        "mean_sizes": checkpoint.mean_sizes,
        "voxel_size": checkpoint.recipe["augmentation"]["voxel_size"],
        "name": str(path),
    }
