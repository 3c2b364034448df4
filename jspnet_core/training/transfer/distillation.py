"""Learning from a trained network beside the truth: a cheaper one comes nearer to its scores than by labels alone.

Of the classes it learns the teacher's probabilities (Hinton et al., "Distilling the knowledge in a neural network",
2015), of the embeddings the distances between points (Park et al., "Relational knowledge distillation", CVPR 2019):
embeddings mean nothing but how far they are from each other, and may turn freely.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from jspnet_core.classes import ClassTable
from jspnet_core.network import JointNetwork
from jspnet_core.network_config import NetworkConfiguration
from jspnet_core.training.checkpoint import Checkpoint, CheckpointError
from jspnet_core.training.losses import DELTA_D

PARTNERS = 4
"""Points that each point's distance is compared to, drawn anew at every step."""


class Teacher:
    """A trained network that another one learns from; its own weights stay as they are."""

    def __init__(self, network: JointNetwork, weight: float):
        self.network, self.weight = network.requires_grad_(False), weight

    @classmethod
    def load(
        cls, path: Path, weight: float, student: NetworkConfiguration, classes: ClassTable, device: torch.device
    ) -> Teacher:
        """Read a teacher for a network. Raises `CheckpointError` where it sees other blocks, or fewer points."""
        checkpoint = Checkpoint.load(path)
        if checkpoint.classes.names != classes.names:
            raise CheckpointError(
                f"teacher {path} knows the classes {', '.join(checkpoint.classes.names)}; the network learns "
                f"{', '.join(classes.names)}: they must be the same"
            )
        seen = [(c.block_size, c.color, c.points) for c in (checkpoint.configuration, student)]
        if seen[0][:2] != seen[1][:2] or seen[0][2] < seen[1][2]:
            blocks = [f"{s:g} m {'with' if c else 'without'} colour, {n} points" for s, c, n in seen]
            raise CheckpointError(
                f"teacher {path} sees blocks of {blocks[0]}; the network of {blocks[1]}: size and colour must be the "
                "same, the teacher's points as many or more"
            )
        return cls(checkpoint.build().to(device), weight)

    def add_loss(self, losses: dict[str, Tensor], batch: dict, logits: Tensor, embeddings: Tensor) -> dict[str, Tensor]:
        """`losses` with what the student's logits (B, N, C) and embeddings (B, N, K) differ by, as `distillation`.

        batch: with `teacher_features` and `teacher_pyramid`; the student's points are the teacher's first ones.
        """
        with torch.no_grad():
            answers = self.network(batch["teacher_features"], batch["teacher_pyramid"])
        teacher_logits, teacher_embeddings = (x[:, : logits.shape[1]] for x in answers)
        distillation = probability_loss(logits, teacher_logits.float()) + distance_loss(
            embeddings, teacher_embeddings.float()
        )
        return {**losses, "distillation": distillation, "total": losses["total"] + self.weight * distillation}


def probability_loss(logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the classes, the mean over all points, labelled or not: two (B, N, C)."""
    student, teacher = (functional.log_softmax(x.flatten(0, 1), dim=-1) for x in (logits, teacher_logits))
    return functional.kl_div(student, teacher, reduction="batchmean", log_target=True)


def distance_loss(embeddings: Tensor, teacher_embeddings: Tensor) -> Tensor:
    """Mean squared difference of the L1 distances between points of a block: student's and teacher's (B, N, K).

    Points that the teacher has far enough apart (eq. 5) may be farther apart still.
    """
    difference = []
    for _ in range(PARTNERS):
        partner = torch.randperm(embeddings.shape[1], device=embeddings.device)
        here, there = ((x - x[:, partner]).abs().sum(-1) for x in (embeddings, teacher_embeddings))  # (B, N)
        short = there.clamp(max=2 * DELTA_D) - here
        difference.append(torch.where(there < 2 * DELTA_D, short, functional.relu(short)).square().mean())
    return torch.stack(difference).mean()
