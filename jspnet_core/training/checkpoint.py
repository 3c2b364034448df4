"""Self-describing checkpoints: resuming, fine-tuning and export need no other file."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from jspnet_core.classes import ClassTable
from jspnet_core.data.provenance import UNKNOWN_DATA, DataSource
from jspnet_core.errors import JspnetError
from jspnet_core.io.atomic import replacing
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.network_config import NetworkConfiguration


class CheckpointError(JspnetError):
    """A checkpoint that is missing, damaged, or does not fit the data or the network."""


@dataclass
class Checkpoint:
    """State of a training run.

    network: the weights that training continues with. average: their moving average, which is validated and exported
    instead, or None. samples: blocks trained on so far. recipe: settings of the run. metrics: of the last validation.
    mean_sizes: mean voxels of an instance by class, None for a class without instances. excluded_classes: names of
    classes that the built network never predicts; training may continue to learn them. sources: training data of the
    weights and of those they began from; empty if unknown.
    """

    configuration: NetworkConfiguration
    classes: ClassTable
    network: dict[str, Any]
    optimizer: dict[str, Any] | None
    samples: int
    recipe: dict[str, Any]
    metrics: dict[str, Any]
    mean_sizes: list[float | None]
    average: dict[str, Any] | None = None
    excluded_classes: list[str] = field(default_factory=list)
    sources: list[DataSource] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, Any]:
        """Weights to use: the averaged ones if there are any."""
        return self.network if self.average is None else self.average

    @property
    def known_sources(self) -> list[DataSource]:
        """Training data of the weights; `UNKNOWN_DATA` if the checkpoint records none."""
        return self.sources or [UNKNOWN_DATA]

    def slim(self) -> Checkpoint:
        """Return a copy for use and fine-tuning: matrices as float16, no optimiser state."""
        halved = {name: x.half() if x.is_floating_point() and x.dim() > 1 else x for name, x in self.weights.items()}
        return replace(self, network=halved, average=None, optimizer=None)

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically: a killed run leaves the previous one."""
        described = {
            "configuration": self.configuration.model_dump(mode="json"),
            "classes": self.classes.to_dict(),
            "samples": self.samples,
            "recipe": self.recipe,
            "metrics": self.metrics,
            "mean_sizes": self.mean_sizes,
            "excluded_classes": self.excluded_classes,
            "sources": [source.to_dict() for source in self.sources],
        }
        state = {
            "description": json.dumps(described),
            "network": self.network,
            "optimizer": self.optimizer,
            "average": self.average,
        }
        with replacing(path) as file:
            torch.save(state, file)

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint without executing code from it. Raises `CheckpointError`."""
        if not path.is_file():
            raise CheckpointError(
                f"{path}: no such checkpoint; `jspnet train` writes last.pt and best.pt into its --out"
            )
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            described = json.loads(state["description"])
            return cls(
                configuration=NetworkConfiguration(**described.pop("configuration")),
                classes=ClassTable.from_dict(described.pop("classes")),
                network=state["network"],
                optimizer=state["optimizer"],
                average=state.get("average"),
                excluded_classes=described.pop("excluded_classes", described.pop("never", [])),
                sources=[DataSource(**source) for source in described.pop("sources", [])],
                **described,
            )
        except (pickle.UnpicklingError, RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: not a checkpoint of jspnet ({type(error).__name__})") from error

    def build(self) -> JointNetwork:
        """Build the network with its weights, in evaluation mode."""
        network = build_network(self.configuration)
        network.load_state_dict(self.weights)
        network.mask_classes([self.classes.names.index(name) for name in self.excluded_classes])
        return network.eval()
