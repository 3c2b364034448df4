"""Checkpoints that describe themselves: resuming, fine-tuning and export need nothing else."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from jspnet_core.classes import ClassTable
from jspnet_core.errors import JspnetError
from jspnet_core.io.atomic import replacing
from jspnet_core.network import JointNetwork, build_network
from jspnet_core.network_config import NetworkConfiguration


class CheckpointError(JspnetError):
    """A checkpoint that cannot be used: one sentence naming the file."""


@dataclass
class Checkpoint:
    """State of a training run.

    network: the weights that training goes on with. average: their moving average, which is validated and exported
    in their place, or None. samples: blocks trained on so far. recipe: the run's settings, for the model card.
    metrics: of the last validation. mean_sizes: voxels of an instance, by class. never: names of classes that the
    network, once built, never says; training from these weights may say them.
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
    never: list[str] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, Any]:
        """The weights to use: averaged ones where there are any."""
        return self.network if self.average is None else self.average

    def slim(self) -> Checkpoint:
        """What is needed to use the network, or to train on from its weights: matrices as float16, no optimiser."""
        halved = {name: x.half() if x.is_floating_point() and x.dim() > 1 else x for name, x in self.weights.items()}
        return replace(self, network=halved, average=None, optimizer=None)

    def save(self, path: Path) -> None:
        """Write under a temporary name, then rename: a killed run leaves the last whole checkpoint."""
        described = {
            "configuration": self.configuration.model_dump(mode="json"),
            "classes": self.classes.to_dict(),
            "samples": self.samples,
            "recipe": self.recipe,
            "metrics": self.metrics,
            "mean_sizes": self.mean_sizes,
            "never": self.never,
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
        """Read a checkpoint without running code from it. Raises `CheckpointError`."""
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
                **described,
            )
        except (pickle.UnpicklingError, RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: not a checkpoint of jspnet ({type(error).__name__})") from error

    def build(self) -> JointNetwork:
        """The network with its weights, in evaluation mode."""
        network = build_network(self.configuration)
        network.load_state_dict(self.weights)
        network.mask_classes([self.classes.names.index(name) for name in self.never])
        return network.eval()
