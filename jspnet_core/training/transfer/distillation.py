"""Knowledge distillation: a network learns from a trained teacher besides the labels.

From the logits it learns the teacher's class probabilities (Hinton et al., "Distilling the knowledge in a neural
network", 2015), from the embeddings the distances between points (Park et al., "Relational knowledge distillation",
CVPR 2019): only distances between embeddings have a meaning, not the embeddings themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from jspnet_core.classes import ClassTable
from jspnet_core.data.provenance import DataSource
from jspnet_core.network import JointNetwork
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.losses import DELTA_D

PARTNERS = 4
"""Random points per step to which the distances of each point are compared."""


class Teacher:
    """Trained network that another one learns from; its weights do not change. weight: of the loss."""

    def __init__(self, network: JointNetwork, weight: float, sources: Sequence[DataSource] = ()):
        self.network, self.weight, self.sources = network.requires_grad_(False), weight, list(sources)

    @classmethod
    def load(
        cls, path: Path, weight: float, student: NetworkConfiguration, classes: ClassTable, device: torch.device
    ) -> Teacher:
        """Load a teacher for a student. Raises `CheckpointError` for other classes or blocks, or fewer points."""
        checkpoint = Checkpoint.load(path)
        if checkpoint.classes.names != classes.names:
            raise CheckpointError(
                f"teacher {path} has the classes {', '.join(checkpoint.classes.names)}; the network has "
                f"{', '.join(classes.names)}: they must be the same"
            )
        seen = [(c.block_size, c.color, c.points) for c in (checkpoint.configuration, student)]
        if seen[0][:2] != seen[1][:2] or seen[0][2] < seen[1][2]:
            blocks = [f"{s:g} m {'with' if c else 'without'} colour, {n} points" for s, c, n in seen]
            raise CheckpointError(
                f"teacher {path} takes blocks of {blocks[0]}, the network blocks of {blocks[1]}: size and colour must "
                "be the same, and the teacher must take at least as many points"
            )
        return cls(checkpoint.build().to(device), weight, checkpoint.known_sources)

    def add_loss(self, losses: dict[str, Tensor], batch: dict, logits: Tensor, embeddings: Tensor) -> dict[str, Tensor]:
        """Add the distillation loss of logits (B, N, C) and embeddings (B, N, K), as `distillation` and to `total`.

        batch: with `teacher_features` and `teacher_pyramid`; the first points of the teacher are the student's.
        """
        with torch.no_grad():
            outputs = self.network(batch["teacher_features"], batch["teacher_pyramid"])
        teacher_logits, teacher_embeddings = (x[:, : logits.shape[1]] for x in outputs)
        distillation = probability_loss(logits, teacher_logits.float()) + distance_loss(
            embeddings, teacher_embeddings.float()
        )
        return {**losses, "distillation": distillation, "total": losses["total"] + self.weight * distillation}


def probability_loss(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Compute the KL divergence of two logits (B, N, C), averaged over all points, labelled or not."""
    student, teacher = (functional.log_softmax(x.flatten(0, 1), dim=-1) for x in (logits, teacher_logits))
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def distance_loss(embeddings: Tensor, teacher_embeddings: Tensor) -> Tensor:
    """Compute the mean squared difference of L1 distances between points of two embeddings (B, N, K).

    Points that the teacher separates by the push loss's margin (eq. 5) may be farther apart without penalty.
    """
    difference = []
    for _ in range(PARTNERS):
        partner = torch.randperm(embeddings.shape[1], device=embeddings.device)
        here, there = ((x - x[:, partner]).abs().sum(-1) for x in (embeddings, teacher_embeddings))  # (B, N)
        short = there.clamp(max=2 * DELTA_D) - here
        difference.append(torch.where(there < 2 * DELTA_D, short, functional.relu(short)).square().mean())
    return torch.stack(difference).mean()
